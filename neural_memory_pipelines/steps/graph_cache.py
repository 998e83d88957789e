"""Primes the cache with the neighbours of every node. The cache may be emptied or away: all works without it."""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.steps.cache_generation import warm_generation
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import graph_caches
from neural_memory_pipelines.stores.postgres.graph_caches import Neighbours, NodeKey

NEIGHBOURS_TTL_SECONDS = 24 * 60 * 60

_NODES_PER_BATCH = 500


def neighbours_key(workspace: WorkspaceId, direction: str, kind: str, node_id: str) -> str:
    """Name the cached neighbours of a node; `direction` is out or in."""
    return f"graph:{direction}:{workspace}:{kind}:{node_id}"


def prime_graph_cache(workspace: WorkspaceId, *, stores: Stores, on_progress: Progress = no_progress) -> StepReport:
    """Prime the neighbours that changed since the last time, or all of them if the cache was emptied.

    Returns:
        seen = nodes with neighbours (each direction counts), written = primed, deleted = removed; `notes` says so if
        the cache does not answer, in which case it stays cold and nothing else suffers.
    """
    report = StepReport()
    with timed(report), stores.database.lock(workspace, "graph-cache"):
        with stores.database.transaction(workspace) as tx:
            report.seen = graph_caches.count_nodes(tx)
        try:
            token = warm_generation(workspace, stores=stores)
            with stores.database.transaction(workspace) as tx:
                for pending in graph_caches.pending_neighbours(tx, token, batch=_NODES_PER_BATCH):
                    _prime(workspace, token, pending, stores=stores, report=report)
                    on_progress(len(pending))
            with stores.database.transaction(workspace) as tx:
                for lonely in graph_caches.lonely_nodes(tx, batch=_NODES_PER_BATCH):
                    _evict(workspace, lonely, stores=stores)
                    report.deleted += len(lonely)
        except TransientError as error:
            report.notes.append(f"caches are cold: {error}")
        else:
            report.unchanged = report.seen - report.written
    return report


def _prime(
    workspace: WorkspaceId, token: str, pending: Sequence[Neighbours], *, stores: Stores, report: StepReport
) -> None:
    with stores.database.transaction(workspace) as tx:
        graph_caches.record_neighbours(tx, "", pending)
    values = {neighbours_key(workspace, n.direction, n.node_kind, n.node_id): n.neighbours for n in pending}
    stores.cache.set_many(values, ttl_seconds=NEIGHBOURS_TTL_SECONDS)
    with stores.database.transaction(workspace) as tx:
        graph_caches.record_neighbours(tx, token, pending)
    report.written += len(pending)
    report.show({"key": next(iter(values)), "characters": len(next(iter(values.values())))})


def _evict(workspace: WorkspaceId, lonely: Sequence[NodeKey], *, stores: Stores) -> None:
    stores.cache.delete_many([neighbours_key(workspace, n.direction, n.node_kind, n.node_id) for n in lonely])
    with stores.database.transaction(workspace) as tx:
        graph_caches.forget_nodes(tx, lonely)
