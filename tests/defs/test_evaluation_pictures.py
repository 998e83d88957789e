"""Pictures of evaluations, from values: any number of runs can be drawn, and what differs is drawn differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from neural_memory_pipelines.defs.evaluation_pictures import DrawnRun, runs_over_time, versions_side_by_side
from neural_memory_pipelines.domain.evaluation import Metrics
from neural_memory_pipelines.domain.questions import Quality
from tests.defs.pictures import picture_in

_START = datetime(2026, 11, 20, 2, tzinfo=UTC)
_METRICS = Metrics(
    questions=30,
    recall_at_5=0.9,
    recall_at_10=0.95,
    ndcg_at_10=0.8,
    mrr_at_10=0.75,
    latency_p50_ms=22.0,
    latency_p95_ms=60.0,
    share_chunks=0.6,
    share_observations=0.3,
    share_summaries=0.1,
    unindexed=0,
    staleness_seconds=0.0,
)
_NOTHING = Metrics(*[0] * 12)
_QUALITY = Quality(30, recall_at_5=0.9, recall_at_10=0.95, ndcg_at_10=0.8, mrr_at_10=0.75)


def _runs(hours: Sequence[float], *, metrics: Metrics = _METRICS) -> list[DrawnRun]:
    return [DrawnRun(_START + timedelta(hours=hour), metrics, passed=True, accepted=True) for hour in hours]


@pytest.mark.parametrize(
    "hours", [(0,), (0, 0), (0, 0.01, 0.02), (0, 24, 24 * 400), tuple(range(200))], ids=lambda hours: str(len(hours))
)
def test_any_number_of_runs_can_be_drawn(hours: Sequence[float]) -> None:
    picture = picture_in(runs_over_time(_runs(hours)))
    assert picture.alternative == "recall, nDCG and latency over time"
    assert picture.width > picture.height > 300
    assert picture.colors > 20


def test_runs_of_which_nothing_is_known_can_be_drawn() -> None:
    assert picture_in(runs_over_time(_runs((0, 1), metrics=_NOTHING))).height > 300


def test_what_was_accepted_and_what_got_worse_is_marked() -> None:
    runs = _runs((0, 1, 2))
    drawn = runs_over_time(runs)
    hollow = runs_over_time([*runs[:2], replace(runs[2], accepted=False)])
    worse = runs_over_time([*runs[:2], replace(runs[2], accepted=False, passed=False)])
    assert len({drawn, hollow, worse}) == 3
    assert picture_in(worse).colors > picture_in(hollow).colors, "the line of a run that got worse has its own color"
    assert drawn == runs_over_time(runs)


def test_versions_are_drawn_side_by_side_whatever_their_names() -> None:
    better = replace(_QUALITY, recall_at_5=1.0, mrr_at_10=0.7)
    names = ["plain", "$x$ $", r"pay $\frac{ now$", "a" * 300]
    for name in names:
        picture = picture_in(versions_side_by_side([("served-version", _QUALITY), (name, better)]))
        assert picture.alternative == "embedding versions on the same questions"
        assert picture.width > picture.height > 200
    assert picture_in(versions_side_by_side([("a", Quality(0, 0, 0, 0, 0)), ("b", Quality(0, 0, 0, 0, 0))])).colors > 3
    one, other = (versions_side_by_side([("a", _QUALITY), ("b", new)]) for new in (better, _QUALITY))
    assert one != other
