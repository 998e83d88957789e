"""Pushes of stores of documents, and the names that sources gave up: what was seen of both.

What a push or a rename does to documents is decided by the steps.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import Commit, Rename, storable
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import ingestion_commits, source_renames, stores


def register_stores(tx: Transaction, names: Sequence[str]) -> None:
    """Record stores of documents; known ones stay."""
    insert_rows(tx, stores, [{"name": name} for name in dict.fromkeys(names)], on_conflict="DO NOTHING")


def record_commits(tx: Transaction, commits: Sequence[tuple[str, Commit]]) -> tuple[set[str], set[str]]:
    """Record pushes, each with the key of the event that brought it.

    Of several events with the same commits or the same delivery, the one of the smallest key is the push, in whatever
    order they come.

    Returns:
        The keys of those of these events whose push is known by another one, and of the events that were the push until
        now and are not any more.
    """
    known: set[str] = set()
    displaced: set[str] = set()
    ours = {event_key for event_key, _ in commits}
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
        rivals = _events_of(tx, row) - {event_key}
        if any(rival < event_key for rival in rivals):
            known.add(event_key)
        elif rivals:
            _forget_pushes(tx, commit.store, rivals)
            insert_rows(tx, ingestion_commits, [row], on_conflict="DO NOTHING")
            displaced |= rivals
    return known | (displaced & ours), displaced - ours


def _events_of(tx: Transaction, row: dict[str, str | None]) -> set[str]:
    found = tx.connection.execute(
        text(
            "SELECT event_key FROM ingestion_commits WHERE store = :store "
            "AND ((after_sha = :after_sha AND before_sha = :before_sha) OR delivery_id = :delivery_id)"
        ),
        {name: value and storable(value) for name, value in row.items()},
    )
    return set(found.scalars())


def _forget_pushes(tx: Transaction, store: str, events: Collection[str]) -> None:
    tx.connection.execute(
        text("DELETE FROM ingestion_commits WHERE store = :store AND event_key = ANY(:events)"),
        {"store": storable(store), "events": list(events)},
    )


def record_renames(tx: Transaction, renames: Sequence[Rename]) -> list[Rename]:
    """Record renames.

    Returns:
        Those that were not known.
    """
    new = []
    for rename in renames:
        row = {
            "source": rename.source,
            "old_prefix": rename.old,
            "new_prefix": rename.new,
            "as_of": rename.as_of,
        }
        if insert_rows(tx, source_renames, [row], on_conflict="DO NOTHING", returning="1"):
            new.append(rename)
    return new


def known_renames(tx: Transaction) -> list[Rename]:
    """List all renames of the workspace, the earliest first."""
    rows = tx.connection.execute(
        text("SELECT source, old_prefix, new_prefix, as_of FROM source_renames ORDER BY as_of, old_prefix, new_prefix")
    )
    return [Rename(*row) for row in rows]
