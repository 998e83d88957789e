"""What embedding, indexing and verifying work on: one workspace, version and family, in some stores.

A value and its names; no work is done here.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.stores.bundle import Stores


@dataclass(frozen=True, slots=True)
class Scope:
    """One workspace, version and family, in these stores."""

    workspace: WorkspaceId
    version: EmbeddingVersion
    family: Family
    stores: Stores

    @property
    def namespace(self) -> str:
        """The namespace in the vector index."""
        return self.version.namespace(self.workspace, self.family)

    @property
    def index(self) -> str:
        """The name of the vector index."""
        return self.version.index_name

    def indexed_ids(self) -> set[str]:
        """The ids that the index holds."""
        return set(self.stores.vectors.list_ids(self.index, self.namespace))
