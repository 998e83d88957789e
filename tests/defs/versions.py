"""Workspaces with a successor of their version, as the tests of migrations need them."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, Topology, successor
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.propose import begin_build, propose_version
from neural_memory_pipelines.stores.postgres.lifecycles import Standing, standings
from tests.steps.doubles import SpyEmbedder
from tests.steps.pipeline import ingest_folder, run_path
from tests.steps.samples import DECISION, write_docs

PAGES = {
    "ferries.md": f"# How ferries are moored\n\n{DECISION}",
    "lanterns.md": "# Who lights the lanterns\n\nThe harbour master lights all lanterns before the evening tide.\n",
}


def served_workspace(session: Session, workspace: WorkspaceId, folder: Path) -> EmbeddingVersion:
    """Fill a workspace with two pages, indexed at its active version, which is returned."""
    ingest_folder(session, workspace, write_docs(folder, PAGES))
    run_path(session, workspace)
    return session.active_version(workspace)


def propose(session: Session, workspace: WorkspaceId, *, dim: int | None = None) -> EmbeddingVersion:
    """Propose a version that could follow: the same quick model, spread over indexes in another way.

    With a `dim` that the model does not have, it can be proposed, and not be built.
    """
    active = session.active_version(workspace)
    version = successor(active, model=active.model, dim=dim or active.dim, topology=Topology.STORE)
    propose_version(workspace, version, stores=session.stores, decided_by="tester", reason="a trial")
    return version


def build(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> None:
    """Build a proposed version as the assets do, without Dagster."""
    begin_build(workspace, version, stores=session.stores)
    for family in Family:
        scope = Scope(workspace, version, family, session.stores)
        embed_pending(scope, load_embedder=partial(session.embedder, version))
        reconcile_index(scope)


def the_standing(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> Standing:
    """Read where a version stands; the workspace must know it."""
    with session.stores.database.transaction(workspace) as tx:
        (found,) = [known for known in standings(tx) if known.name == version.name]
    return found


def status_of(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> VersionStatus | None:
    """Read the status of a version; None if the workspace does not know it."""
    with session.stores.database.transaction(workspace) as tx:
        return next((known.status for known in standings(tx) if known.name == version.name), None)


class CountingSession(Session):
    """A session that notes which texts are embedded at each version."""

    def __init__(self, working: Session) -> None:
        self.__dict__.update(copy.copy(working.__dict__))
        self.embedded: dict[str, list[str]] = {}

    def embedder(self, version: EmbeddingVersion) -> Embedder:
        return SpyEmbedder(super().embedder(version), embedded=self.embedded.setdefault(version.name, []))
