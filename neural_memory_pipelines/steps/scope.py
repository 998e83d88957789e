"""What embedding, indexing and verifying work on: one workspace, version and family, in some stores.

A value, and where its vectors lie; no work is done here.
"""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import refuse_archived
from neural_memory_pipelines.domain.placement import Place, place_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import lifecycles, places
from neural_memory_pipelines.stores.postgres.engine import Transaction


@dataclass(frozen=True, slots=True)
class Scope:
    """One workspace, version and family, in these stores."""

    workspace: WorkspaceId
    version: EmbeddingVersion
    family: Family
    stores: Stores

    def places(self) -> list[Place]:
        """Where vectors lie by now; what is read there from here on shows what other processes wrote."""
        with self.stores.database.transaction(self.workspace) as tx:
            found = places.places(tx, self.version, [self.family])
            written = places.written_lately(tx, self.version, self.family)
        for place, position in written.items():
            self.stores.vectors.expect(place.index, place.namespace, position)
        return found

    def ensure_place(self, store: str) -> Place:
        """Find where the vectors of a docs store lie; a new place is recorded, and its index made, before use."""
        named = place_of(
            self.workspace, store, version=self.version, family=self.family, environment=self.stores.environment
        )
        with self.stores.database.transaction(self.workspace) as tx:
            place = places.register_place(tx, self.version, self.family, store=store, place=named)
            places.note_indexes_of_stores(tx, self.version)
        self.stores.vectors.ensure_index(place.index, dim=self.version.dim)
        return place

    def refuse_archived(self, tx: Transaction) -> None:
        """Stop work on a version that was archived, perhaps a moment ago.

        Raises:
            PermanentError: it is; says what to do.
        """
        standing = lifecycles.standing(tx, self.version.name)
        if standing is not None:
            refuse_archived(self.version.name, standing.status, self.workspace)

    def indexed_ids(self) -> set[str]:
        """The ids that the index holds."""
        vectors = self.stores.vectors
        return {key for place in self.places() for key in vectors.list_ids(place.index, place.namespace)}

    def indexed_count(self) -> int:
        """How many vectors the index holds."""
        return sum(self.stores.vectors.count(place.index, place.namespace) for place in self.places())
