"""Documents of those whom a question sounds like: the entities with the nearest profiles.

It gives a number for each document; what the number weighs is decided in `search.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.placement import Place
from neural_memory_pipelines.domain.ranking import standing_out
from neural_memory_pipelines.retrieval.meaning import query_place
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.ranking_signals import involved_entities
from neural_memory_pipelines.stores.vectors.protocol import VectorHit, VectorIndex

# The nearest, and enough others to tell what is usual.
_COMPARED = 100


@dataclass(frozen=True, slots=True)
class NearEntity:
    """An entity whose profile stands out as near a question: how far, 0..1, and its cosine, -1..1."""

    entity_id: str
    value: float
    cosine: float


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """The nearest entity that a document has to do with; `value` is 0..1, and the cosine that of its profile."""

    value: float
    name: str
    cosine: float


def near_entities(
    vectors: VectorIndex, searched: Sequence[Place], *, query_vector: npt.NDArray[np.float32], include_private: bool
) -> list[NearEntity]:
    """Find the entities whose profiles stand out as near a question, the nearest first; often none does.

    Args:
        vectors: the index of the profiles.
        searched: where the profiles of a version lie: `places(tx, version, [Family.PROFILES])`.
        query_vector: of the question, shape (dim,), unit length, of that version.
        include_private: also profiles made from what only some may read.
    """
    where = {"view": "body"} if include_private else {"view": "body", "privacy": str(Privacy.ORG)}
    found: list[VectorHit] = []
    for place in searched:
        found += query_place(vectors, place, query_vector, top_k=_COMPARED, where=where)
    found = sorted(found, key=lambda hit: (-hit.score, hit.id))[:_COMPARED]
    values = standing_out([hit.score for hit in found])
    return [
        NearEntity(hit.id.rpartition(":")[0], value, hit.score)
        for hit, value in zip(found, values, strict=True)
        if value > 0
    ]


def profile_similarity(
    tx: Transaction, near: Sequence[NearEntity], documents: Sequence[str]
) -> dict[str, ProfileMatch]:
    """Match documents with the near entities that they have to do with; those that have with none are missing."""
    if not near:
        return {}
    by_id = {entity.entity_id: entity for entity in near}
    matches: dict[str, ProfileMatch] = {}
    for involved in involved_entities(tx, documents, list(by_id)):
        entity = by_id[involved.entity_id]
        known = matches.get(involved.document_id)
        if known is None or entity.value > known.value:
            matches[involved.document_id] = ProfileMatch(entity.value, involved.name, entity.cosine)
    return matches
