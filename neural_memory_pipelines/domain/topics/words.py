"""Which words of a text can name a topic, and the phrases that they make. No weights, no choice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

# What a sentence breaks at, no phrase goes over.
_PIECES = re.compile(r"[.!?:;,()\[\]{}|\"`*\n]+(?:\s|$)|[()\[\]{}|\"`*\n]+")
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+|```.*?```", re.DOTALL)
# A word: letters and digits, with single marks inside (redis-queue, v2.5.0, payments#212).
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019._#][^\W_]+)*")
_MARKS = re.compile(r"[-._# ]")
_ENDINGS = ("ing", "ion", "ed", "e")
_NUMBER = re.compile(r"#?\d[\d.,:/-]*(?:st|nd|rd|th|[a-z]{0,2})?$")
_CONTRACTED = re.compile(r"['\u2019](?:s|t|re|ve|ll|d|m)$")
_LEAST_CHARS, _MOST_CHARS = 2, 40

_CALENDAR = """
january february march april may june july august september october november december jan feb mar apr jun jul aug sep
sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun today yesterday
tomorrow tonight morning afternoon evening noon night day days week weeks month months year years hour hours minute
minutes second seconds daily weekly monthly utc
"""
_NUMERALS = """
zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million
first third fourth fifth once twice half
"""
# Said of any work item, whatever it is about.
_WORK = """
issue issues ticket tickets pull request requests pr prs commit commits comment comments thread decision decisions
decided decide resolution resolved resolve resolves outcome outcomes summary done canceled cancelled completed closed
closes close fix fixes fixed add adds added update updates updated change changes changed remove removes removed use
uses used using make makes made makes work works working worked need needs needed want wants wanted thing things way
new old get gets got let lets put puts set sets say says said tell tells told know knows known see sees seen look looks
like just also still already instead longer however really maybe perhaps please thanks thank hello hi hey dear yes ok
okay team people someone somebody anyone anybody everyone everybody nobody does did doing don doesn didn isn wasn aren
won can't cannot couldn shouldn wouldn hasn haven hadn im ive id ill youre lot lots bit etc eg ie via per vs item items
part parts time times proposes proposed proposal note notes redacted https http www com
"""


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Words that name no topic: those of every English text, of every work item, of the calendar, and numerals."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 - slow to import

    return frozenset(ENGLISH_STOP_WORDS).union(_CALENDAR.split(), _NUMERALS.split(), _WORK.split())


def terms_of(text: str) -> set[str]:
    """Find the words of a text that can name a topic, and its phrases of two, in lower case.

    A number is no word, but may end a phrase: `rfc 0003`.
    """
    stops = stop_words()
    terms: set[str] = set()
    for piece in _PIECES.split(_NO_WORDS.sub("\n", text)):
        before = ""
        for word in _words(piece):
            named = _names(word, stops)
            if named:
                terms.add(word)
            if before and (named or _NUMBER.match(word)) and before != word:
                terms.add(f"{before} {word}")
            before = word if named else ""
    return terms


def stems_of(term: str) -> frozenset[str]:
    """Take a term apart into rough stems, by which terms that say the same are known. They are not meant to be read."""
    return frozenset(_stem(word) for word in _MARKS.split(term) if word)


def _stem(word: str) -> str:
    word = _singular(word)
    ending = next((ending for ending in _ENDINGS if word.endswith(ending) and len(word) - len(ending) > 3), "")
    return word.removesuffix(ending)


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _words(piece: str) -> Iterator[str]:
    for match in _WORD.finditer(piece):
        yield _CONTRACTED.sub("", match.group().lower())


def _names(word: str, stops: frozenset[str]) -> bool:
    if not _LEAST_CHARS <= len(word) <= _MOST_CHARS or _NUMBER.match(word):
        return False
    return word not in stops and _singular(word) not in stops
