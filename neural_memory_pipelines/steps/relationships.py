"""Turns what documents state into edges between what is known, each with its evidence.

An edge follows from links that hold and handles that are known; here nothing is read out of texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.codeowners import CODEOWNERS_PLACES, Rules
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.ids import DocumentId, WorkspaceId, link_id
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.steps.rows import QUOTE_LIMIT_CHARS, Row
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import graph
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.graph import OwnedDocument, OwnerRules

_EXAMPLES_PER_TYPE = 2


def reconcile_relationships(workspace: WorkspaceId, *, stores: Stores) -> StepReport:
    """Bring edges and their evidence up to date.

    Returns:
        seen = live edges, written = new or changed ones, deleted = edges that no link ever meant, skipped = live links
        whose target is not known (yet); kinds count live edges by type.
    """
    report = StepReport()
    with timed(report), stores.database.lock(workspace, "graph"), stores.database.writing(workspace) as tx:
        graph.replace_links_of_field(tx, graph.CODEOWNERS_FIELD, _ownership(tx))
        graph.resolve_links(tx)
        change = graph.reconcile_edges(tx)
        counts = graph.graph_counts(tx)
        report.kinds = {count.type: count.edges for count in graph.count_edges(tx)}
        for edge in graph.telling_edges(tx, per_type=_EXAMPLES_PER_TYPE):
            report.show({"from": edge.from_name, "edge": edge.type, "to": edge.to_name, "evidence": edge.quote})
    report.seen = counts.live
    report.written = change.new + change.changed
    report.unchanged = max(counts.live - report.written, 0)
    report.deleted = change.deleted
    report.skipped = counts.unresolved_links
    if counts.unresolved_links:
        report.notes.append(f"{counts.unresolved_links:,} links name what is not known (yet): they wait for it")
    if counts.retired:
        report.notes.append(f"{counts.retired:,} edges are retired: no text or field states them any more")
    return report


def _ownership(tx: Transaction) -> list[Row]:
    """Give each document the owners that the CODEOWNERS of its store names for its path, by the line that says so."""
    in_force = {store: _Source.read(tx, rules) for store, rules in _rules_in_force(graph.owner_rules(tx)).items()}
    owned = graph.documents_of_stores(tx, list(in_force))
    # A line may name an owner twice, and a file may have a line twice: it is one link.
    links = {row["link_id"]: row for document in owned for row in in_force[document.store].owners_of(document)}
    return list(links.values())


@dataclass(frozen=True, slots=True)
class _Source:
    """A CODEOWNERS document with the links that its lines became, by their words."""

    document_id: DocumentId
    rules: Rules
    links: Mapping[str, Sequence[Row]]

    @classmethod
    def read(cls, tx: Transaction, found: OwnerRules) -> _Source:
        links: dict[str, list[Row]] = defaultdict(list)
        for link in graph.rule_links(tx, found.document_id):
            links[_words(link["quote"])].append(dict(link))
        return cls(DocumentId(found.document_id), Rules.from_json(found.rules), links)

    def owners_of(self, document: OwnedDocument) -> Iterator[Row]:
        rule = self.rules.rule_of(document.path)
        line = _words(" ".join((rule.pattern, *rule.owners))) if rule else ""
        for row in self.links.get(line, ()):
            yield _owned(self.document_id, document, row)


def _words(line: str) -> str:
    """Spell a line as evidence quotes it: two lines may have one pattern."""
    return " ".join(line[:QUOTE_LIMIT_CHARS].split())


def _rules_in_force(found: Sequence[OwnerRules]) -> dict[str, OwnerRules]:
    """Choose for each store the file that counts: the first of the places where GitHub looks."""
    chosen: dict[str, OwnerRules] = {}
    for rules in sorted(found, key=lambda rules: CODEOWNERS_PLACES.index(rules.path)):
        chosen.setdefault(rules.store, rules)
    return chosen


def _owned(source: DocumentId, owned: OwnedDocument, row: Row) -> Row:
    origin = NodeRef(NodeKind.DOCUMENT, document_handle("docs", f"{owned.store}/{owned.path}"))
    target = NodeRef(NodeKind(row["target_kind"]), row["target_handle"])
    link = LinkDraft(EdgeType.OWNED_BY, target, origin=origin, field=graph.CODEOWNERS_FIELD)
    return {
        **row,
        "link_id": link_id(source, link.content_hash(row["quote"]), 0),
        "document_id": source,
        "type": EdgeType.OWNED_BY,
        "origin_kind": origin.kind,
        "origin_handle": origin.handle,
        "origin_name": "",
        "field": graph.CODEOWNERS_FIELD,
        "until": None,
    }
