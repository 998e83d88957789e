"""Which files of a docs store the memory holds.

Rows are read and written here; what they mean is decided in `steps/`.
"""

from __future__ import annotations

from sqlalchemy import text

from neural_memory_pipelines.stores.postgres.engine import Transaction


def live_paths(tx: Transaction, store: str) -> list[str]:
    """List the paths of a store's documents that are not deleted, relative to the store."""
    rows = tx.connection.scalars(
        text(
            "SELECT source_id FROM knowledge_documents "
            "WHERE source = 'docs' AND deleted_at IS NULL AND starts_with(source_id, :prefix) ORDER BY source_id"
        ),
        {"prefix": f"{store}/"},
    )
    return [source_id.removeprefix(f"{store}/") for source_id in rows]
