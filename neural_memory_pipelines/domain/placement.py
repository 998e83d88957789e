"""Where vectors lie: the names of indexes and namespaces, from what they hold.

Names are functions of their parts, and two different sets of parts never share a name. No index is known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, Topology

DEFAULT_STORE = "activity"
"""The store of all that is no document of a docs store: what people did in their tools."""

_INDEX_NAME_LIMIT_CHARS = 45
_NAMESPACE_PART_LIMIT_CHARS = 120  # four of them stay below the 512 of a namespace
_HASH_CHARS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of an index."""

    index: str
    namespace: str


def place_of(
    workspace: WorkspaceId, store: str, *, version: EmbeddingVersion, family: Family, environment: str = ""
) -> Place:
    """Name where the vectors of a family lie.

    Topology `shared`: one index per environment, model and dimension, with a namespace per workspace, store, family and
    version. Topology `store`: one index per workspace, store and dimension, with a namespace per family and version.

    Args:
        workspace: whose vectors.
        store: the docs store of the documents, or `DEFAULT_STORE`.
        version: the embedding version.
        family: what the vectors stand for.
        environment: keeps deployments apart that share an account, such as staging.
    """
    if version.topology is Topology.STORE:
        index = _index_of_store(*_only(environment), "ws", workspace, "store", store, str(version.dim))
        return Place(index, f"{family}__{version.name}")
    index = "-".join(("neural-memory", *_only(environment), version.slug, str(version.dim)))
    if len(index) > _INDEX_NAME_LIMIT_CHARS:
        index = _hashed(index, index)
    namespace = f"ws_{_legal_part(workspace)}__store_{_legal_part(store)}__{family}__{version.name}"
    return Place(index, namespace)


def _only(environment: str) -> tuple[str, ...]:
    return (environment,) if environment else ()


def _index_of_store(*parts: str) -> str:
    """Spell 1-45 characters of a-z, 0-9 and hyphen: readable, with a hash wherever that alone could collide.

    Source: https://docs.pinecone.io/reference/api/database-limits
    """
    plain = "-".join(parts)
    # A hyphen inside a part reads like one between parts, so only parts without any stand for themselves.
    if (
        re.fullmatch(r"[a-z0-9-]+", plain)
        and plain.count("-") == len(parts) - 1
        and len(plain) <= _INDEX_NAME_LIMIT_CHARS
    ):
        return plain
    return _hashed(re.sub(r"[^a-z0-9]+", "-", plain.lower()), "\0".join(parts))


def _hashed(readable: str, whole: str) -> str:
    kept = readable.strip("-")[: _INDEX_NAME_LIMIT_CHARS - _HASH_CHARS - 1].rstrip("-")
    return f"{kept}-{hash_text(whole)[:_HASH_CHARS]}"


def _legal_part(part: str) -> str:
    """Spell letters, digits, dots, hyphens and single underscores, with a hash where characters were replaced or cut.

    A namespace is also the name of a folder in a bulk import, so it has no slash; two underscores part its parts.
    """
    name = re.sub(r"_{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+", "-", part)).strip("_")[:_NAMESPACE_PART_LIMIT_CHARS]
    return name if name == part and not name.endswith("_") else f"{name}~{hash_text(part)[:_HASH_CHARS]}"
