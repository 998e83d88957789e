"""Names in a query: which of its words may name somebody, who is meant, and which names the dense query does without.

Who there is, the stores know (`stores/postgres/known_names.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.ambiguous_names import AMBIGUOUS_NAMES, DAYS_AND_MONTHS
from neural_memory_pipelines.domain.claims import name_key
from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.domain.queries import says_nothing
from neural_memory_pipelines.domain.summaries.words import STOP_WORDS

_MOST_WORDS = 4
_MOST_ATOMS = 400
_LONGEST_WORD_CHARS = 100
_LONGEST_GAP_CHARS = 3
_LEAST_SHARED_CHARS = 3
_BEFORE_CHARS = 20
_TELLING_CHARS = 1_000
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Accents may stand as letters of their own, which are no part of a word to `\w`.
_ATOM = re.compile(r"[^\s/,:;()\"&|=<>+@\[\]{}\u2026\u201c\u201d\u201e\u00ab\u00bb]+(?:\[bot\])?")
_INNER = re.compile(r"\w(?:.*[\w\]\u0300-\u036f])?", re.DOTALL)
_POSSESSIVE = re.compile(r"['\u2019][sS]?")
_ENDS_POSSESSIVE = re.compile(r"['\u2019][sS]$")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ENDS_SENTENCE = re.compile(r"[.!?:][\s\"'(\u2018\u201c]+$")
_UNLIKE_WORDS = re.compile(r"[0-9_.-]")


class MatchedBy(StrEnum):
    """What of an entity a part of a query spells."""

    NAME = "name"
    LOGIN = "login"
    EMAIL = "email"
    SHORT_NAME = "short_name"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Gram:
    """An address, or up to four words in a row, of a query: what may be a name.

    Attributes:
        key: as `name_key` spells it; "email:<hash>" for an address.
        folded: as `fold_name` spells it.
        start, end: where, in characters, with the @ in front of it.
    """

    key: str
    folded: str
    start: int
    end: int
    has_at: bool = False


@dataclass(frozen=True, slots=True)
class NameMatch:
    """An entity that answers to `key`, and what it is called."""

    key: str
    by: MatchedBy
    entity_id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """An entity that a query names.

    Attributes:
        start, end: where, in characters of the text.
        is_only_a_name: a person, called by what is nothing but a name: the dense query does without (`without_names`).
    """

    entity_id: str
    kind: str
    name: str
    start: int
    end: int
    is_only_a_name: bool


def fold_name(name: str) -> str:
    """Spell a name without case and accents, as the stores do."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", name))
    # Letter by letter, as Postgres does: that a sigma ends a word makes no difference.
    return "".join(letter.lower() for letter in bare)


def grams(text: str) -> list[Gram]:
    """List what may be a name in a text: addresses, and one to four words in a row.

    A single word that says nothing ("will", "it") is none, unless it has an @ or a capital that no sentence gave it. Of
    a text with more than 400 words, the rest is not read.
    """
    addresses = [
        _gram(f"email:{hash_email(found[0])}", found.start(), found.end())
        for found, _ in zip(_EMAIL.finditer(text), range(_MOST_ATOMS), strict=False)
    ]
    atoms = list(_atoms(text, {place for gram in addresses for place in range(gram.start, gram.end)}))
    return addresses + [
        gram
        for first in range(len(atoms))
        for gram in _from(text, atoms[first : first + _MOST_WORDS])
        if gram.has_at or gram.key not in STOP_WORDS or _is_proper(text, gram)
    ]


def name_gram(name: str) -> Gram:
    """Make a gram of a whole name: "Sanne de Vries", "@sanne", "email:<hash>"."""
    bare = name.strip()
    return _gram(bare.removeprefix("@"), 0, len(name), has_at=bare.startswith("@"))


def _gram(name: str, start: int, end: int, *, has_at: bool = False) -> Gram:
    return Gram(name_key(name), fold_name(" ".join(name.split())), start, end, has_at)


def _atoms(text: str, taken: set[int]) -> Iterator[tuple[int, int]]:
    for found, _ in zip(_ATOM.finditer(text), range(_MOST_ATOMS), strict=False):
        if len(found[0]) > _LONGEST_WORD_CHARS or found.start() in taken:
            continue
        inner = _INNER.search(_ENDS_POSSESSIVE.sub("", found[0].rstrip(".!?*_'\u2019")))
        if inner is not None:
            yield found.start() + inner.start(), found.start() + inner.end()


def _from(text: str, atoms: Sequence[tuple[int, int]]) -> Iterator[Gram]:
    start, last = atoms[0][0], atoms[0][0]
    has_at = start > 0 and text[start - 1] == "@"
    for at, end in atoms:
        if at - last > _LONGEST_GAP_CHARS:
            return
        yield _gram(text[start:end], start - has_at, end, has_at=has_at)
        last = end


def choose_names(text: str, found: Iterable[Gram], matches: Iterable[NameMatch]) -> list[NamedEntity]:
    """Tell whom and what a text names: of names that overlap the longest.

    A first name, and a repository without its owner, names something only if no other has it.

    Args:
        text: of a query.
        found: its grams.
        matches: what answers to them; a match by name or short name has its key as `fold_name` spells it.
    """
    by_key: defaultdict[str, list[NameMatch]] = defaultdict(list)
    for match in matches:
        by_key[match.key].append(match)
    chosen: list[NamedEntity] = []
    taken: set[int] = set()
    for gram in sorted(found, key=lambda gram: (gram.start - gram.end, gram.start)):
        meant = _meant(gram, by_key)
        if meant and taken.isdisjoint(range(gram.start, gram.end)):
            taken.update(range(gram.start, gram.end))
            chosen += _named(text, gram, meant)
    return sorted(chosen, key=lambda one: (one.start, one.kind, one.entity_id))


def _meant(gram: Gram, by_key: Mapping[str, Sequence[NameMatch]]) -> list[NameMatch]:
    matches = [match for key in dict.fromkeys((gram.key, gram.folded)) for match in by_key.get(key, ())]
    certain = [match for match in matches if match.by is not MatchedBy.SHORT_NAME]
    short = [match for match in matches if match.by is MatchedBy.SHORT_NAME]
    for kind in {match.kind for match in short}:
        bearers = {match.entity_id for match in short if match.kind == kind}
        if len(bearers) == 1:
            certain += [match for match in short if match.kind == kind]
    # An account is meant by an @, and nothing that is merely called so.
    people = [match for match in certain if match.kind in {NodeKind.PERSON, NodeKind.BOT, NodeKind.TEAM}]
    return people if gram.has_at else certain


def _named(text: str, gram: Gram, meant: Sequence[NameMatch]) -> Iterator[NamedEntity]:
    # What is also called so keeps its word: it says what is asked for.
    is_someone = all(match.kind == NodeKind.PERSON for match in meant)
    is_only_a_name = is_someone and any(_is_only_a_name(text, gram, match) for match in meant)
    for match in {match.entity_id: match for match in meant}.values():
        yield NamedEntity(match.entity_id, match.kind, match.name, gram.start, gram.end, is_only_a_name)


def _is_only_a_name(text: str, gram: Gram, match: NameMatch) -> bool:
    if gram.has_at or " " in gram.key or match.by is MatchedBy.EMAIL:
        return True
    if gram.folded in AMBIGUOUS_NAMES:
        return gram.key not in DAYS_AND_MONTHS and _is_proper(text, gram)
    if match.by is MatchedBy.SHORT_NAME:
        return text[gram.start].isupper()
    return _UNLIKE_WORDS.search(gram.key) is not None or _is_made_of(gram.folded, match.name)


def _is_made_of(login: str, name: str) -> bool:
    """Tell a login that was made of a name: no word is "tibarra", but "shadow" is, whoever calls himself so."""
    folded = fold_name(name)
    parts = [*folded.split(), "".join(folded.split()[1:])]
    return folded != login and any(len(part) >= _LEAST_SHARED_CHARS and part in login for part in parts)


def _is_proper(text: str, gram: Gram) -> bool:
    """Tell a capital that is there because of the word itself: neither a sentence nor a heading gave it."""
    word = text[gram.start : gram.end]
    before = text[max(gram.start - _BEFORE_CHARS, 0) : gram.start]
    if not word[0].isupper() or word.isupper() or not _INNER.search(before) or _ENDS_SENTENCE.search(before):
        return False
    words: list[str] = _ATOM.findall(text[:_TELLING_CHARS])
    return sum(other[0].islower() for other in words) * 2 >= len(words)


def without_names(text: str, named: Iterable[NamedEntity]) -> str:
    """Leave out the names that are nothing but names, for the dense query: they draw it to whoever they belong to.

    Returns:
        What remains, with single spaces; the text itself, if nothing that says anything would remain.
    """
    kept: list[str] = []
    position = 0
    for start, end in sorted({(one.start, one.end) for one in named if one.is_only_a_name}):
        kept.append(text[position:start])
        possessive = _POSSESSIVE.match(text, end)
        position = possessive.end() if possessive else end
    rest = " ".join(" ".join([*kept, text[position:]]).split())
    return text if says_nothing(rest) else rest
