"""Filters let through the documents that they describe."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.query_filters import Filters, read_filters
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.entities import write_entities
from neural_memory_pipelines.stores.postgres.filters import filter_condition
from neural_memory_pipelines.stores.postgres.known_names import authors_named
from neural_memory_pipelines.stores.postgres.tables import document_entities
from tests.retrieval.test_identified import put

_NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def known(stores: Stores, workspace: WorkspaceId) -> WorkspaceId:
    with stores.database.transaction(workspace) as tx:
        put(tx, "github", "first", type="issue", occurred_at=datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC))
        put(tx, "github", "second", type="pull_request", occurred_at=datetime(2026, 6, 1, tzinfo=UTC))
        put(tx, "linear", "third", type="issue", occurred_at=datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC))
        put(tx, "slack", "fourth", type="thread", occurred_at=datetime(2026, 7, 1, tzinfo=UTC))
        people = [("ada", "Ada Byron"), ("ben", "Ben Lee")]
        columns = {"kind": "person", "merged_into": None, "merged_because": None}
        write_entities(
            tx, [{"entity_id": f"{workspace}-{key}", "key": key, "name": name, **columns} for key, name in people]
        )
        roles = [("first", "ada", "author"), ("second", "ben", "author"), ("third", "ada", "assignee")]
        rows = [
            {"document_id": f"{workspace} {document}", "entity_id": f"{workspace}-{who}", "role": role, "link_id": "l"}
            for document, who, role in roles
        ]
        insert_rows(tx, document_entities, rows, on_conflict="DO NOTHING")
    return workspace


def let_through(stores: Stores, workspace: WorkspaceId, filters: Filters) -> set[str]:
    with stores.database.transaction(workspace) as tx:
        condition, values = filter_condition(filters, authors_named(tx, filters.authors))
        assert all(name.startswith("filter_") for name in values)
        rows = tx.connection.execute(text(f"SELECT source_id FROM knowledge_documents d WHERE {condition}"), values)
        return set(rows.scalars())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {"first", "second", "third", "fourth"}),
        ([("source", "github")], {"first", "second"}),
        ([("source", "linear"), ("source", "slack")], {"third", "fourth"}),
        ([("type", "issue")], {"first", "third"}),
        ([("type", "issue"), ("source", "github")], {"first"}),
        ([("author", "Ada")], {"first"}),
        ([("author", "Ada"), ("author", "ben lee")], {"first", "second"}),
        ([("after", "2026-06")], {"second", "third", "fourth"}),
        ([("before", "2026-07-01")], {"first", "second", "third"}),
        ([("after", "2026-06-01"), ("before", "2026-07")], {"second", "third"}),
        ([("after", "2027")], set()),
    ],
)
def test_documents_are_let_through(
    stores: Stores, known: WorkspaceId, given: list[tuple[str, str]], expected: set[str]
) -> None:
    filters = read_filters(given, sources=("github", "linear", "slack"), now=_NOW)
    assert let_through(stores, known, filters) == expected


def test_a_filter_by_author_is_not_used_before_the_author_is_known() -> None:
    with pytest.raises(AssertionError, match="resolved"):
        filter_condition(Filters(authors=("ada",)))
