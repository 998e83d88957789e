"""What a person wants to see of profiles: who moved, and how far over time. Making them is up to the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs.metadata import report_metadata, table_of
from neural_memory_pipelines.defs.nights import Night
from neural_memory_pipelines.defs.pictures import as_markdown, new_figure, written
from neural_memory_pipelines.steps.consolidation.profiles_report import Mover, ProfilesReport
from neural_memory_pipelines.stores.postgres.profiles import DriftPoint, Profile, drift_history, list_profiles

_LINES_DRAWN = 12
_LISTED = 50
_KEYWORDS_SHOWN = 5


def profiles_metadata(night: Night, report: ProfilesReport) -> dict[str, Any]:
    """Show the profiles, who drifted and moved most, and, when any changed, how drift went over time."""
    with night.stores.database.transaction(night.workspace) as tx:
        shown = list_profiles(tx, night.version, _LISTED)
        farthest = sorted(shown, key=lambda profile: (-profile.drift_cosine, profile.entity_id))[:_LINES_DRAWN]
        moved = [profile for profile in farthest if profile.drift_cosine > 0] or farthest
        points = drift_history(tx, night.version, entities=[profile.entity_id for profile in moved])
    metadata: dict[str, Any] = {}
    if report.written and points:
        metadata["drift"] = dg.MetadataValue.md(drift_plot(points, flagged_above=night.settings.drift_cosine))
    if report.flagged:
        metadata["flagged_profiles"] = table_of([_mover_row(mover) for mover in report.flagged])
    if report.movers:
        metadata["top_movers"] = table_of([_mover_row(mover) for mover in report.movers])
    if shown:
        metadata["profiles"] = table_of([_profile_row(profile) for profile in shown])
    return {
        **metadata,
        "flagged": len(report.flagged),
        "largest_drift": max((profile.drift_cosine for profile in farthest), default=0.0),
        "dagster/row_count": report.seen,
        **report_metadata(report),
    }


def _profile_row(profile: Profile) -> dict[str, str | int | float]:
    return {
        "entity": profile.name,
        "kind": profile.kind,
        "observations": profile.observation_count,
        "keywords": ", ".join(profile.descriptors.keywords[:_KEYWORDS_SHOWN]),
        "drift": round(profile.drift_cosine, 4),
        "id": profile.entity_id,
    }


def drift_plot(points: Sequence[DriftPoint], *, flagged_above: float) -> str:
    """Draw the drift of profiles over time, a line each.

    Args:
        points: by entity and time.
        flagged_above: the cosine distance above which a profile is flagged; a dashed line.

    Returns:
        Markdown with a PNG inside.
    """
    figure, axes = new_figure()
    for entity in dict.fromkeys(point.entity_id for point in points):
        mine = [point for point in points if point.entity_id == entity]
        axes.plot(
            [point.at for point in mine],
            [point.drift_cosine for point in mine],
            marker="o",
            markersize=4,
            label=written(mine[-1].name),
        )
    axes.axhline(flagged_above, color="#e15759", linestyle="--", linewidth=1, label="flagged above")
    axes.set_ylabel("cosine distance to the accepted profile")
    axes.set_ylim(bottom=0)
    figure.autofmt_xdate()
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
    return as_markdown(figure, "drift of profiles over time")


def _mover_row(mover: Mover) -> dict[str, str | int | float]:
    return {
        "entity": mover.name,
        "kind": mover.kind,
        "drift": round(mover.drift_cosine, 4),
        "change": round(mover.change_cosine or 0.0, 4),
        "id": mover.entity_id,
    }
