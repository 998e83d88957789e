"""What the assets of consolidation work on: a workspace at a version, with its settings and the time.

What is done with it is decided by the assets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from neural_memory_pipelines.defs.partitions import workspace_version_key, workspace_versions_of
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.summarizers.protocol import Summarizer
from neural_memory_pipelines.steps.consolidation.sentences import sentence_vectors
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.propose import begin_build
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.consolidation_settings import read_settings


@dataclass(frozen=True, slots=True)
class Night:
    """A partition of a run. Topics, summaries and aging are made at the version that is served alone."""

    session: Session
    workspace: WorkspaceId
    version: EmbeddingVersion
    served: str
    settings: ConsolidationSettings
    now: datetime
    run: str

    @property
    def key(self) -> dg.MultiPartitionKey:
        """The partition's key."""
        return workspace_version_key(self.workspace, self.version.name)

    @property
    def is_served(self) -> bool:
        """Whether the workspace is served at this version."""
        return self.version.name == self.served

    @property
    def grace_days(self) -> float:
        """Days for which a version that was replaced is kept."""
        return self.session.settings.archive_grace_days

    @property
    def stores(self) -> Stores:
        """The open stores."""
        return self.session.stores

    def scope(self, family: Family) -> Scope:
        """A family of vectors at this version."""
        return Scope(self.workspace, self.version, family, self.stores)

    def summarizer(self) -> Summarizer:
        """The summarizer that the settings name; its sentences' vectors are of this version."""
        load_embedder = partial(self.session.embedder, self.version)
        return self.session.summarizer(
            sentence_vectors(self.workspace, self.version, stores=self.stores, load_embedder=load_embedder)
        )


def nights_of(context: dg.AssetExecutionContext, memory: MemoryResource) -> Iterator[Night]:
    """Read the partitions of a run.

    Raises:
        PermanentError: a version is archived.
    """
    session = memory.session
    run = context.run.root_run_id or context.run.run_id  # a run that is retried ends the night that it began
    for workspace, version_name in workspace_versions_of(context.partition_keys):
        version = session.version(version_name)
        begin_build(workspace, version, stores=session.stores)
        with session.stores.database.transaction(workspace) as tx:
            settings = read_settings(tx)
        served = session.active_version(workspace).name
        yield Night(session, workspace, version, served, settings, datetime.now(UTC), run)
