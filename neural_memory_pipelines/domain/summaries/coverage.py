"""What a summary covers of its topic, in counts. Reads no text; what the counts are good for is not known here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from neural_memory_pipelines.domain.ids import Json, ObservationId

MOST_TAGS = 50


class Counted(Protocol):
    """What is counted of an observation; `Evidence` has it. `occurred_at` is aware."""

    @property
    def observation_id(self) -> ObservationId:
        """Its id."""
        ...

    @property
    def source(self) -> str:
        """The system that it comes from."""
        ...

    @property
    def type(self) -> str:
        """What its document is there."""
        ...

    @property
    def tags(self) -> Collection[str]:
        """Its labels."""
        ...

    @property
    def occurred_at(self) -> datetime:
        """When it happened."""
        ...


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of the observations that a summary stands for.

    `by_tag` has the `MOST_TAGS` most frequent tags; `by_month` is a time histogram with keys such as "2026-06", in
    UTC, without gaps. `cited` counts the observations that the summary names.
    """

    observations: int
    cited: int
    by_source: Mapping[str, int]
    by_type: Mapping[str, int]
    by_tag: Mapping[str, int]
    by_month: Mapping[str, int]

    @property
    def share_cited(self) -> float:
        """Share of the observations that the summary names, 0..1; 0 of none."""
        return self.cited / self.observations if self.observations else 0.0

    def spelled(self) -> dict[str, Json]:
        """Spell it as JSON."""
        return {
            "observations": self.observations,
            "cited": self.cited,
            "share_cited": round(self.share_cited, 4),
            "by_source": dict(self.by_source),
            "by_type": dict(self.by_type),
            "by_tag": dict(self.by_tag),
            "by_month": dict(self.by_month),
        }


def coverage(members: Iterable[Counted], cited: Collection[ObservationId]) -> Coverage:
    """Count the members of a topic, and those of them that its summary cites. The order of the members is no matter."""
    named = frozenset(cited)
    sources, types, tags, months = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    observations = found = 0
    for member in members:
        observations += 1
        found += member.observation_id in named
        sources[member.source] += 1
        types[member.type] += 1
        tags.update(set(member.tags))
        months[f"{member.occurred_at.astimezone(UTC):%Y-%m}"] += 1
    return Coverage(observations, found, _frequent(sources), _frequent(types), _frequent(tags), _without_gaps(months))


def _frequent(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_TAGS])


def _without_gaps(months: Counter[str]) -> dict[str, int]:
    if not months:
        return {}
    (first_year, first_month), (last_year, last_month) = (
        map(int, key.split("-")) for key in (min(months), max(months))
    )
    numbers = range(first_year * 12 + first_month - 1, last_year * 12 + last_month)
    keys = [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
    return {key: months[key] for key in keys}
