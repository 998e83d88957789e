"""A search as tests ask it: at the version that is served, with the embedder of the session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Hit, SearchRequest
from neural_memory_pipelines.retrieval.search import search

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
"""What ages are counted to, so that two answers to a question can be compared."""


def ask(session: Session, workspace: WorkspaceId, question: str, **options: Any) -> list[Hit]:
    """Search a workspace; `options` are those of the request."""
    version = session.active_version(workspace)
    answer = search(
        SearchRequest(question, **options),
        workspace=workspace,
        stores=session.stores,
        version=version,
        embedder=session.embedder(version),
        now=NOW,
    )
    return list(answer.hits)
