"""Which of some documents may be an answer, and all that may where they are few. It ranks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction

_LIVE = "SELECT d.document_id FROM knowledge_documents d WHERE d.deleted_at IS NULL AND {condition}"


def admitted(tx: Transaction, documents: Sequence[str], *, condition: str, values: Mapping[str, Any]) -> set[str]:
    """Tell which documents are live and fulfil a condition on `knowledge_documents d`."""
    query = f"{_LIVE.format(condition=condition)} AND d.document_id = ANY(:asked_documents)"
    return set(tx.connection.scalars(text(query), {**values, "asked_documents": list(documents)}))


def admitted_if_few(tx: Transaction, *, condition: str, values: Mapping[str, Any], most: int) -> list[str] | None:
    """List all documents that fulfil a condition; None if there are more than `most`."""
    query = f"{_LIVE.format(condition=condition)} LIMIT :most_documents"
    found = list(tx.connection.scalars(text(query), {**values, "most_documents": most + 1}))
    return found if len(found) <= most else None
