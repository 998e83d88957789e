"""What is inserted by arrays is what is read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.tables import dead_letters, embeddings, knowledge_documents, source_events

WORKSPACE = WorkspaceId("bulk")
TEXTS = st.text(alphabet=st.characters() | st.sampled_from("\0\ud800\udfff\\u0{},\"'"), max_size=12)
TIMES = st.datetimes(
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 12, 31),
    timezones=st.just(timezone(timedelta(hours=5))),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e6, 1e6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=4)


def _documents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    fixed = {"organization_id": "o", "source": "docs", "type": "doc", "raw_pointer": "r", "content_hash": "h"}
    fixed |= {"as_of_event": "e"}
    return [
        {**fixed, "document_id": f"bulk-{number}", "source_id": str(number), "lineage_json": {}, "version": 1, **row}
        for number, row in enumerate(rows)
    ]


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): _mended(item) for key, item in value.items()}
    return value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "title": TEXTS,
                "summary": st.none() | TEXTS,
                "metadata_json": OBJECTS,
                "author_json": st.none() | OBJECTS,
                "occurred_at": TIMES,
                "as_of": TIMES,
            }
        ),
        min_size=1,
        max_size=4,
    )
)
@example(
    [
        {
            "title": "\\u0000",
            "summary": None,
            "metadata_json": {"letters": "\\u0000", "nul": "\0", "both": "\\\0\0\\\\u0000"},
            "author_json": {"half": "\ud83d"},
            "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
            "as_of": datetime(2026, 1, 1, tzinfo=UTC),
        }
    ]
)
def test_documents_are_read_back_as_they_were_written(stores: Stores, rows: list[dict[str, Any]]) -> None:
    columns = [knowledge_documents.c[name] for name in rows[0]]
    with stores.database.transaction(WORKSPACE) as tx:
        tx.connection.execute(delete(knowledge_documents))
        insert_rows(tx, knowledge_documents, _documents(rows), on_conflict="DO NOTHING")
        found = tx.connection.execute(select(*columns).order_by("document_id")).all()
        tx.connection.execute(delete(knowledge_documents))
    assert [dict(row._mapping) for row in found] == [_mended(row) for row in rows]


def test_numbers_and_bytes_arrive_whole(stores: Stores) -> None:
    vectors = [bytes(range(256)) * 24, b"", b"\0\\x00"]
    version = {"embedding_version": _any_version(stores)}
    rows = [{**version, "content_hash": str(number), "vector": vector} for number, vector in enumerate(vectors)]
    with stores.database.transaction(WORKSPACE) as tx:
        insert_rows(tx, embeddings, rows, on_conflict="DO NOTHING")
        found = tx.connection.scalars(select(embeddings.c.vector).order_by("content_hash")).all()
        tx.connection.execute(delete(embeddings))
    assert found == vectors


def _any_version(stores: Stores) -> str:
    with stores.database.catalog() as connection:
        connection.exec_driver_sql(
            "INSERT INTO embedding_versions (name, provider, model, dim, compression, chunking) "
            "VALUES ('test/bulk', 'test', 'test/bulk', 8, 'float32', '{}') ON CONFLICT DO NOTHING"
        )
    return "test/bulk"


def test_one_statement_writes_any_number_of_rows_and_says_which_are_new(stores: Stores) -> None:
    rows = [
        {
            "idempotency_key": f"key-{number}",
            "source": "docs",
            "action": "a",
            "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
            "raw_key": "r",
            "content_hash": "h",
        }
        for number in range(5_000)
    ]
    conflict = "(workspace_id, idempotency_key) DO NOTHING"
    with stores.database.transaction(WORKSPACE) as tx:
        assert insert_rows(tx, source_events, [], on_conflict=conflict, returning="1") == []
        first = insert_rows(tx, source_events, rows[:4_000], on_conflict=conflict, returning="idempotency_key")
        again = insert_rows(tx, source_events, rows, on_conflict=conflict, returning="idempotency_key")
        twice = insert_rows(tx, source_events, rows[:1] * 3, on_conflict=conflict, returning="1")
        tx.connection.execute(delete(source_events))
    assert len(first) == 4_000
    assert {row.idempotency_key for row in again} == {row["idempotency_key"] for row in rows[4_000:]}
    assert twice == []


def test_an_absent_text_stays_absent(stores: Stores) -> None:
    row = {"dead_letter_id": "bulk", "idempotency_key": None, "origin": "o", "raw_key": "r", "reason": ""}
    with stores.database.transaction(WORKSPACE) as tx:
        insert_rows(tx, dead_letters, [row], on_conflict="DO NOTHING")
        found = tx.connection.execute(select(dead_letters.c.idempotency_key, dead_letters.c.reason)).one()
        tx.connection.execute(delete(dead_letters))
    assert tuple(found) == (None, "")
