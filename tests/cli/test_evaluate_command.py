"""`evaluate` and `evaluation`: measures side by side, worst questions first, exit codes, and who accepts what."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.cli.conftest import Run
from tests.evaluation.memories import TOPICS, Memory
from tests.versions.migrating import build, propose

NAMES = ("recall@5", "recall@10", "nDCG@10", "MRR@10", "latency p95, ms", "share of chunks", "texts not indexed")


@pytest.fixture
def memory(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Memory:
    """Four pages, and a question for each."""
    made = Memory(session, workspace, tmp_path / "docs")
    made.tell(*TOPICS)
    made.keep(*(made.question(topic) for topic in TOPICS))
    return made


def test_measures_stand_beside_those_of_the_accepted_run_and_a_regression_exits_1(run: Run, memory: Memory) -> None:
    first = run("evaluate", "-w", memory.workspace)
    assert first.code == 0
    assert all(name in first.out for name in NAMES)
    assert "by 4 own questions" in first.out
    assert "there was none to compare with; later ones are compared with it" in first.out

    memory.tell("anchors", "cranes", "docks")
    second = run("evaluate", "--workspace", memory.workspace)
    assert second.code == 1
    assert "accepted  difference" in second.out
    assert "-0.250" in second.out
    worst = second.out.partition("worst questions first: 1 answered later than before, 0 not among the first 5")[2]
    assert "berths" in worst.splitlines()[4]
    assert "none" in worst.splitlines()[4]
    assert "regression: recall@5 fell from 1.000 to 0.750, at most 0.05 may be lost" in second.err
    (latest, accepted) = run("evaluation", "list", "-w", memory.workspace, "--json").json
    assert f"neural-memory evaluation accept {latest['run_id']} -w {memory.workspace}" in second.err
    assert (latest["passed"], latest["compared_with"]) == (False, accepted["run_id"])

    told = run("evaluation", "accept", latest["run_id"][:16], "-w", memory.workspace, "--by", "ada")
    assert told.code == 0
    assert "is accepted by ada: runs of nightly are compared with it" in told.out
    third = run("evaluate", "-w", memory.workspace, "--json")
    assert third.code == 0
    ((spelled),) = third.json
    assert spelled["compared_with"]["run_id"] == latest["run_id"]
    assert spelled["compared_with"]["measures"]["recall_at_5"] == {"now": 0.75, "before": 0.75, "difference": 0.0}
    assert (spelled["passed"], spelled["worse"], spelled["refused"]) == (True, [], None)

    shown = run("evaluation", "show", latest["run_id"], "-w", memory.workspace)
    assert "accepted on 20" in shown.out
    assert ", by ada" in shown.out
    assert "regression: recall@5 fell" in shown.err
    listed = run("evaluation", "list", "-w", memory.workspace).out
    assert f"evaluations of {memory.workspace} at {memory.respondent.version.name}" in listed


def test_a_looser_setting_lets_it_pass(run: Run, memory: Memory) -> None:
    run("evaluate", "-w", memory.workspace)
    memory.tell("anchors", "cranes", "docks")
    for name in ("max_recall_at_5_loss", "max_recall_at_10_loss", "max_ndcg_loss"):
        outcome = run("evaluation", "set", name, "0.3", "-w", memory.workspace)
        assert (outcome.code, outcome.out) == (0, f"{name} is 0.3 from now on\n")
    assert run("evaluate", "-w", memory.workspace).code == 0
    settings = run("evaluation", "settings", "-w", memory.workspace, "--json").json
    assert (settings["max_ndcg_loss"], settings["max_p95_latency_factor"]) == (0.3, None)
    assert settings["changed"] == ["max_recall_at_5_loss", "max_recall_at_10_loss", "max_ndcg_loss"]
    assert "none" in run("evaluation", "settings", "-w", memory.workspace).out
    refused = run("evaluation", "set", "max_ndcg_loss", "7", "-w", memory.workspace)
    assert (refused.code, refused.err) == (2, "error: max_ndcg_loss: expected 0 to 1, not 7\n")


def test_questions_that_are_new_stand_apart_from_those_that_both_asked(run: Run, memory: Memory) -> None:
    run("evaluate", "-w", memory.workspace)
    memory.keep(memory.question("zeppelins"))
    grown = run("evaluate", "-w", memory.workspace)
    assert grown.code == 0
    (recall,) = [line.split() for line in grown.out.splitlines() if line.startswith(" recall@5")]
    assert recall == ["recall@5", "0.800", "1.000", "1.000", "+0.000"]
    assert "(of both, accepted, difference: by the 4 questions that both asked)" in grown.out


def test_suites_are_asked_and_compared_by_themselves(run: Run, memory: Memory) -> None:
    memory.keep(memory.question("docks", tags=("smoke",)))
    (spelled,) = run("evaluate", "-w", memory.workspace, "--suite", "smoke", "--json").json
    assert [it["question_id"] for it in spelled["results"]] == ["docks"]
    (spelled,) = run("evaluate", "-w", memory.workspace, "--json").json
    assert (len(spelled["results"]), spelled["compared_with"]) == (4, None)
    assert run("evaluation", "list", "-w", memory.workspace, "--suite", "smoke", "--json").json[0]["suite"] == "smoke"
    assert run("evaluate", "-w", memory.workspace, "--suite", "holidays").code == 2


def test_two_versions_are_asked_the_same_and_one_that_is_not_built_is_refused(run: Run, memory: Memory) -> None:
    session, workspace = memory.session, memory.workspace
    served = session.active_version(workspace)
    other = session.successor(workspace, model=served.model, topology="store")
    unknown = run("evaluate", "-w", workspace, "--compare", "no-such-version")
    assert unknown.code == 1
    assert "there is no embedding version 'no-such-version'" in unknown.err
    propose(session, workspace, other)
    refused = run("evaluate", "-w", workspace, "--compare", other.name)
    assert refused.code == 1
    assert (
        f"embedding version {other.name} is proposed in workspace {workspace}: there is nothing to ask" in refused.err
    )
    assert run("evaluation", "list", "-w", workspace, "--json").json == []

    build(session, workspace, other)
    compared = run("evaluate", "-w", workspace, "--compare", other.name)
    assert compared.code == 0
    assert f"{other.name}  difference" in compared.out
    by_version = {row["embedding_version"]: row for row in run("evaluation", "list", "-w", workspace, "--json").json}
    assert by_version[served.name]["compared_with"] == by_version[other.name]["run_id"]
    itself = run("evaluate", "-w", workspace, "--embedding-version", other.name, "--compare", other.name)
    assert itself.code == 1
    assert "cannot be compared with itself" in itself.err


def test_what_is_not_there_is_named(run: Run, memory: Memory) -> None:
    assert "there is no workspace 'nobody'" in run("evaluate", "-w", "nobody").err
    listed = run("evaluation", "list", "-w", memory.workspace)
    assert listed.out == f"no evaluations yet: neural-memory evaluate --workspace {memory.workspace}\n"
    shown = run("evaluation", "show", "run_x", "-w", memory.workspace)
    assert (shown.code, shown.out) == (2, "")
    assert f"no evaluation of {memory.workspace} has an id that begins with 'run_x'" in shown.err
    memory.evaluate("run_a1")
    memory.evaluate("run_a2")
    several = run("evaluation", "accept", "run_a", "-w", memory.workspace, "--by", "ada")
    assert several.code == 2
    assert "may be any of run_a" in several.err
