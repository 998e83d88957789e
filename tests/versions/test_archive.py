"""Archiving takes a version out of the indexes and keeps its vectors; done twice, or half, it ends the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.lifecycle import IllegalTransitionError, VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.archive import due_for_archive
from tests.steps.doubles import ReadOnly, session_with
from tests.steps.dumps import rows
from tests.steps.killing import Switch, counted_session, was_killed

from .conftest import Memory
from .migrating import archive_it, build, history, hits, promote_it, propose, status_of, successor_built

HELD = """SELECT (SELECT count(*) FROM vector_entries WHERE embedding_version = :version),
    (SELECT count(*) FROM vector_namespaces WHERE embedding_version = :version),
    (SELECT count(*) FROM embeddings WHERE embedding_version = :version)"""


@pytest.fixture
def replaced(memory: Memory) -> Memory:
    """The candidate was promoted; the first version is retired."""
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    promote_it(memory.session, memory.workspace, memory.candidate, force=True)
    return memory


def _first(memory: Memory) -> EmbeddingVersion:
    return memory.session.new_workspace_version


def _held(memory: Memory, version: EmbeddingVersion) -> tuple[int, int, int]:
    ((entries, namespaces, kept),) = rows(memory.session, memory.workspace, HELD, version=version.name)
    return entries, namespaces, kept


def _in_indexes(memory: Memory, version: EmbeddingVersion) -> int:
    with memory.session.stores.database.engine.connect() as connection:
        query = "SELECT count(*) FROM vectors.vector_records WHERE namespace LIKE :like"
        like = f"ws\\_{memory.workspace}\\_\\_%\\_\\_{version.name}"
        return int(connection.execute(text(query), {"like": like}).scalar_one())


def test_namespaces_and_ledger_go_and_vectors_stay(replaced: Memory) -> None:
    first = _first(replaced)
    entries, namespaces, kept = _held(replaced, first)
    assert min(entries, namespaces, kept) >= 2
    assert _in_indexes(replaced, first) == entries
    beside = _held(replaced, replaced.candidate)
    report = archive_it(replaced.session, replaced.workspace, first)
    assert (report.deleted, report.seen) == (entries, namespaces)
    assert _held(replaced, first) == (0, 0, kept)
    assert _in_indexes(replaced, first) == 0
    assert status_of(replaced.session, replaced.workspace, first) is VersionStatus.ARCHIVED
    assert _held(replaced, replaced.candidate) == beside, "no other version is touched"
    assert hits(replaced.session, replaced.workspace, "Handbook of the cranes")


def test_archiving_twice_is_harmless(replaced: Memory) -> None:
    first = _first(replaced)
    archive_it(replaced.session, replaced.workspace, first)
    before = (_held(replaced, first), history(replaced.session, replaced.workspace))
    report = archive_it(replaced.session, replaced.workspace, first)
    assert (report.deleted, report.seen) == (0, 0)
    assert (_held(replaced, first), history(replaced.session, replaced.workspace)) == before


def test_what_is_served_or_unknown_is_not_archived(memory: Memory) -> None:
    before = _held(memory, memory.served)
    with pytest.raises(IllegalTransitionError, match="it is served; promote another version first"):
        archive_it(memory.session, memory.workspace, memory.served)
    with pytest.raises(NotFoundError, match="propose it first"):
        archive_it(memory.session, memory.workspace, memory.candidate)
    assert _held(memory, memory.served) == before


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_write_it_is_finished_by_doing_it_again(replaced: Memory, tmp_path: Path, moment: str) -> None:
    first = _first(replaced)
    kept = _held(replaced, first)[2]

    def kill_at(number: int) -> bool:
        def work() -> None:
            switch = Switch(number, moment)  # type: ignore[arg-type] # one of the two above
            own = counted_session(replaced.session, tmp_path / "objects", switch)
            archive_it(own, replaced.workspace, first)

        return was_killed(work)

    # Each start gets one write further than the one before it, or finds that much done.
    killed = 0
    while kill_at(killed + 1):
        killed += 1
        assert killed < 50
        assert status_of(replaced.session, replaced.workspace, first) in {
            VersionStatus.RETIRED,
            VersionStatus.ARCHIVED,
        }
        assert hits(replaced.session, replaced.workspace, "Handbook of the cranes")
    assert killed >= 3
    assert _held(replaced, first) == (0, 0, kept)
    assert _in_indexes(replaced, first) == 0
    assert [row.to_status for row in history(replaced.session, replaced.workspace)].count("archived") == 1


def test_an_archived_version_that_is_proposed_again_embeds_nothing_again(replaced: Memory) -> None:
    session, workspace = replaced.session, replaced.workspace
    first = _first(replaced)
    before = [hit.id for hit in hits(session, workspace, "cranes")]
    archive_it(session, workspace, first)
    assert propose(session, workspace, first) is VersionStatus.PROPOSED
    session.spies[first.model].embedded.clear()
    totals = build(session, workspace, first)
    assert session.spies[first.model].embedded == []
    assert totals["index"].written == _held(replaced, first)[0] > 4
    with pytest.raises(PermanentError, match="was not asked yet"):  # what the gate said of the old build is forgotten
        promote_it(session, workspace, first)
    promote_it(session, workspace, first, force=True)
    assert [hit.id for hit in hits(session, workspace, "cranes")] == before


def test_dropped_vectors_are_paid_for_again(replaced: Memory) -> None:
    session, workspace = replaced.session, replaced.workspace
    first = _first(replaced)
    kept = _held(replaced, first)[2]
    report = archive_it(session, workspace, first, drop_vectors=True)
    assert report.notes == [f"{kept} durable vectors were dropped"]
    assert _held(replaced, first) == (0, 0, 0)
    session.spies[first.model].embedded.clear()
    propose(session, workspace, first)
    build(session, workspace, first)
    assert len(session.spies[first.model].embedded) == kept


def test_vectors_can_be_dropped_after_archiving(replaced: Memory) -> None:
    first = _first(replaced)
    archive_it(replaced.session, replaced.workspace, first)
    assert _held(replaced, first)[2] > 0
    archive_it(replaced.session, replaced.workspace, first, drop_vectors=True)
    assert _held(replaced, first) == (0, 0, 0)
    assert _held(replaced, replaced.candidate)[2] > 0


def test_a_run_that_began_before_does_not_fill_an_archived_version_again(memory: Memory) -> None:
    """It is between embedding and indexing when the version is archived."""
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    archive_it(memory.session, memory.workspace, memory.candidate)
    for family in Family:
        scope = Scope(memory.workspace, memory.candidate, family, memory.session.stores)
        with pytest.raises(PermanentError, match=r"archived .* propose it again"):
            reconcile_index(scope)
    assert _held(memory, memory.candidate)[:2] == (0, 0)
    assert _in_indexes(memory, memory.candidate) == 0


def test_the_index_of_a_store_goes_with_its_last_version(memory: Memory) -> None:
    spread = successor_built(memory.session, memory.workspace, memory.served.model, topology="store")
    places = {
        place for family in Family for place in Scope(memory.workspace, spread, family, memory.session.stores).places()
    }
    indexes = {place.index for place in places}
    assert len(indexes) == 1, "one store, one index: documents and what was observed of them"
    archive_it(memory.session, memory.workspace, spread)
    for index in indexes:
        with pytest.raises(NotFoundError):
            memory.session.stores.vectors.query(index, "any", np.ones(spread.dim, np.float32), top_k=1)


def test_an_index_that_others_share_is_never_dropped(replaced: Memory) -> None:
    careful = session_with(replaced.session, vectors=ReadOnly(replaced.session.stores.vectors, "drop_index"))
    archive_it(careful, replaced.workspace, _first(replaced))
    assert _in_indexes(replaced, _first(replaced)) == 0


def test_what_was_retired_longer_ago_than_the_grace_period_is_due(replaced: Memory) -> None:
    first = _first(replaced)
    stores, workspace = replaced.session.stores, replaced.workspace
    assert due_for_archive(workspace, stores=stores, grace_days=14) == []
    with stores.database.transaction(workspace) as tx:
        tx.connection.execute(text("UPDATE workspace_versions SET since = since - interval '15 days'"))
    assert due_for_archive(workspace, stores=stores, grace_days=14) == [first.name], "what is served is never due"
