"""A small graph, written straight into the tables: documents, entities, edges with what states them, mentions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.retrieval.graph_bias import Bias, Seed, graph_bias, neighbours
from neural_memory_pipelines.stores.bundle import Stores
from tests.steps.profile_world import START


@dataclass(frozen=True)
class GraphWorld:
    """One workspace and what it is told. Ids are the workspace and the name."""

    stores: Stores
    workspace: WorkspaceId
    kinds: dict[str, str] = field(default_factory=dict)

    def execute(self, query: str, **values: Any) -> None:
        """Run a statement on the workspace."""
        with self.stores.database.transaction(self.workspace) as tx:
            tx.connection.execute(text(query), {"workspace": self.workspace, "at": START, **values})

    def id(self, name: str) -> str:
        """Give the id of a document or an entity."""
        return f"{self.workspace}:{name}"

    def names(self, ids: Any) -> list[str]:
        """Give the names of ids, in their order."""
        return [item.partition(":")[2] for item in ids]

    def documents(self, *names: str, privacy: str = "org", deleted: bool = False, at: datetime = START) -> None:
        """Tell of documents; the title of each is its name in capitals."""
        for name in names:
            self.execute(
                "INSERT INTO knowledge_documents (document_id, workspace_id, organization_id, source, source_id, type, "
                "title, raw_pointer, content_hash, metadata_json, lineage_json, occurred_at, as_of, as_of_event, "
                "privacy, version, deleted_at) VALUES (:id, :workspace, 'org', 'github', :name, 'issue', upper(:name), "
                "'', '', '{}', '{}', :occurred, :at, '', :privacy, 1, CASE WHEN :deleted THEN :at END)",
                id=self.id(name), name=name, occurred=at, privacy=privacy, deleted=deleted,
            )  # fmt: skip

    def entities(self, *names: str, kind: str = "person") -> None:
        """Tell of entities."""
        for name in names:
            self.kinds[name] = kind
            self.execute(
                "INSERT INTO entities (entity_id, workspace_id, kind, key, name) "
                "VALUES (:id, :workspace, :kind, :name, initcap(:name))",
                id=self.id(name), kind=kind, name=name,
            )  # fmt: skip

    def edge(
        self,
        kind: str,
        origin: str,
        target: str,
        *,
        stated_in: tuple[str, ...] | None = None,
        quote: str = "",
        confidence: float = 1.0,
        target_kind: str = "document",
        retired: bool = False,
    ) -> str:
        """Tell of an edge from a document, stated by `stated_in` (its origin alone if None); gives its id."""
        edge = f"{kind}:{self.id(origin)}:{target}"
        self.execute(
            "INSERT INTO relationships (relationship_id, workspace_id, type, from_kind, from_id, to_kind, to_id, "
            "confidence, detected_by, since, until) VALUES (:id, :workspace, :type, 'document', :origin, :kind, "
            ":target, :confidence, 'rule', :at, CASE WHEN :retired THEN :at END)",
            id=edge, type=kind, origin=self.id(origin), kind=target_kind, target=self.id(target),
            confidence=confidence, retired=retired,
        )  # fmt: skip
        for number, document in enumerate((origin,) if stated_in is None else stated_in):
            self.execute(
                "INSERT INTO relationship_evidence (workspace_id, relationship_id, link_id, document_id, start_char, "
                "end_char, quote, field, weight, since) VALUES (:workspace, :edge, :link, :document, 0, 0, :quote, "
                ":field, :weight, :at)",
                edge=edge, link=f"{edge}:{number}", document=self.id(document), quote=quote,
                field="" if quote else "parent", weight=confidence - number / 10,
            )  # fmt: skip
        return edge

    def mention(self, origin: str, target: str, quote: str) -> None:
        """Tell that a document mentions a person."""
        link = f"link:{self.id(origin)}:{target}"
        self.execute(
            "INSERT INTO document_links (link_id, workspace_id, document_id, type, field, quote, start_char, end_char, "
            "confidence, since, to_kind, to_id) VALUES (:link, :workspace, :document, 'MENTIONS', '', :quote, 0, 0, 1, "
            ":at, 'person', :entity)",
            link=link, document=self.id(origin), quote=quote, entity=self.id(target),
        )  # fmt: skip
        self.execute(
            "INSERT INTO document_entities (workspace_id, document_id, entity_id, role, link_id) "
            "VALUES (:workspace, :document, :entity, 'mention', :link)",
            link=link, document=self.id(origin), entity=self.id(target),
        )  # fmt: skip

    def bias(self, seeds: dict[str, float], documents: list[str], *, include_private: bool = False) -> dict[str, Bias]:
        """Ask how near documents are to seeds, by their names."""
        given = [Seed(self.kinds.get(name, "document"), self.id(name), weight) for name, weight in seeds.items()]
        with self.stores.database.transaction(self.workspace) as tx:
            found = graph_bias(tx, given, [self.id(name) for name in documents], include_private=include_private)
        return {document.partition(":")[2]: bias for document, bias in found.items()}

    def neighbours(self, *seeds: str, limit: int = 10, include_private: bool = False) -> list[str]:
        """Ask for the neighbours of seeds, by their names."""
        given = [Seed("document", self.id(name)) for name in seeds]
        with self.stores.database.transaction(self.workspace) as tx:
            return self.names(neighbours(tx, given, limit=limit, include_private=include_private))
