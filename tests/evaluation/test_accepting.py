"""Which run later ones are compared with: answers may not get a little worse each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.evaluation_settings import DEFAULT_EVALUATION
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.steps.evaluation.keep import Verdict, judge_run, keep_run
from neural_memory_pipelines.steps.evaluation.run import accept
from neural_memory_pipelines.stores.bundle import Stores

from .memories import NOW, days, made_run

Keep = Callable[..., Verdict]


def places(found: int, *, of: int = 100) -> list[int | None]:
    """The first place for so many questions, none for the others."""
    return [1] * found + [None] * (of - found)


@pytest.fixture
def keep(stores: Stores, workspace: WorkspaceId) -> Keep:
    """Judge a run and keep it."""

    def judged(run: EvalRun, *, against: EvalRun | None = None) -> Verdict:
        with stores.database.transaction(workspace) as tx:
            verdict = judge_run(tx, run, DEFAULT_EVALUATION, against=against)
            assert keep_run(tx, run, verdict, report=False)
        return verdict

    return judged


def baseline(verdict: Verdict) -> str | None:
    return verdict.comparison.baseline_id if verdict.comparison else None


def test_a_little_worse_each_time_is_found_out(keep: Keep) -> None:
    """Each run loses two of a hundred questions, and five may be lost: the third one that does is a regression."""
    keep(made_run("r0", places(100)))
    verdicts = [keep(made_run(f"r{n}", places(100 - 2 * n), at=NOW + days(n))) for n in range(1, 6)]
    assert [baseline(it) for it in verdicts] == ["r0"] * 5
    assert [it.is_accepted for it in verdicts] == [True, True, False, False, False]
    assert "recall@5 fell from 1.000 to 0.940" in verdicts[2].regressions[0]


def test_a_run_as_good_or_better_is_the_new_mark(keep: Keep) -> None:
    keep(made_run("r0", places(80)))
    assert baseline(keep(made_run("r1", places(80), at=NOW + days(1)))) == "r0"
    assert baseline(keep(made_run("r2", places(90), at=NOW + days(2)))) == "r1"
    assert baseline(keep(made_run("r3", places(88), at=NOW + days(3)))) == "r2"
    fourth = keep(made_run("r4", places(84), at=NOW + days(4)))
    assert (baseline(fourth), fourth.is_accepted) == ("r2", False), "what was gained may not be lost again"
    fifth = keep(made_run("r5", places(91), at=NOW + days(5)))
    assert (baseline(fifth), fifth.is_accepted) == ("r2", True)
    assert baseline(keep(made_run("r6", places(91), at=NOW + days(6)))) == "r5"


def test_better_by_one_measure_and_worse_by_another_is_no_new_mark(keep: Keep) -> None:
    keep(made_run("r0", places(90)))
    mixed = keep(made_run("r1", [1] * 80 + [2] * 12 + [None] * 8, at=NOW + days(1)))
    assert mixed.comparison is not None
    assert mixed.comparison.loss("recall_at_5") < 0 < mixed.comparison.loss("ndcg_at_10")
    assert mixed.is_accepted
    assert baseline(keep(made_run("r2", places(90), at=NOW + days(2)))) == "r0"


def test_a_drift_over_changing_questions_is_found_out_too(keep: Keep) -> None:
    """With each run a question is added and two are lost: the questions are never the same."""
    verdicts = [
        keep(made_run(f"r{n}", places(100 - 2 * n, of=100 + n), at=NOW + days(n)))
        for n in range(6)
    ]  # fmt: skip
    assert [baseline(it) for it in verdicts] == [None, "r0", "r0", "r0", "r0", "r0"]
    assert [it.is_accepted for it in verdicts] == [True, True, True, False, False, False]


def test_somebody_may_begin_anew_from_any_run(stores: Stores, workspace: WorkspaceId, keep: Keep) -> None:
    keep(made_run("r0", places(100)))
    keep(made_run("r1", places(70), at=NOW + days(1)))
    keep(made_run("r2", places(100), at=NOW + days(2)))
    with stores.database.transaction(workspace) as tx:
        accept(tx, "r1", by="ada", at=NOW + days(3))
    third = keep(made_run("r3", places(69), at=NOW + days(4)))
    assert (baseline(third), third.is_accepted) == ("r1", True)
    assert baseline(keep(made_run("r4", places(68), at=NOW + days(5)))) == "r1"
    assert baseline(keep(made_run("r5", places(60), at=NOW + days(6)))) == "r1"


def test_another_version_is_held_against_the_one_that_is_served(keep: Keep) -> None:
    """Nothing is served here: then all versions are others, and the run that was accepted last counts."""
    keep(made_run("r0", places(100), version="v1"))
    other = keep(made_run("r1", places(90), at=NOW + days(1), version="v2"))
    assert (baseline(other), other.is_accepted) == ("r0", False)
    assert baseline(keep(made_run("r2", places(100), at=NOW + days(2), version="v2"))) == "r0"


def test_what_is_held_against_a_run_on_purpose_is_never_the_mark(keep: Keep) -> None:
    first = made_run("r0", places(100))
    keep(first)
    aside = keep(made_run("aside", places(100), at=NOW + days(1)), against=first)
    assert not aside.is_accepted
    assert baseline(keep(made_run("r1", places(100), at=NOW + days(2)))) == "r0"
