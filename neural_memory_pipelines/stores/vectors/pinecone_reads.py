"""How reads are spelled for Pinecone: filters, pages of ids, and answers read back.

What is read, and when it is fresh enough, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from pinecone.models.vectors.responses import QueryResponse

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue, VectorHit

TOP_K_LIMIT = 10_000
"""Most hits of a query. Source: docs.pinecone.io/reference/api/database-limits/operation-limits"""

SURE_TOP_K = 2_000
"""Hits that fit the 4 MB of an answer (same page) even if every id and metadata is as long as we allow."""

_FETCH_IDS = 100  # an answer holds the values too: 3 MB for 1,536 dimensions; the vendor's limit is 1,000
_FETCH_URL_BYTES = 6_000  # ids travel in the URL, which servers and proxies commonly cut off at 8 KB


def spell_filter(where: Mapping[str, MetadataValue]) -> dict[str, Any] | None:
    """Write a filter in Pinecone's language, in which `$eq` on a list means that it holds the value.

    A list of one text therefore also matches that text alone, which other indexes tell apart.

    Source: docs.pinecone.io/guides/search/filter-by-metadata
    """
    conditions = [
        {key: {"$eq": wanted}}
        for key, value in where.items()
        for wanted in (value if isinstance(value, list) else [value])
    ]
    return {"$and": conditions} if conditions else None


def pages_of_ids(ids: Sequence[str], *, namespace: str) -> Iterator[list[str]]:
    """Cut ids into pages whose URLs are short enough, each id once."""
    room_bytes = _FETCH_URL_BYTES - len(quote_plus(namespace))
    page: list[str] = []
    used_bytes = 0
    for vector_id in dict.fromkeys(ids):
        size_bytes = len(quote_plus(vector_id)) + len("&ids=")
        if page and (used_bytes + size_bytes > room_bytes or len(page) == _FETCH_IDS):
            yield page
            page, used_bytes = [], 0
        page.append(vector_id)
        used_bytes += size_bytes
    if page:
        yield page


def read_hits(
    answer: QueryResponse, *, metadata: Mapping[str, Mapping[str, MetadataValue]] | None = None
) -> list[VectorHit]:
    """Read the answer to a query, best first, equal ones in the order of their ids.

    Args:
        answer: of the SDK.
        metadata: by id, if the answer is without; a hit that it does not know was deleted meanwhile, and is left out.

    Raises:
        ContractError: a hit has no score.
    """
    hits = []
    for match in answer.matches:
        if match.score is None:
            raise ContractError(f"Pinecone found {match.id!r} and did not say how near it is")
        if metadata is None:
            hits.append(VectorHit(id=match.id, score=match.score, metadata=match.metadata or {}))
        elif match.id in metadata:
            hits.append(VectorHit(id=match.id, score=match.score, metadata=metadata[match.id]))
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))
