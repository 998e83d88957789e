"""Workspaces whose observations speak of a few themes, written straight into the tables with vectors that follow.

A vector is that of the theme and something of its own, so that a test knows what belongs together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, ConsolidationSettings
from neural_memory_pipelines.domain.ids import hash_text
from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.summarizers.extractive import ExtractiveSummarizer
from neural_memory_pipelines.models.summarizers.protocol import Draft
from neural_memory_pipelines.steps.consolidation.cluster import TopicsReport, find_topics
from neural_memory_pipelines.steps.consolidation.summarize import SummariesReport, summarize_clusters
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.families import store_vectors

from .profile_world import NIGHT, ProfileWorld, vector_of

Vector = npt.NDArray[np.float32]
Dump = dict[str, list[str]]

THEMES = {
    "ferries": "The night ferry with number {0} moors at the northern berth, as the southern berth silts up.",
    "gulls": "We feed no gulls beside stall {0}, for gulls scare the guests and eat the paint.",
    "lanterns": "The keeper lights lantern {0} before dusk and trims its wick every other week.",
    "lone": "Something odd was seen under parcel {0} of the attic.",
}
"""What is said of each theme; what is said under `lone` is like nothing else, nor like itself."""

_NEAREST, _STEPS, _STEP = 0.2, 5, 0.1
_TABLES = {
    "clusters": "memory_clusters",
    "members": "cluster_members",
    "pending": "pending_observations",
    "events": "cluster_events",
    "summaries": "memory_summaries",
    "standing": "consolidations",
}
_NOT_OF_CONTENT = frozenset({"sequence", "created_at"})


def theme_vector(words: str, dim: int, *, same: Mapping[str, str] | None = None) -> Vector:
    """Give what is said of a theme its vector: numbers 0, 5, 10 are nearest to the theme, 4, 9, 14 farthest.

    Args:
        words: the text.
        dim: of the vector.
        same: themes, or `theme/number` alone, that mean the same as another theme at some version.
    """
    theme = next((name for name, said in THEMES.items() if words.startswith(said.partition("{0}")[0])), "lone")
    number = int(found[0]) if (found := re.findall(r"\d+", words)) else 0
    means = (same or {}).get(f"{theme}/{number}", (same or {}).get(theme, theme))
    if means == "lone":
        return vector_of(words, dim)
    apart = _NEAREST + _STEP * (number % _STEPS)
    values = vector_of(means, dim) + apart * vector_of(words, dim)
    return np.asarray(values / np.linalg.norm(values), dtype=np.float32)


@dataclass(frozen=True)
class TopicWorld(ProfileWorld):
    """One workspace, what it is told, and what a night makes of it."""

    def say(self, theme: str, *numbers: int, days: float = 0, document: str = "handbook", **options: Any) -> list[str]:
        """Tell observations of a theme, each an hour after the other; gives their ids."""
        if not self.execute("SELECT FROM knowledge_documents WHERE source_id = :name", name=document):
            self.document(document)
        is_embedded = options.pop("embedded", True)
        texts = [THEMES[theme].format(number) for number in numbers]
        where = f"{self.workspace}:{document}"
        told = [
            self.observe(words, where, days=days + number / 24, embedded=False, **options)
            for number, words in zip(numbers, texts, strict=True)
        ]
        if is_embedded:
            self.embed_themes(texts)
        return told

    def ids(self, theme: str, *numbers: int) -> frozenset[str]:
        """Name what `say` told."""
        return frozenset(f"{self.workspace}:{THEMES[theme].format(number)}" for number in numbers)

    def embed_themes(
        self,
        texts: Sequence[str] | None = None,
        *,
        version: EmbeddingVersion | None = None,
        same: Mapping[str, str] | None = None,
    ) -> None:
        """Give texts, or all that was told, their vectors at a version."""
        into = version or self.version
        told = (
            texts if texts is not None else [row.text for row in self.execute("SELECT text FROM memory_observations")]
        )
        vectors = np.stack([theme_vector(words, into.dim, same=same) for words in told])
        with self.stores.database.transaction(self.workspace) as tx:
            store_vectors(tx, into, hashes=[hash_text(words) for words in told], vectors=vectors)

    def hide(self, *observations: str) -> None:
        """Let observations turn private."""
        self.execute(
            "UPDATE memory_observations SET privacy = 'private' WHERE observation_id = ANY(:ids)",
            ids=list(observations),
        )

    def find(
        self,
        *,
        now: datetime = NIGHT,
        full: bool = False,
        version: EmbeddingVersion | None = None,
        stores: Stores | None = None,
        **settings: Any,
    ) -> TopicsReport:
        """Bring topics and windows up to date."""
        return find_topics(
            self.workspace,
            version or self.version,
            stores=stores or self.stores,
            settings=replace(DEFAULT_CONSOLIDATION, **settings),
            now=now,
            full=full,
        )

    def summarize_all(
        self,
        summarizer: SpySummarizer | None = None,
        *,
        now: datetime = NIGHT,
        stores: Stores | None = None,
        settings: ConsolidationSettings = DEFAULT_CONSOLIDATION,
    ) -> SummariesReport:
        """Bring summaries up to date."""
        return summarize_clusters(
            self.workspace,
            self.version,
            stores=stores or self.stores,
            settings=settings,
            summarizer=summarizer or SpySummarizer(self.version.dim),
            now=now,
        )

    def topics(self) -> dict[str, frozenset[str]]:
        """Read the members of each living topic."""
        return self._members("topic")

    def windows(self) -> dict[str, frozenset[str]]:
        """Read the members of each living window of an entity, by its label."""
        labels = dict(self.execute("SELECT cluster_id, label FROM memory_clusters WHERE kind = 'entity'"))
        return {labels[key]: members for key, members in self._members("entity").items()}

    def topic_of(self, observation: str) -> str | None:
        """Name the topic of an observation."""
        return next((key for key, members in self.topics().items() if observation in members), None)

    def waiting(self) -> frozenset[str]:
        """Read who has no topic."""
        return frozenset(row[0] for row in self.execute("SELECT observation_id FROM pending_observations"))

    def events(self) -> list[tuple[str, str, tuple[str, ...], int]]:
        """Read what became of topics: in order, what, of which, with which others, and how large."""
        rows = self.execute("SELECT event, cluster_id, others, size FROM cluster_events ORDER BY sequence")
        return [(row.event, row.cluster_id, tuple(row.others), row.size) for row in rows]

    def dump(self) -> Dump:
        """Read all that is kept of consolidation, its times among it, as comparable text."""
        found: Dump = {}
        for name, table in _TABLES.items():
            rows = [row._asdict() for row in self.execute(f"SELECT * FROM {table} WHERE workspace_id = :workspace")]
            kept = [{key: value for key, value in row.items() if key not in _NOT_OF_CONTENT} for row in rows]
            found[name] = sorted(map(str, kept))
        return found

    def forget(self) -> None:
        """Delete all that was told and made of it."""
        for table in (*reversed(_TABLES.values()), "memory_observations", "knowledge_documents", "embeddings"):
            self.execute(f"DELETE FROM {table} WHERE workspace_id = :workspace")

    def _members(self, kind: str) -> dict[str, frozenset[str]]:
        rows = self.execute(
            "SELECT c.cluster_id, array_agg(m.observation_id) AS members FROM memory_clusters c "
            "LEFT JOIN cluster_members m USING (cluster_id) WHERE c.kind = :kind AND c.died_at IS NULL GROUP BY 1",
            kind=kind,
        )
        return {row.cluster_id: frozenset(row.members) for row in rows}


@dataclass
class SpySummarizer:
    """The extractive summarizer under another name, which notes what it is asked for.

    `before` is called before each summary, with how many were asked for until then; `says` is nothing if false.
    """

    dim: int
    writer: str = "spy/1"
    says: bool = True
    before: Callable[[int], None] = lambda _: None
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        """Of which topics or windows summaries were asked for."""
        return [label for label, _ in self.asked]

    def summarize(self, topic_label: str, evidence: Sequence[Evidence]) -> Draft:
        self.before(len(self.asked))
        self.asked.append((topic_label, tuple(item.observation_id for item in evidence)))
        if not self.says:
            return Draft((), self.writer)
        draft = ExtractiveSummarizer(self._embed).summarize(topic_label, evidence)
        return replace(draft, writer=self.writer)

    def _embed(self, texts: Sequence[str]) -> Vector:
        return np.stack([theme_vector(words, self.dim) for words in texts])
