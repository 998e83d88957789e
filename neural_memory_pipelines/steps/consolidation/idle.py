"""Idle workspaces: whether their indexes still hold what they should. It repairs nothing.

A night compares what changed; where nothing does, this is all that looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity
from neural_memory_pipelines.stores.postgres import families

_HOURS_A_WEEK = 7 * 24
_MOST_BY_ID = 2_000


def of_this_hour(workspaces: Sequence[WorkspaceId], now: datetime) -> list[WorkspaceId]:
    """Choose the workspaces whose hour of the week it is: each has one, spread evenly by their names."""
    hour = now.weekday() * 24 + now.hour
    return [name for name in workspaces if int(hash_text(name)[:8], 16) % _HOURS_A_WEEK == hour]


def index_differs(scope: Scope) -> str | None:
    """Say in a sentence how an index and Postgres differ; None if they do not.

    Small families are compared by id, large ones by count alone: listing the ids of a large one takes minutes at a
    vendor, and what counts do not show is found by the night that follows the next change.
    """
    with scope.stores.database.transaction(scope.workspace) as tx:
        counts = families.family_counts(tx, scope.version, scope.family)
    if counts.missing_texts:
        return f"{scope.family}: {counts.missing_texts} live texts have no embedding"
    indexed = scope.indexed_count()
    if indexed != counts.live_vectors or counts.indexed_vectors != counts.live_vectors:
        return f"{scope.family}: Postgres wants {counts.live_vectors} vectors, the index holds {indexed}"
    if counts.live_vectors > _MOST_BY_ID:
        return None
    verdict = index_parity(scope)
    return None if verdict.passed else f"{scope.family}: {verdict.sentence}"
