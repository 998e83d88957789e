"""Words of texts, made comparable: rough stems, content words, neighbours. Knows no sentence and no evidence."""

from __future__ import annotations

import re
from itertools import pairwise

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_TOKEN = re.compile(r"\w+")
_STEM_CHARS = 6
_SUFFIXES = ("ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y")
_LEAST_STEM_CHARS = 3

_STOP_WORDS = """
    a about above after again all almost along also although am among an and another any are around as at away back
    be became because become been before being below between both but by came can come could did do does doing done down
    during each either else even ever every few first for from further get gets getting go goes going gone got had has
    have having he her here hers him his how however i if in into is it its itself just last later least less let like
    made make makes many may me meanwhile might more most much must my near next nor now of off often on once one only
    onto or other others our ours out over own per put rather same say says said she should since so some soon still
    such take taken takes than that the their theirs them then there these they thing things this those though through
    thus till to together too took toward towards two under until up upon us use used uses using very via want was we
    well went were what when where whether which while who whole whom whose why will with within would yet you your
    yours please thank thanks hi hello
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that say nothing of what a text is about. Negations are none of them."""


def stem(word: str) -> str:
    """Cut a word to what its forms have in common, roughly: an ending off, and at most six letters."""
    bare = word.lower().replace("\u2019", "'").removesuffix("'s")
    for suffix in _SUFFIXES:
        if bare.endswith(suffix) and len(bare) - len(suffix) >= _LEAST_STEM_CHARS:
            bare = bare[: -len(suffix)]
            break
    return bare[:_STEM_CHARS]


def content_stems(text: str) -> list[str]:
    """List the stems of the words that say what a text is about, in order, repeated as they are."""
    words = (found.lower() for found in _WORD.findall(text))
    return [stem(word) for word in words if len(word) > 2 and word not in STOP_WORDS]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Pair each word with the one after it: two texts that share most pairs say the same in the same order."""
    words = [token.lower() for token in _TOKEN.findall(text)]
    if len(words) < 2:
        return frozenset([tuple(words)])
    return frozenset(pairwise(words))
