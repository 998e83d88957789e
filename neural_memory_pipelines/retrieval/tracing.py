"""Provenance as a tree: what something was made from, down to raw artifacts, or what was made from it.

It reads and never writes; which edges there are is known to `stores/postgres/tracing/`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from neural_memory_pipelines.domain.ids import Json, WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tracing.edges import Edge, follow
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Links, NodeRow, Target
from neural_memory_pipelines.stores.postgres.tracing.made_from import MADE_FROM
from neural_memory_pipelines.stores.postgres.tracing.made_into import MADE_INTO
from neural_memory_pipelines.stores.postgres.tracing.names import find_target
from neural_memory_pipelines.stores.postgres.tracing.nodes import read_nodes

SHOWN_OF_EACH = 5
"""How many things of a branch are shown unless all are asked for."""


@dataclass(frozen=True, slots=True)
class TraceNode:
    """A thing in the tree.

    Attributes:
        kind: such as "observation".
        id: what people call it by.
        name: where it is from, such as "github acme/shop#12"; may be empty.
        words: its title or first words; empty if there are none, or if its source deleted them.
        number: of a citation, [1] being the first; else None.
        is_private: whether only some may read it.
        is_deleted: whether its source deleted what it says.
        is_gone: whether nothing is there any more under this id.
        is_repeated: whether its branches are shown where it stands first.
        facts: what else is known of it, times as ISO 8601 in UTC.
        branches: where it leads.
    """

    kind: Kind
    id: str
    name: str = ""
    words: str = ""
    number: int | None = None
    is_private: bool = False
    is_deleted: bool = False
    is_gone: bool = False
    is_repeated: bool = False
    facts: Mapping[str, Json] = field(default_factory=dict)
    branches: tuple[TraceBranch, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceBranch:
    """Where a thing leads by one edge: what is shown, how many more there are, and how many only some may read."""

    name: str
    nodes: tuple[TraceNode, ...]
    more: int
    hidden: int


def trace(
    name: str,
    *,
    workspace: WorkspaceId,
    stores: Stores,
    used_by: bool = False,
    most: int | None = SHOWN_OF_EACH,
    include_private: bool = False,
) -> TraceNode:
    """Trace something down to what it was made from, or with `used_by` up to what was made from it.

    Args:
        name: an id or what else stands for something, see `find_targets`.
        workspace: whose memory; what other workspaces have is not found.
        stores: where to look.
        used_by: up instead of down.
        most: most things of each branch; None: all.
        include_private: also what only some may read, and the words of what was deleted.

    Raises:
        NotFoundError: nothing stands under this name.
        PermanentError: several things do, or only some may read it.
    """
    with stores.database.transaction(workspace) as tx:
        target = find_target(tx, name)
        graph = _Graph(tx, MADE_INTO if used_by else MADE_FROM, most=most, include_private=include_private)
        graph.explore(target)
    return graph.tree(target)


class _Graph:
    """What can be reached from something: things once each, read level by level, with one query an edge and level."""

    def __init__(
        self, tx: Transaction, edges: Mapping[Kind, tuple[Edge, ...]], *, most: int | None, include_private: bool
    ) -> None:
        self._tx = tx
        self._edges = edges
        self._most = most
        self._include_private = include_private
        self._rows: dict[Target, NodeRow] = {}
        self._links: dict[Target, list[tuple[Edge, Links]]] = {}

    def explore(self, root: Target) -> None:
        """Read a thing and all that it leads to.

        Raises:
            PermanentError: only some may read it.
        """
        self._read({root})
        row = self._rows.get(root)
        # Of a raw artifact this shows where it is: who may read its bytes is asked when they are read.
        if row is not None and row.is_private and root.kind is not Kind.RAW and not self._include_private:
            raise PermanentError(f"only some may read {root.kind} {row.id}: ask for it with --private if you may")
        level = {root}
        while level:
            level = self._follow(level)

    def tree(self, root: Target) -> TraceNode:
        """Lay out what was read; each thing has its branches where it stands first."""
        return self._node(root, is_followed=True, above=set())

    def _follow(self, level: Collection[Target]) -> set[Target]:
        reached: set[Target] = set()
        seen: set[Target] = set()
        by_kind: dict[Kind, list[str]] = defaultdict(list)
        for target in level:
            self._links[target] = []
            by_kind[target.kind].append(target.key)
        for kind, keys in by_kind.items():
            for edge in self._edges.get(kind, ()):
                found = follow(self._tx, edge, keys, most=self._most, include_private=self._include_private)
                for parent, links in found.items():
                    self._links[Target(kind, parent)].append((edge, links))
                    targets = {Target(edge.to, key) for key in links.keys}
                    seen |= targets
                    reached |= targets if edge.is_followed else set()
        self._read(seen - self._rows.keys())
        return reached - self._links.keys()

    def _read(self, targets: Collection[Target]) -> None:
        by_kind: dict[Kind, list[str]] = defaultdict(list)
        for target in targets:
            by_kind[target.kind].append(target.key)
        for kind, keys in by_kind.items():
            rows = read_nodes(self._tx, kind, keys)
            self._rows.update({Target(kind, key): row for key, row in rows.items()})

    def _node(self, target: Target, *, is_followed: bool, above: set[Target]) -> TraceNode:
        row = self._rows.get(target)
        if row is None:
            return TraceNode(target.kind, target.key, is_gone=True)
        links = self._links.get(target, []) if is_followed else []
        is_withheld = row.is_deleted and not self._include_private
        is_repeated = target in above and bool(links)
        if is_followed:
            above.add(target)
        return TraceNode(
            kind=target.kind,
            id=row.id,
            name="" if is_withheld and target.kind is Kind.CHUNK else row.name,  # its heading, which was deleted too
            words="" if is_withheld else row.words,
            is_private=row.is_private,
            is_deleted=row.is_deleted,
            is_repeated=is_repeated,
            facts=row.facts,
            branches=() if is_repeated else tuple(self._branch(edge, found, above) for edge, found in links),
        )

    def _branch(self, edge: Edge, links: Links, above: set[Target]) -> TraceBranch:
        nodes = tuple(
            replace(
                self._node(Target(edge.to, key), is_followed=edge.is_followed, above=above),
                number=int(position) if edge.is_numbered else None,
            )
            for key, position in zip(links.keys, links.positions, strict=True)
        )
        return TraceBranch(edge.name, nodes, more=links.total - len(nodes), hidden=links.hidden)
