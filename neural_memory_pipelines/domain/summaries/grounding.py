"""Holds generated sentences against the evidence that they name, and drops what does not rest on it.

Words are compared, not meanings: a net for invented facts, wrong days, swapped evidence, turned statements and orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.statements import as_sentence
from neural_memory_pipelines.domain.summaries.evidence import DEFAULT_LIMITS, Evidence, Sentence, SummaryLimits
from neural_memory_pipelines.domain.summaries.facts import Facts, evidence_text, missing_facts, read_facts
from neural_memory_pipelines.domain.summaries.orders import before_orders, gives_orders
from neural_memory_pipelines.domain.summaries.polarity import turned
from neural_memory_pipelines.domain.summaries.sentences import plain, split_sentences
from neural_memory_pipelines.domain.summaries.words import content_stems

LEAST_SHARE = 0.6
"""Share of a sentence's content words that its evidence must hold; found with the examples in the tests."""
_LEAST_SHARE_OF_ONE = 0.4  # of the evidence of the day that a sentence names
_LEAST_COMMON = 2  # content words that evidence must share with a sentence that names it
_MOST_NAMED = 4
_LEAST_WORDS = 3
_UNFINISHED = ("…", "...", ":", ",", ";")


class Unsupported(StrEnum):
    """Why a sentence is dropped."""

    FORM = "it is no sentence of the right length"
    ORDERS = "it speaks to a language model"
    NO_EVIDENCE = "it names no evidence, or too much"
    UNKNOWN_EVIDENCE = "it names evidence that was not given"
    FACTS = "its evidence does not hold its days, figures or names"
    WORDS = "its evidence does not hold its words"
    DAY = "what it says is not what happened on the day that it names"
    TURNED = "it says the opposite of its evidence"


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A sentence as a model wrote it, with the observations that it names."""

    text: str
    observation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grounded:
    """The sentences that rest on their evidence, in the order in which they were written; and why others do not."""

    sentences: tuple[Sentence, ...]
    dropped: tuple[Unsupported, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What an observation tells, without what it says to a model."""

    item: Evidence
    sentences: tuple[str, ...]
    text: str
    facts: Facts
    stems: frozenset[str]


def supported(
    drafts: Iterable[DraftSentence], evidence: Sequence[Evidence], limits: SummaryLimits = DEFAULT_LIMITS
) -> Grounded:
    """Keep the sentences that their evidence supports.

    A sentence must name one to four of the given observations. Of these, it rests on those that share at least two
    of its content words (the others are no evidence for it, and are taken off); they must hold its days, figures and
    names, and at least `LEAST_SHARE` of its content words. Where it names a single day, an observation of that day
    must hold 0.4 of them. It may neither deny what its evidence affirms, nor the reverse. What an observation says to
    a language model, and all after it, supports nothing.
    """
    given = {item.observation_id: item for item in evidence}
    read: dict[ObservationId, _Told] = {}
    kept: list[Sentence] = []
    dropped: list[Unsupported] = []
    for draft in drafts:
        verdict = _judge(draft, given, read, limits)
        if isinstance(verdict, Unsupported):
            dropped.append(verdict)
        else:
            kept.append(verdict)
    return Grounded(tuple(kept), tuple(dropped))


def _judge(
    draft: DraftSentence,
    given: Mapping[ObservationId, Evidence],
    read: dict[ObservationId, _Told],
    limits: SummaryLimits,
) -> Sentence | Unsupported:
    text = plain(draft.text)
    stems = frozenset(content_stems(text))
    if (
        not stems
        or len(text.split()) < _LEAST_WORDS
        or len(text) > limits.most_sentence_chars
        or text.endswith(_UNFINISHED)
    ):
        return Unsupported.FORM
    if gives_orders(draft.text) or gives_orders(text):
        return Unsupported.ORDERS
    named = [ObservationId(key) for key in dict.fromkeys(draft.observation_ids)]
    if not 1 <= len(named) <= _MOST_NAMED:
        return Unsupported.NO_EVIDENCE
    if not given.keys() >= set(named):
        return Unsupported.UNKNOWN_EVIDENCE
    for key in named:
        if key not in read:
            read[key] = _read(given[key])
    resting = [read[key] for key in named if len(stems & read[key].stems) >= min(_LEAST_COMMON, len(stems))]
    fault = _fault(text, stems, resting)
    return fault or _spelled(text, resting)


def _read(item: Evidence) -> _Told:
    said = before_orders(item.text)
    title = before_orders(item.title or "")
    sentences = tuple(filter(None, [plain(title), *split_sentences(said)]))
    # The text as it stands too: what is in tables, code and headings is told as well.
    text = evidence_text(item, f"{title}\n{plain(said)}\n{said}")
    return _Told(item, sentences, text, read_facts(text), frozenset(content_stems(text)))


def _fault(text: str, stems: frozenset[str], resting: Sequence[_Told]) -> Unsupported | None:
    if not resting:
        return Unsupported.WORDS
    said = read_facts(text)
    if next(missing_facts(said, _together(resting)), None) is not None:
        return Unsupported.FACTS
    if len(stems & frozenset().union(*(told.stems for told in resting))) < LEAST_SHARE * len(stems):
        return Unsupported.WORDS
    if len(said.days) == 1 and not any(_holds_day(told, said, stems) for told in resting):
        return Unsupported.DAY
    return Unsupported.TURNED if turned(text, [line for told in resting for line in told.sentences]) else None


def _holds_day(told: _Told, said: Facts, stems: frozenset[str]) -> bool:
    common = len(stems & told.stems)
    return all(day.is_told_by(told.facts.days) for day in said.days) and common >= _LEAST_SHARE_OF_ONE * len(stems)


def _together(resting: Sequence[_Told]) -> Facts:
    facts = [told.facts for told in resting]
    return Facts(
        days=frozenset().union(*(one.days for one in facts)),
        figures=frozenset().union(*(one.figures for one in facts)),
        measures=frozenset().union(*(one.measures for one in facts)),
        names=frozenset().union(*(one.names for one in facts)),
        words=frozenset().union(*(one.words for one in facts)),
        stems=frozenset().union(*(one.stems for one in facts)),
    )


def _spelled(text: str, resting: Sequence[_Told]) -> Sentence:
    items = sorted((told.item for told in resting), key=lambda item: (item.occurred_at, item.observation_id))
    ids = tuple(item.observation_id for item in items)
    return Sentence(as_sentence(text), ids, items[0].occurred_at, items[-1].occurred_at)
