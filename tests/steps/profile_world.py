"""Evidence of profiles, written straight into the tables: entities, documents with edges, observations, summaries.

Vectors follow from the texts, so that a test can compute what a profile should be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, ConsolidationSettings
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId, hash_text
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.steps.consolidation.profile import rebuild_profiles
from neural_memory_pipelines.steps.consolidation.profiles_report import ProfilesReport
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.families import store_vectors
from neural_memory_pipelines.stores.postgres.profiles import Profile, profile_of

Vector = npt.NDArray[np.float32]

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NIGHT = datetime(2026, 11, 22, 2, tzinfo=UTC)

_PROFILES = """SELECT entity_id, observation_count, summary_count, descriptors::text, evidence_hash, drift_cosine,
    encode(accepted, 'hex'), accepted_at, accepted_by, last_rebuilt_at FROM memory_profiles"""
_CENTROIDS = """SELECT c.entity_id, c.view, c.content_hash, e.vector, c.updated_at FROM profile_centroids c
    LEFT JOIN embeddings e USING (workspace_id, embedding_version, content_hash)"""
_DRIFTS = "SELECT entity_id, at, drift_cosine, observation_count FROM profile_drifts"
_VECTORS = "SELECT content_hash FROM embeddings"


def vector_of(words: str, dim: int) -> Vector:
    """Give a text its vector: of unit length, and like that of no other text."""
    values = np.random.default_rng(int(hash_text(words)[:12], 16)).standard_normal(dim)
    return (values / np.linalg.norm(values)).astype(np.float32)


@dataclass(frozen=True)
class ProfileWorld:
    """One workspace and what it is told."""

    stores: Stores
    workspace: WorkspaceId
    version: EmbeddingVersion

    def execute(self, query: str, **values: Any) -> list[Any]:
        """Run a statement on the workspace."""
        with self.stores.database.transaction(self.workspace) as tx:
            found = tx.connection.execute(text(query), {"workspace": self.workspace, **values})
            return list(found.all()) if found.returns_rows else []

    def entity(self, name: str, *, kind: str = "person", merged_into: EntityId | None = None) -> EntityId:
        """Tell of an entity."""
        entity = EntityId(f"{self.workspace}:{name}")
        self.execute(
            "INSERT INTO entities (entity_id, workspace_id, kind, key, name, merged_into) VALUES "
            "(:id, :workspace, :kind, :name, :name, :into) ON CONFLICT (entity_id) DO UPDATE "
            "SET merged_into = excluded.merged_into, name = excluded.name",
            id=entity, kind=kind, name=name, into=merged_into,
        )  # fmt: skip
        return entity

    def document(
        self,
        name: str,
        edges: Sequence[tuple[str, EntityId]] = (),
        *,
        kind: str = "issue",
        privacy: str = "org",
        parent: str | None = None,
    ) -> str:
        """Tell of a document that has these edges to entities, and no others."""
        document = f"{self.workspace}:{name}"
        self.execute(
            "INSERT INTO knowledge_documents (document_id, workspace_id, organization_id, source, source_id, type, "
            "title, raw_pointer, content_hash, metadata_json, lineage_json, occurred_at, as_of, as_of_event, "
            "parent_source_id, privacy, version) VALUES (:id, :workspace, 'org', 'github', :name, :kind, :name, '', "
            "'', '{}', '{}', :at, :at, '', :parent, :privacy, 1) ON CONFLICT (document_id) "
            "DO UPDATE SET privacy = excluded.privacy",
            id=document, name=name, kind=kind, at=START, parent=parent, privacy=privacy,
        )  # fmt: skip
        self.execute("DELETE FROM relationships WHERE from_id = :id", id=document)
        for edge, entity in edges:
            self.tie(edge, document, entity, from_kind="document")
        return document

    def tie(self, edge: str, origin: str, target: EntityId, *, from_kind: str = "component") -> str:
        """Tell of an edge to an entity; gives its id."""
        key = f"{edge}:{origin}:{target}"
        self.execute(
            "INSERT INTO relationships (relationship_id, workspace_id, type, from_kind, from_id, to_kind, to_id, "
            "confidence, detected_by, since) VALUES "
            "(:id, :workspace, :edge, :kind, :origin, 'person', :target, 1, 'rule', :at)",
            id=key, edge=edge, kind=from_kind, origin=origin, target=target, at=START,
        )  # fmt: skip
        return key

    def observe(
        self,
        name: str,
        document: str,
        *,
        days: float = 0,
        title: str | None = None,
        summary: str | None = None,
        privacy: str = "org",
        embedded: bool = True,
    ) -> str:
        """Tell of an observation, days after the start; its text is its name."""
        observation = f"{self.workspace}:{name}"
        self.execute(
            "INSERT INTO memory_observations (observation_id, workspace_id, document_id, text, title, summary, "
            "importance, tags, subject_refs, privacy, content_hash, embedding_model, embedding_version, occurred_at) "
            "VALUES (:id, :workspace, :document, :name, :title, :summary, 0.5, '[]', '[]', :privacy, :id, '', '', :at)",
            id=observation, document=document, name=name, title=title, summary=summary, privacy=privacy,
            at=START + timedelta(days=days),
        )  # fmt: skip
        if embedded:
            self.embed(*(words for words in (name, title, summary) if words is not None))
        return observation

    def supersede(self, *observations: str) -> None:
        """Tell that no document says this any more."""
        self.execute(
            "UPDATE memory_observations SET superseded_at = :at WHERE observation_id = ANY(:ids)",
            at=NIGHT, ids=list(observations),
        )  # fmt: skip

    def summarize(self, words: str, *evidence: str, days: float = 0) -> None:
        """Write a summary that cites observations."""
        self.execute(
            "INSERT INTO memory_summaries (summary_id, workspace_id, text, window_json, coverage_json, evidence, "
            "embedding_model, embedding_version, occurred_at) VALUES "
            "(:id, :workspace, :words, '{}', '{}', CAST(:evidence AS jsonb), '', '', :at)",
            id=f"{self.workspace}:{words}", words=words, evidence=json.dumps(evidence), at=START + timedelta(days=days),
        )  # fmt: skip
        self.embed(words)

    def embed(self, *texts: str, version: EmbeddingVersion | None = None) -> None:
        """Give texts their vectors."""
        into = version or self.version
        vectors = np.stack([vector_of(words, into.dim) for words in texts])
        with self.stores.database.transaction(self.workspace) as tx:
            store_vectors(tx, into, hashes=[hash_text(words) for words in texts], vectors=vectors)

    def rebuild(
        self,
        *,
        now: datetime = NIGHT,
        settings: ConsolidationSettings = DEFAULT_CONSOLIDATION,
        version: EmbeddingVersion | None = None,
        stores: Stores | None = None,
    ) -> ProfilesReport:
        """Make the profiles."""
        return rebuild_profiles(
            self.workspace, version or self.version, stores=stores or self.stores, settings=settings, now=now
        )

    def profile(self, entity: EntityId, version: EmbeddingVersion | None = None) -> Profile:
        """Read a profile."""
        with self.stores.database.transaction(self.workspace) as tx:
            return profile_of(tx, version or self.version, entity)

    def centroids(self) -> dict[tuple[str, str], Vector]:
        """Read all centroids of the version by entity and view; none may lack its vector."""
        rows = self.execute(f"{_CENTROIDS} WHERE embedding_version = :version", version=self.version.name)
        return {(row.entity_id, row.view): np.frombuffer(row.vector, dtype="<f4") for row in rows}

    def state(self) -> dict[str, list[tuple[str, ...]]]:
        """Read all that is kept of profiles, and which vectors there are."""
        queries = {"profiles": _PROFILES, "centroids": _CENTROIDS, "drifts": _DRIFTS, "vectors": _VECTORS}
        return {name: sorted(tuple(map(str, row)) for row in self.execute(query)) for name, query in queries.items()}

    def forget_profiles(self) -> None:
        """Delete all profiles with their vectors, as if none had ever been made."""
        self.execute("DELETE FROM embeddings e USING profile_centroids c WHERE c.content_hash = e.content_hash")
        for table in ("profile_centroids", "profile_drifts", "memory_profiles"):
            self.execute(f"DELETE FROM {table}")
