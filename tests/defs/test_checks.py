"""The checks, on stores that disagree: each must fail, and name what is wrong."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.vectors.protocol import METADATA_LIMIT_BYTES, VectorRecord
from tests.defs.running import checks_by_name, index_key, run_checks
from tests.steps.pipeline import ingest_folder, run_path

_PAGE = """# Queues

How events wait for their consumers.

## Decision

We queue events in Postgres. That is one store fewer to run.
"""


@pytest.fixture
def built(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace of one page, indexed."""
    (tmp_path / "queues.md").write_text(_PAGE)
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    return workspace


def _failed(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> dict[str, dg.AssetCheckEvaluation]:
    """Run all checks on a workspace, and keep those that failed."""
    result = run_checks(instance, index_key(session, instance, workspace))
    checks = checks_by_name(result)
    assert result.success
    assert len(checks) == 16
    return {name: check for name, check in checks.items() if not check.passed}


def _vector_ids(session: Session, workspace: WorkspaceId, version: EmbeddingVersion, family: Family) -> list[str]:
    return sorted(Scope(workspace, version, family, session.stores).indexed_ids())


def _place(session: Session, workspace: WorkspaceId, version: EmbeddingVersion, family: Family) -> Place:
    (place,) = Scope(workspace, version, family, session.stores).places()
    return place


def _execute(session: Session, workspace: WorkspaceId, statement: str) -> int:
    with session.stores.database.transaction(workspace) as tx:
        return tx.connection.execute(text(statement)).rowcount


def test_all_pass_where_the_stores_agree(session: Session, instance: dg.DagsterInstance, built: WorkspaceId) -> None:
    assert _failed(session, instance, built) == {}


@pytest.mark.parametrize("family", [Family.CHUNKS, Family.OBSERVATIONS])
def test_parity_names_a_vector_that_was_lost(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, version: EmbeddingVersion, family: Family
) -> None:
    lost = _vector_ids(session, built, version, family)[0]
    place = _place(session, built, version, family)
    session.stores.vectors.delete(place.index, place.namespace, [lost])

    failed = _failed(session, instance, built)
    (name, check), *others = failed.items()
    assert (name, others) == (f"{family.value.rstrip('s')}_index.index_parity", [])
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.metadata["ids"].value == lost
    assert (check.metadata["missing"].value, check.metadata["extra"].value) == (1, 0)
    assert "1 missing, 0 too many" in str(check.description)


def test_parity_names_a_vector_that_nobody_asked_for(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, version: EmbeddingVersion
) -> None:
    _upsert(session, built, version, "doc_stray#0", {})
    failed = _failed(session, instance, built)
    assert set(failed) == {"chunk_index.index_parity"}
    check = failed["chunk_index.index_parity"]
    assert check.metadata["ids"].value == "doc_stray#0"
    assert check.metadata["extra"].value == 1


def test_superseded_row_that_is_still_indexed(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, version: EmbeddingVersion
) -> None:
    ids = _vector_ids(session, built, version, Family.CHUNKS)
    assert _execute(session, built, "UPDATE knowledge_chunks SET superseded_at = now()") == len(ids)

    failed = _failed(session, instance, built)
    assert set(failed) == {"chunk_index.no_superseded_indexed", "chunk_index.index_parity"}
    check = failed["chunk_index.no_superseded_indexed"]
    assert check.metadata["ids"].value == ", ".join(ids)
    assert check.metadata["still_indexed"].value == len(ids)


@pytest.mark.parametrize(
    ("asset", "hashes"),
    [
        ("chunk_embeddings", "SELECT chunk_hash FROM knowledge_chunks LIMIT 1"),
        ("observation_embeddings", "SELECT encode(sha256(text::bytea), 'hex') FROM memory_observations LIMIT 1"),
    ],
)
def test_live_row_without_an_embedding(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, asset: str, hashes: str
) -> None:
    assert _execute(session, built, f"DELETE FROM embeddings WHERE content_hash IN ({hashes})") == 1
    failed = _failed(session, instance, built)
    assert set(failed) == {f"{asset}.every_live_row_embedded"}
    assert failed[f"{asset}.every_live_row_embedded"].metadata["missing"].value == 1


def test_metadata_that_is_too_large(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, version: EmbeddingVersion
) -> None:
    large = _vector_ids(session, built, version, Family.CHUNKS)[0]
    # No index of ours takes such metadata: it can only come from elsewhere, or from a limit that was lowered.
    oversized = (
        "UPDATE vectors.vector_records SET metadata = jsonb_build_object('text', repeat('x', 2000)) WHERE id = :id"
    )
    with session.stores.database.engine.begin() as connection:
        assert connection.execute(text(oversized), {"id": large}).rowcount == 1

    failed = _failed(session, instance, built)
    assert set(failed) == {"chunk_index.metadata_size"}
    check = failed["chunk_index.metadata_size"]
    assert check.metadata["ids"].value == large
    assert int(str(check.metadata["largest_bytes"].value)) > METADATA_LIMIT_BYTES


def test_difference_is_a_warning_while_events_arrive(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, version: EmbeddingVersion
) -> None:
    _upsert(session, built, version, "doc_stray#0", {})
    assert _execute(session, built, "UPDATE source_events SET settled_at = now() + interval '1 minute'") == 1
    (check,) = _failed(session, instance, built).values()
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert "events arrived during this run" in str(check.description)


def _upsert(
    session: Session, workspace: WorkspaceId, version: EmbeddingVersion, vector: str, metadata: dict[str, str]
) -> None:
    values = np.zeros(version.dim, dtype=np.float32)
    values[0] = 1.0
    place = _place(session, workspace, version, Family.CHUNKS)
    session.stores.vectors.upsert(place.index, place.namespace, [VectorRecord(vector, values, metadata)])
