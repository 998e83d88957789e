"""What a run over profiles says when it is done: what was made, what moved most, and what drifted too far.

Turning it into Dagster metadata or a table is up to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.postgres.profile_evidence import EvidenceStanding
from neural_memory_pipelines.stores.postgres.profiles import Profile

_MOVERS = 10


@dataclass(frozen=True, slots=True)
class Mover:
    """A profile that moved: its distance to the accepted one, and to the one before (None: not made in this run)."""

    entity_id: EntityId
    kind: str
    name: str
    drift_cosine: float
    change_cosine: float | None = None


@dataclass(slots=True)
class ProfilesReport(StepReport):
    """What became of profiles.

    `flagged` are all profiles of the version that are farther from the accepted one than the settings allow, `movers`
    those of this run that moved most since the one before.
    """

    flagged: list[Mover] = field(default_factory=list)
    movers: list[Mover] = field(default_factory=list)


def conclude(
    report: ProfilesReport, standings: Sequence[EvidenceStanding], drifted: Sequence[Profile], *, above_cosine: float
) -> None:
    """Complete the report of a run that has counted what it wrote and deleted, and noted what moved.

    Args:
        report: of the run.
        standings: the entities that have evidence.
        drifted: the profiles that are farther than `above_cosine` (0..2) from the accepted ones, the farthest first.
        above_cosine: as the settings say.
    """
    changes = {mover.entity_id: mover.change_cosine for mover in report.movers}
    report.flagged = [
        Mover(item.entity_id, item.kind, item.name, item.drift_cosine, changes.get(item.entity_id)) for item in drifted
    ]
    report.movers = sorted(report.movers, key=lambda mover: (-(mover.change_cosine or 0), mover.entity_id))[:_MOVERS]
    report.seen = len(standings)
    report.unchanged = len(standings) - report.written
    for item in standings:
        report.kinds[item.kind] = report.kinds.get(item.kind, 0) + 1
    for mover in report.movers:
        drift, change = round(mover.drift_cosine, 4), round(mover.change_cosine or 0, 4)
        report.show({"entity": mover.name, "kind": mover.kind, "drift": drift, "change": change})
    _note_missing(report, [item.missing for item in standings if item.missing])
    if report.flagged:
        named = ", ".join(f"{mover.name} ({mover.drift_cosine:.2f})" for mover in report.flagged[:_MOVERS])
        count = len(report.flagged)
        report.notes.append(f"{count:,} profiles are more than {above_cosine:g} from the accepted ones: {named}")


def _note_missing(report: ProfilesReport, missing: Sequence[int]) -> None:
    report.failed = len(missing)
    if missing:
        report.notes.append(
            f"{len(missing):,} profiles lack vectors of some of their texts, {sum(missing):,} in all: embed these, and "
            "the next run makes the profiles again"
        )
