"""Forgets documents that are to be told anew: what names them has changed, or an event says no more what it said.

A document that lost a description is a function of the others, so all of these are read again; nothing lingers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from neural_memory_pipelines.domain.documents import Rename
from neural_memory_pipelines.domain.ids import DocumentId
from neural_memory_pipelines.domain.renames import later_names
from neural_memory_pipelines.steps.described import stored_id
from neural_memory_pipelines.stores.postgres import documents, parts, versions
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.versions import Statement


def forget_renamed(tx: Transaction, rename: Rename, renames: Sequence[Rename]) -> set[str]:
    """Forget the documents that a rename may give another name; `renames` are all that are known.

    Returns:
        The events to be read again.
    """
    return _forget(tx, documents.documents_named(tx, rename.source, later_names(rename, renames)))


def forget_unsaid(tx: Transaction, again: Collection[str], stated: Sequence[Statement]) -> set[str]:
    """Forget the documents of which events said something that they say no more, or of another time.

    Args:
        tx: the workspace's transaction.
        again: the keys of events that were read before and are read again now.
        stated: what they state now.

    Returns:
        The events to be read again.
    """
    if not again:
        return set()
    unsaid = set(versions.statements_of(tx, again)) - set(stated)
    return _forget(tx, sorted({statement.document_id for statement in unsaid}))


def _forget(tx: Transaction, ids: Sequence[DocumentId]) -> set[str]:
    if not ids:
        return set()
    # What went with them may have no reason to be gone.
    events = {row.as_of_event for row in documents.hidden_children(tx, ids)}
    described = versions.forget_histories(tx, ids)
    parted = [
        (source, source_id)
        for source, source_id in parts.documents_told_by(tx, described)
        if stored_id(tx.workspace_id, source, source_id) in set(ids)
    ]
    for source, source_id in parted:
        events |= set(parts.events_in_contexts(tx, source, [source_id]).values())
    parts.forget_parts(tx, parted)
    documents.drop_documents(tx, ids)
    return events | described
