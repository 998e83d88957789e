"""From evidence to candidates: the sentences that can stand in a summary, each once, in an order of their own.

How many are looked at is bounded here; which of them are chosen is decided in `choosing.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeAlias

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.statements import MARK_WORDS, as_sentence
from neural_memory_pipelines.domain.summaries.evidence import DEFAULT_LIMITS, Evidence, Sentence, SummaryLimits
from neural_memory_pipelines.domain.summaries.orders import before_orders
from neural_memory_pipelines.domain.summaries.sentences import plain, split_sentences
from neural_memory_pipelines.domain.summaries.words import shingles

_LEAST_CHARS, _LEAST_WORDS = 20, 4
_TELLING_CHARS = 60  # "Decision: accepted." does not tell what was accepted: the next sentence goes with it
_SAME_SHINGLES = 0.7
_MOST_WITNESSES = 4
_WORD = re.compile(r"[^\W\d_]{2,}")
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_UNFINISHED = ("…", "...", ":", ",", ";", "(")
_KNOWN = 0.8
# How the titles of decisions begin: "Decision on acme/shop#12: RFC 3: ..."
_OF_WHAT = re.compile(rf"\A(?:{'|'.join(MARK_WORDS)}) on [^:]{{1,80}}: ", re.IGNORECASE)
_MARK = re.compile(rf"(?:{'|'.join(MARK_WORDS)})\s*:", re.IGNORECASE)

_Usable: TypeAlias = Callable[[str, SummaryLimits], bool]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Sentences that stand or fall together: one, or a short decision and the sentence after it.

    `observation_ids` are those that say so, in the order of their times; `position` counts the sentences
    before it in its observation; `heading` is the title of a decision whose text does not tell what it is about.
    """

    sentences: tuple[str, ...]
    observation_ids: tuple[ObservationId, ...]
    first_at: datetime
    last_at: datetime
    position: int
    importance: float
    settles: bool
    heading: str | None = None

    @property
    def text(self) -> str:
        """All of it, on one line."""
        return " ".join(self.forms[0])

    @property
    def forms(self) -> tuple[tuple[str, ...], ...]:
        """The ways to tell it, the fullest first: with its heading, without, its first sentence alone."""
        return (
            (self.sentences if self.heading is None else (self.heading, *self.sentences)),
            self.sentences,
            self.sentences[:1],
        )

    @property
    def rank(self) -> tuple[datetime, ObservationId, int, str]:
        """Its place in time, which depends on nothing else."""
        return self.first_at, self.observation_ids[0], self.position, self.text

    def spelled(self, level: int = 0) -> tuple[Sentence, ...]:
        """Give its sentences in one of its forms."""
        return tuple(Sentence(text, self.observation_ids, self.first_at, self.last_at) for text in self.forms[level])


def candidates(evidence: Iterable[Evidence], limits: SummaryLimits = DEFAULT_LIMITS) -> list[Candidate]:
    """List the sentences that may stand in a summary, in the order of their ranks.

    Of what is given, the decisions and the most important and latest observations are read, then the first sentence
    of each before the second of any. What speaks to a language model is left out with all that follows it. Of
    sentences that say the same, one is left, with the observations of all; decisions do so on one day alone, as a
    decision that is taken again may have been reversed in between.

    Returns:
        At most `limits.most_candidates`. Where there is nothing of the right length, what there is: shorter sentences,
        longer ones that fit into a summary, or titles.
    """
    read = sorted(evidence, key=_reading_order)[: limits.most_observations]
    for usable in (_is_usable, _is_short_or_long):
        found = [candidate for item in read for candidate in _of_text(item, limits, usable)]
        if found:
            break
    else:
        found = [candidate for item in read for candidate in _of_title(item)]
    # Python's sort is stable: what is equal here stays in the order of `read`.
    found.sort(key=lambda candidate: (not candidate.settles, candidate.position))
    return sorted(_each_once(found[: limits.most_candidates]), key=lambda candidate: candidate.rank)


def _reading_order(item: Evidence) -> tuple[bool, float, float, ObservationId]:
    return not item.settles, -item.importance, -item.occurred_at.timestamp(), item.observation_id


def _of_text(item: Evidence, limits: SummaryLimits, usable: _Usable) -> Iterator[Candidate]:
    sentences = split_sentences(before_orders(item.text))
    settling = _settling_position(item, sentences, limits, usable)
    told = () if settling is None else _told(sentences, settling, limits)
    for position, text in enumerate(sentences):
        if position == settling:
            yield replace(_candidate(item, told, position, settles=True), heading=_heading(item, sentences, limits))
        elif usable(text, limits) and (settling is None or not settling < position < settling + len(told)):
            yield _candidate(item, (text,), position)


def _settling_position(item: Evidence, sentences: Sequence[str], limits: SummaryLimits, usable: _Usable) -> int | None:
    """Find the sentence that says what was settled: the one that is marked so, else the first."""
    marked = (at for at, text in enumerate(sentences) if _MARK.match(text) and _is_whole(text, limits))
    position = next(marked, None)
    if position is None and item.settles:
        position = next((at for at, text in enumerate(sentences) if usable(text, limits)), None)
    return position


def _told(sentences: Sequence[str], position: int, limits: SummaryLimits) -> tuple[str, ...]:
    first = sentences[position]
    follower = sentences[position + 1] if position + 1 < len(sentences) else ""
    if len(first) < _TELLING_CHARS and _is_whole(follower, limits) and not _MARK.match(follower):
        return as_sentence(first), as_sentence(follower)
    return (as_sentence(first),)


def _heading(item: Evidence, sentences: Sequence[str], limits: SummaryLimits) -> str | None:
    """Give the title of an observation, if it tells what none of its sentences does."""
    title = as_sentence(_OF_WHAT.sub("", plain(before_orders(item.title or ""))))
    told = " ".join(sentences).lower()
    known, words = set(_WORD.findall(told)), _WORD.findall(title.lower())
    tells_more = sum(word in known for word in words) <= _KNOWN * len(words)
    if not tells_more and set(_FIGURE.findall(title)) <= set(_FIGURE.findall(told)):
        return None
    if len(words) < 2 or not _is_usable(title, limits):
        return None
    return title


def _of_title(item: Evidence) -> Iterator[Candidate]:
    title = plain(item.title or "")
    if title and not title.endswith(_UNFINISHED) and before_orders(title):
        yield _candidate(item, (title,), 0, settles=item.settles)


def _candidate(item: Evidence, sentences: tuple[str, ...], position: int, *, settles: bool = False) -> Candidate:
    whole = tuple(map(as_sentence, sentences))
    return Candidate(
        whole, (item.observation_id,), item.occurred_at, item.occurred_at, position, item.importance, settles
    )


def _is_whole(text: str, limits: SummaryLimits) -> bool:
    return bool(_WORD.search(text)) and len(text) <= limits.most_sentence_chars and not text.endswith(_UNFINISHED)


def _is_usable(text: str, limits: SummaryLimits) -> bool:
    words = _WORD.findall(text)
    return (
        _is_whole(text, limits)
        and len(text) >= _LEAST_CHARS
        and len(words) >= _LEAST_WORDS
        and sum(map(len, words)) * 2 >= len(text)  # else it is figures or code
    )


def _is_short_or_long(text: str, limits: SummaryLimits) -> bool:
    """Tell what may stand in a summary if nothing better does. A day and a reference take up to 60 characters."""
    return bool(_WORD.search(text)) and len(text) <= limits.most_chars - 60 and not text.endswith(_UNFINISHED)


def _each_once(found: Iterable[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    seen: list[tuple[frozenset[tuple[str, ...]], frozenset[str]]] = []
    for candidate in found:
        text = " ".join(candidate.sentences)  # titles may differ where the same is said
        said = shingles(text), frozenset(_FIGURE.findall(text))
        for at, other in enumerate(kept):
            if _say_the_same(candidate, other, said, seen[at]):
                kept[at] = _joined(other, candidate)
                break
        else:
            kept.append(candidate)
            seen.append(said)
    return kept


def _say_the_same(
    one: Candidate,
    other: Candidate,
    said: tuple[frozenset[tuple[str, ...]], frozenset[str]],
    said_before: tuple[frozenset[tuple[str, ...]], frozenset[str]],
) -> bool:
    """Compare words in their order, and figures: "Mongo, not Postgres" and "Postgres, not Mongo" are two statements."""
    if said[1] != said_before[1] or one.settles != other.settles:
        return False
    if one.settles and _day(one) != _day(other):
        return False
    common = len(said[0] & said_before[0])
    return common >= _SAME_SHINGLES * (len(said[0]) + len(said_before[0]) - common)


def _joined(one: Candidate, other: Candidate) -> Candidate:
    """Let one stand for both. Beyond a few witnesses, more say no more."""
    if set(other.observation_ids) <= set(one.observation_ids) or len(one.observation_ids) >= _MOST_WITNESSES:
        return one
    first, second = sorted((one, other), key=lambda candidate: candidate.rank)
    return replace(
        one,
        observation_ids=tuple(dict.fromkeys(first.observation_ids + second.observation_ids)),
        first_at=first.first_at,
        last_at=max(one.last_at, other.last_at),
        importance=max(one.importance, other.importance),
    )


def _day(candidate: Candidate) -> date:
    return candidate.first_at.astimezone(UTC).date()
