"""The families of vectors that the graph shows: one row each, from which their assets and checks are made.

A family whose rows no asset writes yet has none. How vectors are made and placed is decided in `steps/`.
"""

from dataclasses import dataclass

from neural_memory_pipelines.domain.versions import Family


@dataclass(frozen=True, slots=True)
class FamilyAssets:
    """The names of a family's assets. Its rows are those of the asset that is named as the family is."""

    family: Family
    embeddings: str
    index: str

    @property
    def rows(self) -> str:
        """The asset whose rows are embedded."""
        return str(self.family)


FAMILY_ASSETS = (
    FamilyAssets(Family.CHUNKS, "chunk_embeddings", "chunk_index"),
    FamilyAssets(Family.OBSERVATIONS, "observation_embeddings", "observation_index"),
)
