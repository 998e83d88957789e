"""Two runs beside each other: what got worse, whether that is a regression, and how it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.evaluation_compare import compare_runs, regressions
from neural_memory_pipelines.domain.evaluation_settings import (
    DEFAULT_EVALUATION,
    EvaluationSettings,
    read_evaluation,
    with_setting,
)
from neural_memory_pipelines.domain.questions import ExpectedSource
from neural_memory_pipelines.errors import PermanentError

from .memories import made_run


def test_lost_questions_come_first_then_those_that_fell_far() -> None:
    before = made_run("old", {"a": 9, "b": 1, "c": 2, "d": None, "e": 5, "f": 1})
    now = made_run("new", {"a": None, "b": 9, "c": 3, "d": 2, "e": 5, "f": None})
    compared = compare_runs(now, before)
    assert compared is not None
    assert [(it.question_id, it.place_before, it.place) for it in compared.worse] == [
        ("f", 1, None), ("a", 9, None), ("b", 1, 9), ("c", 2, 3)
    ]  # fmt: skip
    assert [it.is_lost for it in compared.worse] == [True, True, False, False]
    assert [(it.question_id, it.fallen) for it in compared.better] == [("d", -9)]
    assert compared.worse[0].first == now.results[5].hits[0]
    assert compared.loss("recall_at_5") == pytest.approx(1 / 6)
    assert not compared.lost_nothing


def test_only_what_both_asked_with_the_same_answers_is_compared() -> None:
    before = made_run("old", {"a": 1, "b": 1, "c": 1, "d": 1})
    now = made_run("new", {"a": 1, "b": None, "c": None, "new": None})
    other_answer = replace(now.results[2], expects=(ExpectedSource("docs", "other.md"),))
    now = replace(now, results=(*now.results[:2], other_answer, now.results[3]))
    compared = compare_runs(now, before)
    assert compared is not None
    assert compared.shared == 2
    assert (compared.now.recall_at_5, compared.before.recall_at_5) == (0.5, 1.0)
    assert [it.question_id for it in compared.worse] == ["b"]


def test_fewer_than_half_of_the_questions_tell_nothing() -> None:
    before = made_run("old", {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1})
    assert compare_runs(made_run("new", {"a": None, "b": None}), before) is None
    assert compare_runs(made_run("new", {"x": 1}), before) is None
    grown = compare_runs(made_run("new", dict.fromkeys("abcdefghijklmnopqr", 1)), before)
    assert grown is not None, "questions that are added take nothing away"


def test_weights_of_today_count() -> None:
    before, now = made_run("old", {"a": 1, "b": 1}), made_run("new", {"a": 1, "b": None})
    now = replace(now, results=(replace(now.results[0], weight=9.0), now.results[1]))
    compared = compare_runs(now, before)
    assert compared is not None
    assert compared.loss("recall_at_5") == pytest.approx(0.1)
    assert compared.before.recall_at_5 == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("places", "settings", "said"),
    [
        ([1] * 20, {}, []),
        ([1] * 19 + [None], {}, []),  # 0.05, as much as is allowed
        ([1] * 18 + [None] * 2, {}, ["recall@5 fell", "recall@10 fell", "nDCG@10 fell"]),
        ([1] * 18 + [6] * 2, {}, ["recall@5 fell", "nDCG@10 fell"]),
        ([1] * 18 + [6] * 2, {"max_recall_at_5_loss": 0.2, "max_ndcg_loss": 0.1}, []),
        ([1] * 10 + [2] * 10, {}, ["nDCG@10 fell from 1.000 to 0.815, at most 0.05 may be lost"]),
    ],
)
def test_what_is_lost_beyond_the_settings_is_a_regression(
    places: list[int | None], settings: dict[str, float], said: list[str]
) -> None:
    now, before = made_run("new", places), made_run("old", [1] * 20)
    compared = compare_runs(now, before)
    found = regressions(Suite.NIGHTLY, now.metrics, compared, EvaluationSettings(**settings))
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))


def test_slowness_counts_where_it_is_asked_for() -> None:
    now, before = made_run("new", [1], latency_ms=31.0), made_run("old", [1], latency_ms=10.0)
    compared = compare_runs(now, before)
    assert regressions(Suite.NIGHTLY, now.metrics, compared, DEFAULT_EVALUATION) == []
    (said,) = regressions(Suite.NIGHTLY, now.metrics, compared, EvaluationSettings(max_p95_latency_factor=3.0))
    assert "from 10 to 31 ms" in said
    assert regressions(Suite.NIGHTLY, now.metrics, compared, EvaluationSettings(max_p95_latency_factor=3.2)) == []


def test_smoke_must_answer_something_whatever_it_did_before() -> None:
    run = made_run("new", [None, None, None, None, None], suite=Suite.SMOKE)
    (said,) = regressions(Suite.SMOKE, run.metrics, None, DEFAULT_EVALUATION)
    assert said == "recall@5 is 0.000, at least 0.2 is asked for"
    assert regressions(Suite.NIGHTLY, run.metrics, None, DEFAULT_EVALUATION) == []
    empty = made_run("empty", [], suite=Suite.SMOKE)
    assert regressions(Suite.SMOKE, empty.metrics, None, DEFAULT_EVALUATION) == []


def test_settings_are_spelled_and_read() -> None:
    settings = with_setting(with_setting(DEFAULT_EVALUATION, "max_ndcg_loss", " 0.1 "), "max_p95_latency_factor", "2")
    assert settings.spelled() == {"max_ndcg_loss": 0.1, "max_p95_latency_factor": 2.0}
    assert read_evaluation({**settings.spelled(), "of_a_later_version": 1}) == settings
    assert with_setting(settings, "max_p95_latency_factor", "None").max_p95_latency_factor is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("colour", "1", "there is no setting 'colour'; there are max_recall_at_5_loss"),
        ("max_ndcg_loss", "2", "max_ndcg_loss: expected 0 to 1, not 2"),
        ("max_ndcg_loss", "nan", "max_ndcg_loss: expected 0 to 1, not nan"),
        ("max_ndcg_loss", "none", "max_ndcg_loss: expected a number, 0 to 1, not 'none'"),
        ("max_p95_latency_factor", "0.5", "expected 1 to 1000, or none, not 0.5"),
        ("max_p95_latency_factor", "fast", "expected a number, 1 to 1000, or none, not 'fast'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(PermanentError) as refused:
        with_setting(DEFAULT_EVALUATION, name, value)
    assert words in str(refused.value)
