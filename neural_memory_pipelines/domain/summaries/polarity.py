"""Tells whether a sentence turns what others say into its opposite: by a negation, an antonym, or two things swapped.

It compares words; a turn in other words goes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from neural_memory_pipelines.domain.summaries.words import content_stems, stem

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|zero|[a-z]+n['\u2019]t)\b|(?<![\w.,:])0(?![\w.,:%])",
    re.IGNORECASE,
)
_CLOSE_SHARE = 0.6
_PAIRS = """
    accept/reject accept/decline approve/reject approve/decline enable/disable increase/decrease increase/reduce
    add/remove create/delete start/stop succeed/fail grow/shrink faster/slower allow/forbid allow/deny merge/revert
    upgrade/downgrade success/failure fix/break confirm/deny synchronous/asynchronous"""
_OPPOSITES: dict[str, set[str]] = {}
for _pair in _PAIRS.split():
    _one, _other = map(stem, _pair.split("/"))
    _OPPOSITES.setdefault(_one, set()).add(_other)
    _OPPOSITES.setdefault(_other, set()).add(_one)
_WORD = re.compile(r"\w+")
_DETERMINER = r"(?:the\s+|an?\s+|our\s+)?"
_TAKEN, _LEFT = (rf"{_DETERMINER}(?P<{name}>[\w.#/-]+)" for name in ("taken", "left"))
_PASSIVE = r"(?:is|was|were|been)"
_RELATIONS = (
    re.compile(rf"{_TAKEN},?\s+(?:instead\s+of|rather\s+than|(?:supersede|replace)[ds])\s+{_LEFT}", re.IGNORECASE),
    re.compile(rf"\bto\s+{_TAKEN}\s+from\s+{_LEFT}", re.IGNORECASE),
    re.compile(rf"\bfrom\s+{_LEFT}\s+to\s+{_TAKEN}", re.IGNORECASE),
    re.compile(rf"{_LEFT}\s+{_PASSIVE}\s+(?:superseded|replaced)\s+by\s+{_TAKEN}", re.IGNORECASE),
)


def turned(text: str, told: Sequence[str]) -> bool:
    """Tell whether a sentence denies what the others affirm, affirms what they deny, or swaps two things of theirs.

    Args:
        text: the sentence.
        told: the sentences that it is to agree with. Only the nearest of them is asked for a negation.
    """
    if _opposes(text, told) or _swaps(text, told):
        return True
    stems = frozenset(content_stems(text))
    negated = _is_negated(text)
    near = [line for line in told if len(stems & frozenset(content_stems(line))) >= _CLOSE_SHARE * len(stems)]
    if near:
        return all(_is_negated(line) != negated for line in near)
    return negated and not any(map(_is_negated, told))


def _is_negated(text: str) -> bool:
    return len(_NEGATION.findall(text)) % 2 == 1


def _opposes(text: str, told: Sequence[str]) -> bool:
    said = {stem(word) for word in _WORD.findall(text)}
    known = {stem(word) for line in told for word in _WORD.findall(line)}
    return any(opposite in known for word in said - known for opposite in _OPPOSITES.get(word, ()))


def _swaps(text: str, told: Sequence[str]) -> bool:
    """Tell whether a sentence takes what others leave, and leaves what none of them does."""
    left = {pair[1] for line in told for pair in _relations(line)}
    return any(taken in left and own_left not in left for taken, own_left in _relations(text))


def _relations(text: str) -> set[tuple[str, str]]:
    """Find the pairs of a thing and what it takes the place of."""
    found = (match for pattern in _RELATIONS for match in pattern.finditer(text))
    return {(stem(match["taken"]), stem(match["left"])) for match in found}
