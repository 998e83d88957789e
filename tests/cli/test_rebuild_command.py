"""`rebuild index`: an index is made again from the kept vectors, the same, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from tests.cli.conftest import Run
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import DECISION, guide, write_docs


@pytest.fixture
def indexed(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace with an index of chunks and one of observations."""
    ingest_folder(session, workspace, write_docs(tmp_path, {"a.md": guide("ferries", "anchors") + DECISION}))
    run_path(session, workspace)
    return workspace


def _without_ages(hits: list[dict[str, Any]]) -> list[tuple[str, dict[str, float]]]:
    """Leave out of answers what changes with the time of the question."""
    aging = {"recency"}
    return [
        (hit["id"], {term["name"]: term["value"] for term in hit["terms"] if term["name"] not in aging}) for hit in hits
    ]


def ids(session: Session, workspace: WorkspaceId) -> dict[Family, set[str]]:
    version = session.active_version(workspace)
    return {family: Scope(workspace, version, family, session.stores).indexed_ids() for family in Family}


def test_an_index_is_rebuilt_without_the_model(
    run: Run, session: Session, indexed: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ids(session, indexed)
    asked = run("search", "anchors rule", "-w", indexed, "--json").json["hits"]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was asked")

    with monkeypatch.context() as patch:
        patch.setattr(Session, "embedder", refuse)
        outcome = run("rebuild", "index", "-w", indexed, "--json")
    assert outcome.code == 0, outcome.err
    families = {row["family"]: row for row in outcome.json["families"]}
    for family, held in before.items():
        assert (families[family]["dropped"], families[family]["written"]) == (len(held), len(held))
    assert families["chunks"]["written"] > 0
    assert ids(session, indexed) == before
    assert _without_ages(run("search", "anchors rule", "-w", indexed, "--json").json["hits"]) == _without_ages(asked)
    version = session.active_version(indexed).name
    assert f"index of {indexed} at {version}" in run("rebuild", "index", "-w", indexed, "--version", version[:20]).out


def test_texts_without_a_kept_vector_exit_1_and_say_what_to_do(
    run: Run, session: Session, indexed: WorkspaceId
) -> None:
    with session.stores.database.transaction(indexed) as tx:
        tx.connection.execute(text("DELETE FROM embeddings"))
    outcome = run("rebuild", "index", "-w", indexed)
    assert outcome.code == 1
    assert f"next: neural-memory build --workspace {indexed}" in outcome.err


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--version", "nonsense"), "there is no embedding version 'nonsense'"), (("-w", "nobody"), "'nobody'")],
)
def test_what_is_not_there_exits_2(run: Run, indexed: WorkspaceId, more: tuple[str, ...], words: str) -> None:
    outcome = run("rebuild", "index", "-w", indexed, *more)
    assert (outcome.code, outcome.out) == (2, "")
    assert words in outcome.err
