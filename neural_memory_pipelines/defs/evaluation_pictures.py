"""Pictures of evaluations, as markdown with the image inside: runs over time, and versions side by side.

Which runs are drawn is decided by the assets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.defs.pictures import as_markdown, new_figure
from neural_memory_pipelines.domain.evaluation import Metrics
from neural_memory_pipelines.domain.evaluation_compare import MEASURES
from neural_memory_pipelines.domain.questions import Quality
from neural_memory_pipelines.domain.text import clip

_OVER_TIME_INCHES = (9.5, 5.6)
_SIDE_BY_SIDE_INCHES = (9.5, 4.2)
_NAME_CHARS = 70
_MOST_DATES = 8
_WORSE = "#e15759"
_QUALITY_COLORS = {"recall_at_5": "#4e79a7", "recall_at_10": "#59a14f", "ndcg_at_10": "#f28e2b"}
_QUALITY = tuple((name, MEASURES[name], color) for name, color in _QUALITY_COLORS.items())
_LATENCY = (("latency_p50_ms", "p50", "#76b7b2"), ("latency_p95_ms", "p95", "#b07aa1"))
_FILLED = {"marker": "o", "markersize": 6, "linestyle": "none"}
_HOLLOW = {**_FILLED, "markerfacecolor": "white"}
_VERSION_COLORS = ("#bab0ac", "#4e79a7")


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """A run as it is drawn: when it began (aware), what it measured, whether it passed, whether it was accepted."""

    at: datetime
    metrics: Metrics
    passed: bool
    accepted: bool


def runs_over_time(runs: Sequence[DrawnRun]) -> str:
    """Draw recall and nDCG, and below them latency, over time.

    Each run is a step to the right, whatever the time between them: many follow an ingestion within minutes, and then
    none for days.

    Args:
        runs: oldest first, at least one; those that were accepted are filled dots, those that got worse red lines.

    Returns:
        Markdown with a PNG inside.
    """
    figure, whole = new_figure()
    whole.remove()
    figure.set_size_inches(*_OVER_TIME_INCHES)
    quality, latency = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_lines(quality, runs, _QUALITY)
    _draw_lines(latency, runs, _LATENCY)
    for axes in (quality, latency):
        for number in (number for number, run in enumerate(runs) if not run.passed):
            axes.axvline(number, color=_WORSE, linestyle=":", linewidth=1.5, zorder=0)
    quality.set_ylim(-0.02, 1.05)
    quality.set_ylabel("share, 0 to 1")
    latency.set_ylim(0, 1.15 * max(run.metrics.latency_p95_ms for run in runs) or 1.0)
    latency.set_ylabel("one search, ms")
    _explain_marks(quality, runs)
    for axes in (quality, latency):
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)
    _date(latency, runs)
    return as_markdown(figure, "recall, nDCG and latency over time")


def versions_side_by_side(versions: Sequence[tuple[str, Quality]]) -> str:
    """Draw what two embedding versions reach on the same questions, and by how much they differ.

    Args:
        versions: their names and what they reached; first the one that is served, then the other.

    Returns:
        Markdown with a PNG inside.
    """
    figure, axes = new_figure()
    figure.set_size_inches(*_SIDE_BY_SIDE_INCHES)
    width = 0.38
    (_, served), (_, other) = versions
    for number, ((name, reached), color) in enumerate(zip(versions, _VERSION_COLORS, strict=True)):
        values = [getattr(reached, metric) for metric in MEASURES]
        places = [group + (number - 0.5) * width for group in range(len(MEASURES))]
        bars = axes.bar(places, values, width=width - 0.02, color=color, label=_name(name, number))
        axes.bar_label(bars, fmt="%.3f", fontsize=9, padding=2)
    for group, metric in enumerate(MEASURES):
        difference = getattr(other, metric) - getattr(served, metric)
        color = _WORSE if round(difference, 3) < 0 else "#333333"
        said = f"{difference:+.3f}" if round(difference, 3) else "the same"
        axes.text(group, 1.16, said, ha="center", va="center", fontsize=11, fontweight="bold", color=color)
    axes.set_xticks(range(len(MEASURES)), list(MEASURES.values()))
    axes.set_ylim(0, 1.25)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), fontsize=9, frameon=False)
    return as_markdown(figure, "embedding versions on the same questions")


def _draw_lines(axes: Any, runs: Sequence[DrawnRun], lines: Sequence[tuple[str, str, str]]) -> None:
    filled = [number for number, run in enumerate(runs) if run.accepted]
    for metric, label, color in lines:
        values = [getattr(run.metrics, metric) for run in runs]
        axes.plot(values, color=color, linewidth=1.2, label=label)
        axes.plot(values, color=color, **_HOLLOW)
        axes.plot(filled, [values[number] for number in filled], color=color, **_FILLED)


def _explain_marks(axes: Any, runs: Sequence[DrawnRun]) -> None:
    """Put the marks that are drawn into the legend."""
    if any(run.accepted for run in runs):
        axes.plot([], [], color="#555555", label="accepted", **_FILLED)
    if not all(run.accepted for run in runs):
        axes.plot([], [], color="#555555", label="not accepted", **_HOLLOW)
    if not all(run.passed for run in runs):
        axes.plot([], [], color=_WORSE, linestyle=":", linewidth=1.5, label="got worse")


def _date(axes: Any, runs: Sequence[DrawnRun]) -> None:
    """Write below the axes when runs began: all of a few, some of many."""
    step = -(-len(runs) // _MOST_DATES)
    # Counted from the latest run, which is the one that is looked for.
    dated = range(len(runs) - 1, -1, -step)
    axes.set_xticks(list(dated), [f"{runs[number].at.astimezone(UTC):%d %b %Y\n%H:%M}" for number in dated])
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlim(-0.5, len(runs) - 0.5)
    axes.set_xlabel("when the run began, UTC; each run is a step")


def _name(name: str, number: int) -> str:
    role = ("served", "compared")[number]
    return f"{role}: {clip(name, _NAME_CHARS)}".replace("$", r"\$")
