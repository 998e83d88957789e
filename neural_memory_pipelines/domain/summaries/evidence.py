"""What a summary is made of, and how it is spelled: evidence in, dated sentences with numbered references out.

Which sentences are chosen, and who writes them, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.statements import MARK_WORDS
from neural_memory_pipelines.errors import PermanentError

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
SETTLED_TAGS = frozenset(MARK_WORDS)
"""The tags of observations that settle something; what they say is not to fall out of a summary."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An observation, as a summarizer is given it.

    `text` is markdown, `occurred_at` is aware, `importance` is 0..1; `author` is a name.
    """

    observation_id: ObservationId
    text: str
    occurred_at: datetime
    title: str | None = None
    source: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    importance: float = 0.0
    author: str | None = None

    @property
    def settles(self) -> bool:
        """Whether it is a decision, a resolution or an outcome."""
        return not SETTLED_TAGS.isdisjoint(self.tags)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence on one line, the observations that it rests on, and when the first and the last of them happened."""

    text: str
    observation_ids: tuple[ObservationId, ...]
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SummaryLimits:
    """How large a summary is, and how much is read for it.

    Attributes:
        least_sentences: fewer only if the evidence has no more that can stand in a summary.
        most_sentences: most sentences of a summary.
        most_chars: of the whole text, dates and references included.
        most_sentence_chars: a longer sentence is not chosen while there is another.
        most_settled: sentences that decisions may take, while there is anything else to tell.
        most_observations: observations that are read.
        most_candidates: sentences that are compared with each other.
    """

    least_sentences: int = 3
    most_sentences: int = 7
    most_chars: int = 1_200
    most_sentence_chars: int = 400
    most_settled: int = 6
    most_observations: int = 300
    most_candidates: int = 300


DEFAULT_LIMITS = SummaryLimits()


@dataclass(frozen=True, slots=True)
class Summary:
    """Sentences in the order of their times.

    Raises:
        PermanentError: there are no sentences, or more than the limits allow, or the text is too long.
    """

    sentences: tuple[Sentence, ...]
    limits: SummaryLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        count, most = len(self.sentences), self.limits.most_sentences
        if not 1 <= count <= most:
            raise PermanentError(f"a summary has 1 to {most} sentences, not {count}")
        if len(self.text) > self.limits.most_chars:
            raise PermanentError(f"a summary has at most {self.limits.most_chars} characters, not {len(self.text)}")

    @property
    def evidence(self) -> tuple[ObservationId, ...]:
        """The observations that it rests on, each once; `[n]` in the text refers to the n-th of them."""
        return cited(self.sentences)

    @property
    def text(self) -> str:
        """The sentences with their days and references, such as "On 25 June 2026: We move to Kafka. [1]"."""
        return render(self.sentences)


def cited(sentences: Iterable[Sentence]) -> tuple[ObservationId, ...]:
    """List the observations that sentences rest on, each once, in the order in which they are first named."""
    return tuple(dict.fromkeys(key for sentence in sentences for key in sentence.observation_ids))


def chronological(sentences: Iterable[Sentence]) -> tuple[Sentence, ...]:
    """Put sentences in the order of their times; those of one time stay as they are."""
    return tuple(sorted(sentences, key=lambda sentence: (sentence.first_at, sentence.last_at)))


def render(sentences: Sequence[Sentence]) -> str:
    """Spell sentences: a day where it changes, and references where they change."""
    numbers = {key: number for number, key in enumerate(cited(sentences), start=1)}
    pieces: list[str] = []
    day = ""
    for at, sentence in enumerate(sentences):
        own_day = spelled_days(sentence.first_at, sentence.last_at)
        if own_day != day:
            pieces.append(f"{own_day}:")
            day = own_day
        pieces.append(sentence.text)
        follower = sentences[at + 1] if at + 1 < len(sentences) else None
        if follower is None or follower.observation_ids != sentence.observation_ids:
            pieces.append(f"[{', '.join(str(numbers[key]) for key in sentence.observation_ids)}]")
    return " ".join(pieces)


def spelled_days(first_at: datetime, last_at: datetime) -> str:
    """Spell the day of two times, or their days, in UTC: "On 25 June 2026", "From 25 June to 29 July 2026"."""
    since, until = (at.astimezone(UTC).date() for at in (first_at, last_at))
    last = f"{until.day} {MONTHS[until.month - 1]} {until.year}"
    if since == until:
        return f"On {last}"
    year = f" {since.year}" if since.year != until.year else ""
    return f"From {since.day} {MONTHS[since.month - 1]}{year} to {last}"
