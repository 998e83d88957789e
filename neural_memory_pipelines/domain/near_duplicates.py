"""Observations of one document that say nearly the same thing, made one.

Words decide, by their shingles; a difference in a number or a negation always keeps two texts apart, however alike
they are otherwise. Comparing observations of different documents, or by their vectors, has no place here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

from neural_memory_pipelines.domain.documents import ObservationDraft, Privacy

ALIKE_PERCENT = 85
"""Least Jaccard similarity of the shingles of two texts that are one."""
CONTAINED_PERCENT = 95
"""Least share of a text's shingles in a longer text that holds it."""
SUBJECT_REFS_LIMIT = 32

_SHINGLE_WORDS = 3
_CONTEXT_WORDS = 2
"""Words on either side of a number or negation that must be the same in texts that are one."""

# All but spaces and punctuation: marks of Indic scripts and emoji, which \w leaves out, tell words apart too.
_LETTER = r"[^\s!-/:-@\[-`{-~¡§«¶·»¿\u2010-\u2027\u2030-\u205e\u3001-\u3003\u3008-\u3011]"
_NUMBER = rf"(?:[<>=~]{{1,2}}\s?)?[-+]?[$]?{_LETTER}*\d{_LETTER}*(?:[.,:/^_-]+{_LETTER}+)*%?"
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|{_LETTER}+(?:'{_LETTER}+)*")
_CRITICAL_WORD = re.compile(
    r".*n't|not|no|never|without|cannot|none|nor|neither|nobody|nothing|nowhere"
    r"|(?:do|does|did|is|are|was|were|ca|could|wo|would|should|has|have)nt"
    r"|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty"
    r"|hundred|thousand|million|billion|half|once|twice"
)
_INVISIBLE = (0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF)
_SPELLINGS = str.maketrans({**dict.fromkeys("\u2019\u02bc", "'"), **dict.fromkeys(map(chr, _INVISIBLE), "")})


_Context: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""The words before and after one."""


@dataclass(frozen=True, slots=True)
class _Profile:
    """What is compared of a text.

    Attributes:
        size_chars: of the text as it stands.
        shingles: numbers that stand for its runs of three words.
        core: all numbers and negations in order, and the contexts of the inner ones: equal in texts that are the same.
        edges: the contexts of the first and last two, which are cut short where the text begins or ends.
    """

    size_chars: int
    shingles: frozenset[int]
    core: tuple[tuple[str, ...], tuple[_Context, ...]]
    edges: tuple[_Context, ...]


def collapse(observations: Sequence[ObservationDraft]) -> tuple[ObservationDraft, ...]:
    """Make one of the observations of a document that say nearly the same.

    Two texts are nearly the same if the Jaccard similarity of their three-word shingles is at least 0.85, or if at
    least 0.95 of the shingles of one are in the other, longer one; and if in both the same numbers and negations stand
    in the same order between the same words. From the longest text on, each joins the longest text that it is nearly
    the same as: what is dropped always resembles what stays, without a chain of others between the two.

    Args:
        observations: those of one document, in order.

    Returns:
        One observation for each group, in the order of the groups' first members. It is the one with the longest text
        (of several the first), with the tags and subject references of all (at most 32 references), the greatest of
        each importance factor, the earliest time and the stricter privacy. Applying it twice changes nothing.
    """
    profiles = _profiles([observation.text for observation in observations])
    frequencies = Counter(chain.from_iterable(profile.shingles for profile in profiles))
    shelves: dict[object, _Shelf] = {}
    groups: dict[int, list[int]] = {}
    for index in sorted(range(len(profiles)), key=lambda index: (-profiles[index].size_chars, index)):
        shelf = shelves.setdefault(profiles[index].core, _Shelf(frequencies))
        kept = shelf.match(profiles[index])
        if kept is None:
            shelf.add(index, profiles[index])
        groups.setdefault(index if kept is None else kept, []).append(index)
    return tuple(
        _unite(observations[kept], [observations[index] for index in sorted(members)])
        for kept, members in sorted(groups.items(), key=lambda group: min(group[1]))
    )


class _Shelf:
    """The texts that stay, of those with the same core, found by the shingles that they hold."""

    def __init__(self, frequencies: Counter[int]) -> None:
        self._frequencies = frequencies
        self._kept: list[tuple[int, _Profile]] = []
        self._places: dict[int, list[int]] = {}
        self._fewest_shingles = 0

    def add(self, index: int, profile: _Profile) -> None:
        """Keep the text with this index."""
        for shingle in profile.shingles:
            self._places.setdefault(shingle, []).append(len(self._kept))
        self._fewest_shingles = min(self._fewest_shingles or len(profile.shingles), len(profile.shingles))
        self._kept.append((index, profile))

    def match(self, profile: _Profile) -> int | None:
        """Find the first text kept that this one, which is no longer, is nearly the same as.

        Two sets that share at least n elements share one of any |set| - n + 1 elements of either: looking for the
        rarest ones leaves few texts to compare (prefix filtering).

        Source: Bayardo, Ma, Srikant: Scaling Up All Pairs Similarity Search, WWW 2007.
        """
        if not self._kept:
            return None
        rarest = sorted(profile.shingles, key=lambda shingle: (self._frequencies[shingle], shingle))
        probes = rarest[: len(rarest) - self._least_shared(len(rarest)) + 1]
        places = set(chain.from_iterable(self._places.get(shingle, ()) for shingle in probes))
        return next((self._kept[at][0] for at in sorted(places) if _is_same(profile, self._kept[at][1])), None)

    def _least_shared(self, size: int) -> int:
        """Bound from below how many shingles a text of `size` shingles shares with any that it is the same as."""
        smallest = max(self._fewest_shingles, _ceil_of(ALIKE_PERCENT * size, 100))
        alike = _ceil_of(ALIKE_PERCENT * (size + smallest), 100 + ALIKE_PERCENT)
        return min(alike, _ceil_of(CONTAINED_PERCENT * size, 100))


def _ceil_of(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def _is_same(text: _Profile, longer: _Profile) -> bool:
    """Tell whether a text is nearly the same as one that is at least as long and has the same core."""
    if not all(map(_fit, text.edges, longer.edges)):
        return False
    shared = len(text.shingles & longer.shingles)
    either = len(text.shingles) + len(longer.shingles) - shared
    # Of two texts of one length neither is inside the other, or else it would matter which of them comes first.
    inside = text.size_chars < longer.size_chars and 100 * shared >= CONTAINED_PERCENT * len(text.shingles)
    return inside or 100 * shared >= ALIKE_PERCENT * either


def _fit(one: _Context, other: _Context) -> bool:
    """Tell whether two contexts are the same as far as both go."""
    if one == other:
        return True
    (before, after), (other_before, other_after) = one, other
    reach = min(len(before), len(other_before))
    return before[len(before) - reach :] == other_before[len(other_before) - reach :] and all(
        map(str.__eq__, after, other_after)
    )


def _profiles(texts: Sequence[str]) -> list[_Profile]:
    numbers: dict[tuple[str, ...], int] = {}
    found: list[_Profile] = []
    for text in texts:
        tokens, critical_at = _tokens(text)
        width = min(_SHINGLE_WORDS, len(tokens))
        shingles = [tuple(tokens[at : at + width]) for at in range(len(tokens) - width + 1)]
        contexts = tuple(_context(tokens, at) for at in critical_at)
        # Two words or more precede the third critical one: only the outer ones can have a context that is cut short.
        inner = contexts[_CONTEXT_WORDS:-_CONTEXT_WORDS]
        found.append(
            _Profile(
                size_chars=len(text),
                shingles=frozenset(numbers.setdefault(shingle, len(numbers)) for shingle in shingles),
                core=(tuple(tokens[at] for at in critical_at), inner),
                edges=contexts[:_CONTEXT_WORDS] + contexts[-_CONTEXT_WORDS:],
            )
        )
    return found


def _context(tokens: Sequence[str], at: int) -> _Context:
    # A "not" that moves to another clause changes few shingles and the whole meaning: its neighbours tell.
    return tuple(tokens[max(0, at - _CONTEXT_WORDS) : at]), tuple(tokens[at + 1 : at + 1 + _CONTEXT_WORDS])


def _tokens(text: str) -> tuple[list[str], list[int]]:
    """Divide a text into words without case or markup, and say which of them are numbers or negations."""
    normalized = unicodedata.normalize("NFKC", text).casefold().translate(_SPELLINGS)
    tokens: list[str] = []
    critical_at: list[int] = []
    for found in _TOKEN.finditer(normalized):
        number = found["number"]
        token = "".join(number.split()) if number else found[0]
        if number or _CRITICAL_WORD.fullmatch(token):
            critical_at.append(len(tokens))
        tokens.append(token)
    # A text of punctuation alone is the same as itself only.
    return tokens or [text.strip()], critical_at


def _unite(kept: ObservationDraft, members: Sequence[ObservationDraft]) -> ObservationDraft:
    if len(members) == 1:
        return kept
    factors: dict[str, float] = {}
    for name, term in chain.from_iterable(member.importance_factors.items() for member in members):
        factors[name] = max(factors.get(name, term), term)
    refs = dict.fromkeys(chain.from_iterable(member.subject_refs for member in members))
    return replace(
        kept,
        occurred_at=min(member.occurred_at for member in members),
        importance_factors=factors,
        tags=tuple(dict.fromkeys(chain.from_iterable(member.tags for member in members))),
        subject_refs=tuple(refs)[:SUBJECT_REFS_LIMIT],
        privacy=Privacy.PRIVATE if any(member.privacy is Privacy.PRIVATE for member in members) else kept.privacy,
    )
