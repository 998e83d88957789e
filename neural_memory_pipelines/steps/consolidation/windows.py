"""Groups what each entity had to do with by time windows: clusters that no vector decides.

Which windows there are is decided in `domain/consolidation.py`; topics are found in `cluster.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings, Observed, Window, entity_windows
from neural_memory_pipelines.domain.ids import ClusterId, EntityId, WorkspaceId, cluster_id, hash_json
from neural_memory_pipelines.steps.consolidation.topic_labels import TEXTS_READ, keywords_in
from neural_memory_pipelines.stores.postgres import clusters
from neural_memory_pipelines.stores.postgres.bulk import Row
from neural_memory_pipelines.stores.postgres.clusters import ENTITY, Membership
from neural_memory_pipelines.stores.postgres.engine import Transaction

_WINDOWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WindowChanges:
    """What became of entities' windows: how many there are, were written, and are gone."""

    seen: int
    written: int
    deleted: int


@dataclass(frozen=True, slots=True)
class _Desired:
    cluster: ClusterId
    entity: EntityId
    window: Window
    observed: tuple[Observed, ...]

    @property
    def membership_hash(self) -> str:
        return hash_json(sorted(self.window.members))


def group_by_entity(
    tx: Transaction, workspace: WorkspaceId, *, settings: ConsolidationSettings, version_name: str, now: datetime
) -> WindowChanges:
    """Bring the windows of all entities up to date; those whose members are the same are left alone."""
    desired = {item.cluster: item for item in _desired(tx, workspace, settings)}
    known = {row.cluster_id: row.membership_hash for row in clusters.living_clusters(tx, ENTITY)}
    changed = [item for item in desired.values() if known.get(item.cluster) != item.membership_hash]
    gone = sorted(known.keys() - desired.keys())
    names = clusters.entity_names(tx) if changed else {}
    for start in range(0, len(changed), _WINDOWS_AT_ONCE):
        part = changed[start : start + _WINDOWS_AT_ONCE]
        keywords = keywords_in(tx, [item.window.members[-TEXTS_READ:] for item in part])
        clusters.write_clusters(
            tx,
            [
                _row(item, names[item.entity], words, version_name=version_name, now=now)
                for item, words in zip(part, keywords, strict=True)
            ],
        )
        clusters.replace_members(tx, {item.cluster: _members(item) for item in part}, at=now)
    clusters.bury_clusters(tx, gone, at=now)
    return WindowChanges(len(desired), len(changed), len(gone))


def _desired(tx: Transaction, workspace: WorkspaceId, settings: ConsolidationSettings) -> Iterator[_Desired]:
    for entity, observed in clusters.observed_by_entity(tx).items():
        by_id = {item.observation_id: item for item in observed}
        for window in entity_windows(observed, settings):
            days = str((window.end - window.start).days)
            yield _Desired(
                cluster_id(workspace, ENTITY, entity, window.start.isoformat(), days),
                entity,
                window,
                tuple(by_id[key] for key in window.members),
            )


def _members(item: _Desired) -> list[Membership]:
    return [Membership(item.cluster, key, None) for key in item.window.members]


def _row(item: _Desired, name: str, keywords: Sequence[str], *, version_name: str, now: datetime) -> Row:
    window = item.window
    return {
        "cluster_id": item.cluster,
        "kind": ENTITY,
        "entity_id": item.entity,
        "window_start": window.start,
        "window_end": window.end,
        "embedding_version": version_name,
        "label": f"{name}, {_days(window)}",
        "keywords": list(keywords),
        "size": len(window.members),
        "membership_hash": item.membership_hash,
        "vector_sum": None,
        "threshold_cosine": None,
        "first_at": item.observed[0].occurred_at,
        "last_at": item.observed[-1].occurred_at,
        "born_at": now,
        "changed_at": now,
        "died_at": None,
    }


def _days(window: Window) -> str:
    last = window.end - timedelta(days=1)
    return f"{window.start.day} {window.start:%b} to {last.day} {last:%b %Y}"
