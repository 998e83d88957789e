"""What answers are worth: places, recall, nDCG, reciprocal rank, percentiles, shares, staleness."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.evaluation import ShownHit, Staleness, measure, percentile
from neural_memory_pipelines.domain.questions import (
    Answered,
    Expected,
    ExpectedEvidence,
    ExpectedSource,
    Question,
    answers_key,
    place_of_answer,
    quality_of,
    questions_hash,
    read_expected,
    smoke_questions,
    spell_expected,
)

from .memories import NOW, days, made_run

A = ExpectedSource("docs", "a.md")


@dataclass(frozen=True)
class Shown:
    """A place of a ranking."""

    id: str
    document_id: str = "doc_x"
    source: str = "docs"
    source_id: str = "x.md"
    evidence: tuple[str, ...] = ()


RANKED = [
    Shown("chk_1"),
    Shown("sum_1", "", "memory", "sum_1", ("obs_7", "obs_8")),
    Shown("obs_9", "doc_a", "docs", "a.md"),
    Shown("chk_2", "doc_b", "github", "a.md"),
]


@pytest.mark.parametrize(
    ("expects", "place"),
    [
        ([A], 3),
        ([ExpectedSource("github", "a.md")], 4),
        ([ExpectedEvidence("obs_8")], 2),
        ([ExpectedEvidence("obs_9")], 3),
        ([ExpectedEvidence("doc_a")], 3),
        ([ExpectedEvidence("sum_1")], 2),
        ([ExpectedEvidence("chk_2"), A], 3),
        ([ExpectedEvidence("obs_of_b")], 4),
        ([ExpectedEvidence("obs_1"), ExpectedSource("docs", "b.md")], None),
    ],
)
def test_the_first_of_the_right_answers_counts(expects: list[Expected], place: int | None) -> None:
    assert place_of_answer(expects, RANKED, documents={"obs_of_b": "doc_b", "obs_1": "doc_not_shown"}) == place


def test_measures_are_means_over_the_weights() -> None:
    asked = [Answered(3.0, 1), Answered(1.0, 7), Answered(1.0, 11), Answered(5.0, None)]
    found = quality_of(asked)
    assert found.questions == 4
    assert found.recall_at_5 == pytest.approx(3 / 10)
    assert found.recall_at_10 == pytest.approx(4 / 10)
    assert found.ndcg_at_10 == pytest.approx((3 + 1 / math.log2(8)) / 10)
    assert found.mrr_at_10 == pytest.approx((3 + 1 / 7) / 10)


def test_no_questions_are_worth_nothing() -> None:
    found = quality_of([])
    assert (found.questions, found.recall_at_5, found.ndcg_at_10, found.mrr_at_10) == (0, 0.0, 0.0, 0.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.sampled_from([50, 95]))
def test_percentiles_interpolate_as_numpy_does(values: list[float], percent: int) -> None:
    assert percentile(values, percent) == pytest.approx(float(np.percentile(values, percent)), abs=1e-6)


def test_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 95) == 0.0


def test_a_run_tells_what_answered_and_how_long_the_oldest_text_waits() -> None:
    run = made_run("r", [1, 2, None], latency_ms=20.0)
    kinds = ("chunk", "observation", "observation", "summary")
    hits = tuple(ShownHit(kind, kind, "docs", "a.md", 0.1) for kind in kinds)
    results = [replace(result, hits=hits) for result in run.results]
    found = measure(results, Staleness(3, NOW - days(1)), at=NOW)
    assert (found.share_chunks, found.share_observations, found.share_summaries) == (0.25, 0.5, 0.25)
    assert (found.latency_p50_ms, found.latency_p95_ms) == (20.0, 20.0)
    assert (found.unindexed, found.staleness_seconds) == (3, 86_400.0)
    later = measure(results, Staleness(1, NOW + days(1)), at=NOW)
    assert later.staleness_seconds == 0.0, "clocks of two machines differ"


def test_what_is_asked_is_the_same_in_any_order() -> None:
    one, two = Question("1", "who?", (A, ExpectedEvidence("obs_1"))), Question("2", "why?", (A,))
    turned = replace(one, expects=one.expects[::-1], tags=("smoke",))
    assert questions_hash([one, two]) == questions_hash([two, turned])
    assert questions_hash([one, two]) != questions_hash([one, replace(two, weight=2.0)])
    assert answers_key("who?", [A]) != answers_key("who?", [ExpectedEvidence("a.md")])


@pytest.mark.parametrize("expected", [A, ExpectedEvidence("obs_1")])
def test_expected_answers_are_read_as_they_were_spelled(expected: Expected) -> None:
    assert read_expected(spell_expected(expected)) == expected


def test_smoke_asks_what_is_tagged_else_the_weightiest() -> None:
    asked = [Question(f"q{number}", "?", (A,), weight=float(number % 4 + 1)) for number in range(8)]
    assert [it.id for it in smoke_questions(asked)] == ["q3", "q7", "q2", "q6", "q1"]
    tagged = [*asked, Question("s", "?", (A,), tags=("docs", "smoke"))]
    assert [it.id for it in smoke_questions(tagged)] == ["s"]
