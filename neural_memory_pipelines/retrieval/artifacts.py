"""The raw artifacts that something was made from: which they are, and who may read them.

Their bytes are as they were received, before anything was redacted; they are not changed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.retrieval.tracing import TraceNode, trace
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind

_ABOUT_OTHERS = "context"
"""The branch that leads to what holds for many documents, such as the name of a channel."""


@dataclass(frozen=True, slots=True)
class RawArtifact:
    """A raw artifact.

    Attributes:
        key: in the object store.
        document: what it describes, such as "github acme/shop#12"; empty if nothing came of it.
        as_of: since when what it says held, ISO 8601 in UTC; empty if nothing came of it.
        is_withheld: whether only some may read it, or all that it describes was deleted, and that was not asked for.
    """

    key: str
    document: str
    as_of: str
    is_withheld: bool


def raw_artifacts(
    name: str, *, workspace: WorkspaceId, stores: Stores, include_private: bool = False
) -> list[RawArtifact]:
    """List the raw artifacts that something was made from, each once, the one of the latest description first.

    Raises:
        NotFoundError: nothing stands under this name, or no raw artifact is known of it.
        PermanentError: several things stand under it, or only some may read it.
    """
    root = trace(name, workspace=workspace, stores=stores, most=None, include_private=include_private)
    found: dict[str, RawArtifact] = {}
    for node, document, as_of in _raw_nodes(root, document="", as_of=""):
        is_withheld = (node.is_private or node.is_deleted) and not include_private
        known = found.get(node.id)
        if known is None or known.as_of < as_of:
            found[node.id] = RawArtifact(node.id, document, as_of, is_withheld)
    if not found:
        raise NotFoundError(f"no raw artifact is known of {root.kind} {root.id}")
    return sorted(found.values(), key=lambda item: (item.as_of, item.key), reverse=True)


def _raw_nodes(node: TraceNode, *, document: str, as_of: str) -> Iterator[tuple[TraceNode, str, str]]:
    if node.kind is Kind.RAW:
        yield node, document, as_of
    elif node.kind is Kind.DOCUMENT:
        document = node.name
    elif node.kind is Kind.DESCRIPTION:
        as_of = str(node.facts["as_of"])
    for branch in node.branches:
        if branch.name != _ABOUT_OTHERS:
            for child in branch.nodes:
                yield from _raw_nodes(child, document=document, as_of=as_of)
