"""Pushes of stores of documents, and the names that sources gave up: what was seen of both.

What a push or a rename does to documents is decided by the steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import Commit, Rename
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import ingestion_commits, source_renames, stores

_LATER = """(workspace_id, source, old_prefix, new_prefix) DO UPDATE SET as_of = excluded.as_of
WHERE source_renames.as_of < excluded.as_of"""


def register_stores(tx: Transaction, names: Sequence[str]) -> None:
    """Record stores of documents; known ones stay."""
    insert_rows(tx, stores, [{"name": name} for name in dict.fromkeys(names)], on_conflict="DO NOTHING")


def record_commits(tx: Transaction, commits: Sequence[tuple[str, Commit]]) -> set[str]:
    """Record pushes, each with the key of the event that brought it.

    Returns:
        The keys of the events that brought a push which is known by its commits or its delivery.
    """
    known: set[str] = set()
    for event_key, commit in commits:
        row = {
            "store": commit.store,
            "after_sha": commit.after,
            "before_sha": commit.before or "",
            "delivery_id": commit.delivery_id,
            "ref": commit.ref,
            "event_key": event_key,
        }
        if insert_rows(tx, ingestion_commits, [row], on_conflict="DO NOTHING", returning="1"):
            continue
        if event_key not in _events_of(tx, row):
            known.add(event_key)
    return known


def _events_of(tx: Transaction, row: dict[str, str | None]) -> set[str]:
    found = tx.connection.execute(
        text(
            "SELECT event_key FROM ingestion_commits WHERE store = :store "
            "AND ((after_sha = :after_sha AND before_sha = :before_sha) OR delivery_id = :delivery_id)"
        ),
        row,
    )
    return set(found.scalars())


def record_renames(tx: Transaction, renames: Sequence[Rename]) -> list[Rename]:
    """Record renames.

    Returns:
        Those that were not known, or not known to hold for so long.
    """
    new = []
    for rename in renames:
        row = {
            "source": rename.source,
            "old_prefix": rename.old,
            "new_prefix": rename.new,
            "as_of": rename.as_of,
        }
        if insert_rows(tx, source_renames, [row], on_conflict=_LATER, returning="1"):
            new.append(rename)
    return new


def known_renames(tx: Transaction) -> list[Rename]:
    """List all renames of the workspace, the earliest first."""
    rows = tx.connection.execute(
        text("SELECT source, old_prefix, new_prefix, as_of FROM source_renames ORDER BY as_of, old_prefix")
    )
    return [Rename(*row) for row in rows]
