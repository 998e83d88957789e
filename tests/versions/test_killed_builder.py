"""A builder is killed half-way, again and again: readers do not notice, and what was paid for is not paid again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity
from tests.models.cohere_server import CohereServer
from tests.steps.dumps import rows
from tests.steps.killing import Moment

from .builder import build_until_killed
from .migrating import (
    COHERE,
    TOPICS,
    bring_up_to_date,
    build,
    judge_version,
    other_session,
    pages,
    promote_it,
    propose,
    tell,
    with_cohere,
)
from .reading import reading

QUESTIONS = [f"Handbook of the {topic}" for topic in TOPICS[:6]]
TEXTS_AT_ONCE = 4
KILLED_AT = (3, 5, 9)  # its third write, then its fifth and its ninth: among the first vectors, and at the index


@pytest.fixture
def own(session: Session, cohere: CohereServer) -> Iterator[Session]:
    """A session that knows the Cohere server."""
    with closing(other_session(session, **with_cohere(cohere))) as own:
        yield own


def _sent(cohere: CohereServer) -> Counter[str]:
    """Count how often each text was sent to be stored; questions aside."""
    bodies = [body for body in cohere.requests if body["input_type"] == "search_document"]
    return Counter(text for body in bodies for text in body["texts"])


def _kept(own: Session, workspace: WorkspaceId, version: str) -> int:
    query = "SELECT count(*) FROM embeddings WHERE embedding_version = :version"
    return int(rows(own, workspace, query, version=version)[0][0])


@pytest.mark.parametrize("moment", ["after", "before"])
def test_what_was_embedded_stays_and_readers_do_not_notice(
    own: Session, workspace: WorkspaceId, tmp_path: Path, cohere: CohereServer, moment: Moment
) -> None:
    tell(own, workspace, tmp_path / "docs", pages(*TOPICS[:10]))
    bring_up_to_date(own, workspace)
    served = own.active_version(workspace)
    version = own.successor(workspace, model=COHERE)
    propose(own, workspace, version)
    kept = [0]
    with reading(own, workspace, QUESTIONS) as reader:
        for at in KILLED_AT:
            assert build_until_killed(own, workspace, version.name, at=at, moment=moment, texts_at_once=TEXTS_AT_ONCE)
            kept.append(_kept(own, workspace, version.name))
            reader.wait_for(served.name)
        build(own, workspace, version)
        sent = _sent(cohere)
        assert all(finding.passed for finding in judge_version(own, workspace, version).values())
        promote_it(own, workspace, version)
        reader.wait_for(version.name)
    kept.append(_kept(own, workspace, version.name))
    assert kept == sorted(kept)
    assert len(set(kept)) >= 4, f"each start goes on from where the one before it was killed: {kept}"
    assert len(sent) == kept[-1], "every text was sent"
    again = sent.total() - len(sent)
    if moment == "after":
        assert again == 0, "what was answered and kept is never sent again"
    else:
        assert 0 < again <= TEXTS_AT_ONCE * len(KILLED_AT), "only what was under way when it was killed"
    assert all(index_parity(Scope(workspace, version, family, own.stores)).passed for family in Family)
    assert reader.bad_answers == []
    assert reader.versions == [served.name, version.name]
    print(f"{len(reader.answers)} answers, longest gap {reader.longest_gap_seconds:.3f} s; kept {kept}")
