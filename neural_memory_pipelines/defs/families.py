"""The families of vectors that the graph shows: one row each, from which their assets and checks are made.

How vectors are made and placed is decided in `steps/`.
"""

from dataclasses import dataclass

from neural_memory_pipelines.domain.versions import Family


@dataclass(frozen=True, slots=True)
class FamilyAssets:
    """The names of a family's assets.

    Attributes:
        family: the family; its rows are those of the asset that is named as it is.
        embeddings: the asset that makes its vectors: out of texts, or, for profiles, out of other vectors.
        index: the asset that brings them into the index.
    """

    family: Family
    embeddings: str
    index: str

    @property
    def rows(self) -> str:
        """The asset whose rows are embedded."""
        return str(self.family)

    @property
    def has_texts(self) -> bool:
        """Whether its vectors are made out of texts."""
        return self.embeddings != self.rows


FAMILY_ASSETS = (
    FamilyAssets(Family.CHUNKS, "chunk_embeddings", "chunk_index"),
    FamilyAssets(Family.OBSERVATIONS, "observation_embeddings", "observation_index"),
    FamilyAssets(Family.SUMMARIES, "summary_embeddings", "summary_index"),
    FamilyAssets(Family.PROFILES, "profiles", "profile_index"),
)
