"""The assets of the group `evaluation` and their checks, run for real: what they show, and what they must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs.assets.evaluation import SUITE_ASSETS
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.eval_runs import accept_run, list_runs
from neural_memory_pipelines.stores.postgres.questions import put_questions
from tests.defs.pictures import picture_in
from tests.defs.running import checks_by_name, failure_of, metadata_by_asset, run_job
from tests.defs.versions import PAGES, build, propose, served_workspace
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import write_docs

FERRIES, LANTERNS = "Where are all ferries moored?", "Who lights the lanterns at the evening tide?"


def _ask_about(session: Session, workspace: WorkspaceId) -> None:
    """Keep a question about each page."""
    asked = {"ferries": FERRIES, "lanterns": LANTERNS}
    with session.stores.database.transaction(workspace) as tx:
        ids = tx.connection.exec_driver_sql("SELECT source_id FROM knowledge_documents").scalars().all()
        put_questions(
            tx,
            [
                Question(name, said, tuple(ExpectedSource("docs", key) for key in ids if name in key), ("docs",))
                for name, said in asked.items()
            ],
        )


@pytest.fixture
def asked(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace of two pages and a question about each, indexed at its active version."""
    served_workspace(session, workspace, tmp_path)
    _ask_about(session, workspace)
    return workspace


def _evaluate(
    instance: dg.DagsterInstance, workspace: WorkspaceId, version: EmbeddingVersion, job: str = "evaluate_post_ingest"
) -> tuple[dict[str, Any], dg.AssetCheckEvaluation]:
    """Run a suite, and read what its asset shows and its check says."""
    add_partitions(instance, [workspace], [version.name])
    result = run_job(job, instance, key=workspace_version_key(workspace, version.name))
    assert result.success, failure_of(result)
    (shown,) = metadata_by_asset(result).values()
    (check,) = checks_by_name(result).values()
    assert not check.blocking
    return shown, check


def _rows(table: Any) -> list[dict[str, Any]]:
    return [dict(record.data) for record in table.records]


def test_a_run_shows_its_measures_and_a_picture_of_them_over_time(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId
) -> None:
    version = session.active_version(asked)
    first, check = _evaluate(instance, asked, version)
    assert (first["questions"], first["recall_at_5"], first["recall_at_10"]) == (2, 1.0, 1.0)
    assert (first["passed"], first["accepted"], first["events"]) == (True, True, len(PAGES))
    assert first["compared_with"] == "nothing: no run before asked the same questions"
    assert sum(first[f"share_{kind}"] for kind in ("chunks", "observations", "summaries")) == pytest.approx(1, abs=1e-3)
    assert (first["unindexed"], first["staleness_seconds"]) == (0, 0)
    assert 0 < first["latency_p50_ms"] <= first["latency_p95_ms"]
    told = [row["reason"] for row in _rows(first["reasons"])]
    assert all(reason.startswith("document_id doc_") and reason.endswith(", version 1") for reason in told)
    assert check.passed
    assert check.description == "2 questions were asked, and there is no run to compare with"

    second, check = _evaluate(instance, asked, version)
    assert second["compared_with"].startswith(f"{first['evaluation']} of ")
    assert second["compared_with"].endswith(f" at {version.name}, on 2 questions that both asked")
    assert {row["difference"] for row in _rows(second["differences"])[:-1]} == {0.0}
    assert second["evaluation"] != first["evaluation"]
    assert check.passed
    pictures = [picture_in(shown["over_time"]) for shown in (first, second)]
    assert pictures[0] != pictures[1], "the second shows both runs"
    assert "versions" not in second


def test_what_got_worse_fails_the_check_by_name_until_somebody_accepts_it(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId, tmp_path: Path
) -> None:
    version = session.active_version(asked)
    _evaluate(instance, asked, version)
    ingest_folder(session, asked, write_docs(tmp_path, {"lanterns.md": PAGES["lanterns.md"]}))
    run_path(session, asked)

    shown, check = _evaluate(instance, asked, version)
    assert (shown["passed"], shown["accepted"], shown["got_worse"]) == (False, False, 1)
    assert "recall@5 fell from 1.000 to 0.500, at most 0.05 may be lost" in shown["why_not_passed"]
    worst = _rows(shown["worst_questions"])[0]
    assert (worst["question"], worst["place"], worst["tags"]) == ("ferries", "none", "docs")
    assert worst["place_before"] == "1"
    assert worst["stood_first"].endswith("lanterns.md")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "questions that got worse: ferries (1 to none)" in str(check.description)
    assert [row["question"] for row in _rows(check.metadata["questions"].value)] == ["ferries"]

    with session.stores.database.transaction(asked) as tx:
        (latest, *_) = list_runs(tx, suite=Suite.POST_INGEST, version=None, limit=1)
        accept_run(tx, latest.run_id, by="ada", at=latest.at)
    again, check = _evaluate(instance, asked, version)
    assert again["passed"]
    assert check.passed


def test_no_question_title_or_text_is_shown(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId, tmp_path: Path
) -> None:
    version = session.active_version(asked)
    _evaluate(instance, asked, version)
    ingest_folder(session, asked, write_docs(tmp_path, {}))
    run_path(session, asked)
    shown, check = _evaluate(instance, asked, version)
    assert shown["got_worse"] == 2
    spelled = repr([shown, check.metadata, check.description])
    for said in (FERRIES, LANTERNS, "How ferries are moored", "Who lights the lanterns", "northern pier"):
        assert said not in spelled


def test_titles_stand_in_where_a_workspace_has_no_questions(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, tmp_path: Path
) -> None:
    shown, check = _evaluate(instance, workspace, served_workspace(session, workspace, tmp_path), "evaluate_nightly")
    assert (shown["asked"], shown["questions"]) == ("titles that stand in for questions", len(PAGES))
    assert check.passed


def test_versions_are_drawn_side_by_side_by_the_gate_and_by_the_suite(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId
) -> None:
    served, version = session.active_version(asked), propose(session, asked)
    build(session, asked, version)
    add_partitions(instance, [asked], [version.name])
    judged = run_job("build_version", instance, key=workspace_version_key(asked, version.name), assets=["canary"])
    (gate,) = metadata_by_asset(judged).values()
    suite, check = _evaluate(instance, asked, version, "evaluate_canary")
    for shown in (gate, suite):
        assert picture_in(shown["versions"]).alternative == "embedding versions on the same questions"
    assert f" at {served.name}, on 2 questions" in suite["compared_with"]
    assert check.passed
    at_served, _ = _evaluate(instance, asked, served, "evaluate_canary")
    assert "versions" not in at_served


def test_a_version_that_is_not_built_is_refused(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId
) -> None:
    version = propose(session, asked)
    add_partitions(instance, [asked], [version.name])
    result = run_job("evaluate_smoke", instance, key=workspace_version_key(asked, version.name))
    assert f"embedding version {version.name} is proposed in workspace {asked}" in str(failure_of(result))


def test_a_check_alone_on_what_was_never_asked_passes_and_says_so(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId
) -> None:
    from neural_memory_pipelines.defs.checks.evaluation import _judge  # noqa: PLC0415 - no public way runs a check alone

    assert _judge([]).passed
    assert _judge([]).description == "nothing was asked yet"


def test_a_run_that_the_daemon_retries_is_the_same_evaluation_and_one_by_hand_is_another(
    session: Session, instance: dg.DagsterInstance, asked: WorkspaceId
) -> None:
    version = session.active_version(asked)
    add_partitions(instance, [asked], [version.name])
    key = workspace_version_key(asked, version.name)
    first = run_job("evaluate_smoke", instance, key=key)
    again = {"dagster/root_run_id": first.run_id, "dagster/parent_run_id": first.run_id}
    for tags in ({**again, "dagster/retry_number": "1"}, again):
        run_job("evaluate_smoke", instance, key=key, tags=tags)
    with session.stores.database.transaction(asked) as tx:
        assert len(list_runs(tx, suite=Suite.SMOKE, version=None, limit=10)) == 2


def test_every_suite_has_an_asset_a_job_and_a_check(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    assert [named.suite for named in SUITE_ASSETS] == list(Suite)
    for named in SUITE_ASSETS:
        job = definitions.resolve_job_def(named.job)
        assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {named.asset}
        assert graph.get(dg.AssetKey(named.asset)).group_name == "evaluation"
        assert dg.AssetCheckKey(dg.AssetKey(named.asset), "no_regression") in graph.asset_check_keys
