"""Documents are found by what they are called, without any model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.queries import parse_query
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.identified import IdentifiedDocument, identified_documents
from neural_memory_pipelines.stores.postgres.tables import document_handles, knowledge_documents

_NOW = datetime(2026, 11, 23, tzinfo=UTC)
_SHA = "0123456789abcdef0123456789abcdef01234567"
_SHOP_12 = "acme/shop#12"


def put(tx: Transaction, source: str, source_id: str, *also: str, **fields: Any) -> None:
    """Write a document with its handles; its id is its source id behind the workspace's name."""
    document = f"{tx.workspace_id} {source_id}"
    row = {
        "document_id": document,
        "organization_id": "org",
        "source": source,
        "source_id": source_id,
        "type": "doc",
        "title": source_id,
        "raw_pointer": "raw",
        "content_hash": "hash",
        "metadata_json": {},
        "lineage_json": {},
        "occurred_at": _NOW,
        "as_of": _NOW,
        "as_of_event": "event",
        "parent_source_id": None,
        "privacy": "org",
        "deleted_at": None,
        "version": 1,
        **fields,
    }
    insert_rows(tx, knowledge_documents, [row], on_conflict="DO NOTHING")
    handles = [f"{source}:{source_id}".lower(), *also]
    rows = [{"document_id": document, "handle": handle} for handle in handles]
    insert_rows(tx, document_handles, rows, on_conflict="DO NOTHING")


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


@pytest.fixture
def known(stores: Stores, workspace: WorkspaceId) -> WorkspaceId:
    with stores.database.transaction(workspace) as tx:
        put(tx, "github", _SHOP_12, "github:acme/old#12", "url:github.com/acme/shop/issues/12", occurred_at=day(1))
        put(tx, "github", "acme/ops#12", occurred_at=day(2))
        put(tx, "github", "acme/my_shop#12", occurred_at=day(3))
        put(tx, "github", "acme/myxshop#12", occurred_at=day(4))
        put(tx, "github", "acme/gone#12", occurred_at=day(5), deleted_at=_NOW)
        put(tx, "github", "acme/shop#112")
        put(tx, "github", f"{_SHOP_12}/comment/7", parent_source_id=_SHOP_12, occurred_at=day(5))
        put(tx, "github", f"{_SHOP_12}/review/8", parent_source_id=_SHOP_12, occurred_at=day(6))
        put(tx, "github", f"acme/shop@{_SHA}")
        put(tx, "github", f"acme/ops@{_SHA[:12]}{'f' * 28}")
        put(tx, "github", "acme/shop@v2.5.0")
        put(tx, "linear", "HAR-3", "url:linear.app/acme/issue/har-3")
        put(tx, "docs", "handbook/docs/runbooks/queue.md", "docs:handbook/docs/runbooks/queue")
        put(tx, "docs", "handbook/queue.md")
        put(tx, "docs", "handbook/docs/re_ad.md")
        put(tx, "docs", "handbook/docs/rexad.md")
        put(tx, "docs", "acme/wiki/docs/runbooks/queue.md")
        put(tx, "slack", "C1/1.2", "slack:c1/1.2", privacy="private")
        put(tx, "docs", "handbook/secret.md", privacy="private")
    with stores.database.transaction(WorkspaceId(f"{workspace}-other")) as tx:
        put(tx, "github", "other/shop#12")
    return workspace


def identified(stores: Stores, workspace: WorkspaceId, query: str, **options: Any) -> list[IdentifiedDocument]:
    asked = parse_query(query, sources=("github",), now=_NOW).identifiers
    assert asked, query
    with stores.database.transaction(workspace) as tx:
        return identified_documents(tx, asked, **options)


def found(stores: Stores, workspace: WorkspaceId, query: str, **options: Any) -> list[str]:
    return [one.document_id.partition(" ")[2] for one in identified(stores, workspace, query, below=0, **options)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("#12", ["acme/myxshop#12", "acme/my_shop#12", "acme/ops#12", _SHOP_12]),
        ("acme/shop#12", [_SHOP_12]),
        ("Acme/Shop#12", [_SHOP_12]),
        ("shop#12", [_SHOP_12]),
        ("my_shop#12", ["acme/my_shop#12"]),
        ("old#12", [_SHOP_12]),
        ("https://github.com/acme/shop/pull/12#discussion", [_SHOP_12]),
        ("https://github.com/acme/shop/issues/12#issuecomment-7", [f"{_SHOP_12}/comment/7"]),
        ("HAR-3 har-3", ["HAR-3"]),
        ("https://linear.app/acme/issue/HAR-3/title", ["HAR-3"]),
        (_SHA, [f"acme/shop@{_SHA}"]),
        (_SHA[:8] + "89ab", [f"acme/ops@{_SHA[:12]}{'f' * 28}", f"acme/shop@{_SHA}"]),
        (_SHA[:13], [f"acme/shop@{_SHA}"]),
        (f"ops@{_SHA[:7]}", [f"acme/ops@{_SHA[:12]}{'f' * 28}"]),
        (f"acme/shop@{_SHA[:7]}", [f"acme/shop@{_SHA}"]),
        (f"acme/shop@{_SHA}", [f"acme/shop@{_SHA}"]),
        ("acme/shop@v2.5.0", ["acme/shop@v2.5.0"]),
        ("handbook:docs/runbooks/queue.md", ["handbook/docs/runbooks/queue.md"]),
        ("acme/handbook:docs/runbooks/queue", ["handbook/docs/runbooks/queue.md"]),
        ("wiki:docs/runbooks/queue.md", ["acme/wiki/docs/runbooks/queue.md"]),
        ("runbooks/queue.md", ["handbook/docs/runbooks/queue.md", "acme/wiki/docs/runbooks/queue.md"]),
        ("Queue.md", ["handbook/queue.md", "handbook/docs/runbooks/queue.md", "acme/wiki/docs/runbooks/queue.md"]),
        ("re_ad.md", ["handbook/docs/re_ad.md"]),
        ("handbook/queue.md #112", ["handbook/queue.md", "acme/shop#112"]),
        ("ueue.md #2 HAR-4 docs/none.md deadbee1 x/y@z https://example.com/none", []),
    ],
)
def test_documents_answer_to_their_names(stores: Stores, known: WorkspaceId, query: str, expected: list[str]) -> None:
    assert found(stores, known, query) == expected


def test_what_belongs_to_a_document_follows_it(stores: Stores, known: WorkspaceId) -> None:
    documents = identified(stores, known, f"{_SHOP_12} HAR-3", below=1)
    assert [(one.document_id.partition(" ")[2], one.identifier.name, one.is_below) for one in documents] == [
        (_SHOP_12, "12", False),
        ("HAR-3", "HAR-3", False),
        (f"{_SHOP_12}/review/8", "12", True),
    ]


def test_a_document_named_twice_is_found_once(stores: Stores, known: WorkspaceId) -> None:
    query = f"https://github.com/acme/shop/issues/12#issuecomment-7 {_SHOP_12}"
    documents = [one.document_id.partition(" ")[2] for one in identified(stores, known, query)]
    assert documents == [f"{_SHOP_12}/comment/7", _SHOP_12, f"{_SHOP_12}/review/8"]


def test_what_is_private_is_found_by_those_alone_who_may_read_it(stores: Stores, known: WorkspaceId) -> None:
    assert found(stores, known, "secret.md") == []
    assert found(stores, known, "secret.md", include_private=True) == ["handbook/secret.md"]


def test_no_more_are_found_than_asked_for(stores: Stores, known: WorkspaceId) -> None:
    assert found(stores, known, "#12 queue.md", limit=1) == ["acme/myxshop#12", "handbook/queue.md"]
