"""What an index lacks: texts without a vector, at each version by itself, and since when the oldest waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from neural_memory_pipelines.domain.evaluation import Staleness
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.families import desired_ids
from neural_memory_pipelines.stores.postgres.staleness import staleness
from tests.versions.migrating import pages, propose, tell
from tests.versions.models import turned

from .memories import TOPICS, Memory


def _stale(memory: Memory, version: EmbeddingVersion | None = None) -> Staleness:
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        return staleness(tx, version or memory.session.active_version(memory.workspace))


def _desired(memory: Memory) -> int:
    version = memory.session.active_version(memory.workspace)
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        return sum(len(desired_ids(tx, version, family)) for family in (Family.CHUNKS, Family.OBSERVATIONS))


def _execute(memory: Memory, statement: str) -> None:
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        tx.connection.exec_driver_sql(statement)


def test_what_is_indexed_is_not_stale(memory: Memory) -> None:
    assert _stale(memory) == Staleness(0, None)


def test_what_was_persisted_and_not_indexed_is_stale_until_it_is(memory: Memory) -> None:
    before = _desired(memory)
    tell(memory.session, memory.workspace, memory.folder, pages(*TOPICS, "engines"))
    found = _stale(memory)
    assert found.unindexed == _desired(memory) - before > 0
    assert found.oldest_at is not None
    assert timedelta(0) <= datetime.now(UTC) - found.oldest_at < timedelta(minutes=5)
    memory.tell(*TOPICS, "engines")
    assert _stale(memory) == Staleness(0, None)


def test_a_vector_of_another_text_is_none(memory: Memory) -> None:
    _execute(memory, "UPDATE vector_entries SET content_hash = '' WHERE family = 'observations'")
    ((entries,),) = memory.ask("SELECT count(*) FROM vector_entries WHERE family = 'observations'")
    assert _stale(memory).unindexed == entries > 0
    version = memory.session.active_version(memory.workspace)
    reconcile_index(Scope(memory.workspace, version, Family.OBSERVATIONS, memory.session.stores))
    assert _stale(memory) == Staleness(0, None)


def test_the_oldest_counts_and_what_left_the_index_does_not(memory: Memory) -> None:
    _execute(memory, "DELETE FROM vector_entries")
    _execute(memory, "UPDATE version_transitions SET at = '2026-01-01'")
    _execute(memory, "UPDATE knowledge_chunks SET created_at = '2026-02-01' WHERE chunk_index = 0")
    assert _stale(memory).oldest_at == datetime(2026, 2, 1, tzinfo=UTC)
    _execute(memory, "UPDATE memory_observations SET aged_at = now()")
    _execute(memory, "UPDATE knowledge_chunks SET superseded_at = now()")
    assert _stale(memory) == Staleness(0, None)


def test_at_a_version_that_came_later_all_texts_wait_since_then(memory: Memory) -> None:
    _execute(memory, "UPDATE knowledge_chunks SET created_at = '2026-02-01'")
    later = turned(memory.session.new_workspace_version)
    propose(memory.session, memory.workspace, later)
    found = _stale(memory, later)
    assert found.unindexed == _desired(memory)
    assert found.oldest_at is not None
    assert datetime.now(UTC) - found.oldest_at < timedelta(minutes=5)
    assert _stale(memory) == Staleness(0, None)
