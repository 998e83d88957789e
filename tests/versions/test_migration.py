"""A reader asks without a pause through whole migrations: no search fails, none is empty, none mixes versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.promote import rollback
from tests.models.cohere_server import CohereServer

from .migrating import (
    COHERE,
    DECISION,
    HASHED,
    MINILM,
    TOPICS,
    archive_it,
    bring_up_to_date,
    build,
    hits,
    judge_version,
    other_session,
    pages,
    promote_it,
    propose,
    status_of,
    tell,
    with_cohere,
)
from .reading import Reader, reading

QUESTIONS = [f"Handbook of the {topic}" for topic in TOPICS[:6]]


@pytest.fixture
def own(session: Session, cohere: CohereServer) -> Iterator[Session]:
    """A session whose new workspaces are served at MiniLM, and that knows the Cohere server."""
    with closing(other_session(session, embedding_model=MINILM, **with_cohere(cohere))) as own:
        yield own


def _migrate(
    own: Session, workspace: WorkspaceId, version: EmbeddingVersion, *, reader: Reader, folder: Path, told: int
) -> None:
    before = own.active_version(workspace)
    propose(own, workspace, version)
    build(own, workspace, version)
    reader.wait_for(before.name)
    tell(own, workspace, folder, pages(*TOPICS[:told]))  # new events, while two versions are kept
    reader.wait_for(before.name)
    bring_up_to_date(own, workspace)
    assert all(finding.passed for finding in judge_version(own, workspace, version).values())
    promote_it(own, workspace, version)
    reader.wait_for(version.name)
    rollback(workspace, stores=own.stores, decision=DECISION)
    reader.wait_for(before.name)
    promote_it(own, workspace, version)
    reader.wait_for(version.name)
    archive_it(own, workspace, before)
    reader.wait_for(version.name)


def test_nobody_notices_migrations_over_three_models(own: Session, workspace: WorkspaceId, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    tell(own, workspace, folder, pages(*TOPICS[:8]))
    bring_up_to_date(own, workspace)
    first = own.active_version(workspace)
    hashed = own.successor(workspace, model=HASHED)
    with reading(own, workspace, QUESTIONS) as reader:
        reader.wait_for(first.name)
        _migrate(own, workspace, hashed, reader=reader, folder=folder, told=9)
        cohere = own.successor(workspace, model=COHERE, dim=1536)
        _migrate(own, workspace, cohere, reader=reader, folder=folder, told=10)
    assert [version.dim for version in (first, hashed, cohere)] == [384, 1536, 1536]
    assert reader.bad_answers == []
    a, b, c = first.name, hashed.name, cohere.name
    assert reader.versions == [a, b, a, b, c, b, c], "each switch is seen at once, and seen for good"
    assert {status_of(own, workspace, version) for version in (first, hashed)} == {VersionStatus.ARCHIVED}
    assert hits(own, workspace, f"Handbook of the {TOPICS[9]}")[0].source_id.endswith(f"{TOPICS[9]}.md")
    print(f"{len(reader.answers)} answers, longest gap {reader.longest_gap_seconds:.3f} s")
