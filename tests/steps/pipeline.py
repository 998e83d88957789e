"""The whole path as tests run it: without Dagster, on the stores of the session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.graph_cache import prime_graph_cache
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.persist import PersistReport, persist_pending
from neural_memory_pipelines.steps.prime import prime_cache
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.steps.scope import Scope

FILLED = (Family.CHUNKS, Family.OBSERVATIONS)
"""The families that ingestion fills."""


@dataclass(frozen=True, slots=True)
class PathReport:
    """What each step of one run said."""

    received: StepReport
    persisted: PersistReport
    embedded: dict[Family, StepReport]
    indexed: dict[Family, StepReport]
    primed: StepReport
    graph: tuple[StepReport, ...]

    @property
    def work(self) -> int:
        """How much was written, embedded, upserted or deleted in all."""
        parts = [
            self.persisted.documents,
            self.persisted.chunks,
            self.persisted.observations,
            *self.embedded.values(),
            *self.indexed.values(),
            self.primed,
            *self.graph,
        ]
        return sum(part.written + part.deleted for part in parts)


def run_path(session: Session, workspace: WorkspaceId, *, embedder: Embedder | None = None) -> PathReport:
    """Run every step on a workspace, in order."""
    stores = session.stores
    received = receive_events(
        workspace, stores=stores, new_workspace_version=session.new_workspace_version, organization_id="org"
    )
    version = session.active_version(workspace)

    def load() -> Embedder:
        return embedder or session.embedder(version)

    persisted = persist_pending(workspace, stores=stores, version=version, load_embedder=load)
    return PathReport(
        received=received,
        persisted=persisted,
        graph=(
            resolve_entities(workspace, stores=stores),
            reconcile_relationships(workspace, stores=stores),
            prime_graph_cache(workspace, stores=stores),
        ),
        embedded={
            family: embed_pending(Scope(workspace, version, family, stores), load_embedder=load) for family in FILLED
        },
        indexed={family: reconcile_index(Scope(workspace, version, family, stores)) for family in FILLED},
        primed=prime_cache(workspace, stores=stores),
    )


def ingest_folder(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    """Put a folder into the inbox."""
    ingest_docs(folder, workspace=workspace, organization_id="org", objects=session.stores.objects)
