"""What is near is found by the vectors that are kept: of the same kind, elsewhere, and for those who may read it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.similar import SimilarItem, find_similar
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.engine import Transaction
from tests.cli.topic_rows import write_summary_of, write_topic
from tests.retrieval.traced import SECRET, Told, message, tell
from tests.steps.dumps import rows
from tests.steps.pipeline import run_path
from tests.steps.samples import guide, page_event

_PAGES = {
    "ferries.md": guide("ferries", "cranes", title="Ferries"),
    "cranes.md": guide("cranes", title="Cranes"),
    "quays.md": guide("ferries", title="Quays"),
    "apples.md": guide("apples", title="Apples"),
}


@pytest.fixture(scope="module")
def told(session: Session) -> Told:
    """Read by the tests of this module: pages that share a subject, or none, beside the rest."""
    workspace = WorkspaceId(f"similar-{os.getpid()}")
    pages = [page_event(workspace, key=name, path=name, content=content) for name, content in _PAGES.items()]
    put_lines(session.stores.objects, workspace, pages)
    told = tell(session, workspace)
    with session.stores.database.transaction(workspace) as tx:
        _two_more_summaries(tx, told)
    version = session.active_version(workspace)
    for family in (Family.SUMMARIES, Family.PROFILES):
        scope = Scope(workspace, version, family, session.stores)
        embed_pending(scope, load_embedder=lambda: session.embedder(version))
        reconcile_index(scope)
    return told


def _two_more_summaries(tx: Transaction, told: Told) -> None:
    for title in ("Carts", "Tills"):
        write_summary_of(tx, write_topic(tx, title, told.cited[:1]), title, told.cited[:1])


def _similar(session: Session, told: Told, name: str, **options: Any) -> list[SimilarItem]:
    version = session.active_version(told.workspace)
    return find_similar(name, workspace=told.workspace, stores=session.stores, version=version, **options)


def _chunk(session: Session, told: Told, page: str, like: str) -> str:
    query = """SELECT chunk_id FROM knowledge_chunks JOIN knowledge_documents USING (document_id)
        WHERE source_id = :page AND text LIKE :like ORDER BY chunk_index LIMIT 1"""
    return told.one(session, query, page=f"handbook/{page}", like=like)


def test_the_nearest_chunks_are_those_of_the_same_subject_in_other_documents(session: Session, told: Told) -> None:
    chunk = _chunk(session, told, "cranes.md", "%Cranes rule 3%")
    found = _similar(session, told, chunk, limit=3)
    assert found[0].id == _chunk(session, told, "ferries.md", "%Cranes rule 3%")
    assert all(item.kind == "chunk" and item.source_id != "handbook/cranes.md" for item in found)
    assert [item.similarity_cosine for item in found] == sorted((i.similarity_cosine for i in found), reverse=True)
    assert "Cranes rule 3" in found[0].text


def test_scores_are_cosines_of_the_vectors_that_are_kept(session: Session, told: Told) -> None:
    chunk = _chunk(session, told, "cranes.md", "%Cranes rule 3%")
    (nearest,) = _similar(session, told, chunk, limit=1)
    query = """SELECT vector FROM embeddings JOIN knowledge_chunks ON chunk_hash = content_hash WHERE chunk_id = :id"""
    one, other = (
        np.frombuffer(rows(session, told.workspace, query, id=key)[0][0], "<f4") for key in (chunk, nearest.id)
    )
    assert nearest.similarity_cosine == pytest.approx(float(one @ other), abs=1e-3)


def test_a_document_is_compared_by_its_nearest_chunk(session: Session, told: Told) -> None:
    found = _similar(session, told, "docs handbook/ferries.md", limit=5)
    assert {item.source_id for item in found[:3]} == {"handbook/cranes.md", "handbook/quays.md", "handbook/piers.md"}
    assert len({item.id for item in found}) == len(found)
    own = told.one(session, "SELECT document_id FROM knowledge_documents WHERE source_id = 'handbook/ferries.md'")
    for item in found:
        assert (item.kind, item.document_id) == ("document", item.id)
        nearest_pair = float((_vectors(session, told, own) @ _vectors(session, told, item.id).T).max())
        assert item.similarity_cosine == pytest.approx(nearest_pair, abs=1e-3)


def _vectors(session: Session, told: Told, document: str) -> Any:
    query = """SELECT vector FROM embeddings JOIN knowledge_chunks ON chunk_hash = content_hash
        WHERE document_id = :id AND superseded_at IS NULL"""
    return np.stack([np.frombuffer(vector, "<f4") for (vector,) in rows(session, told.workspace, query, id=document)])


def test_observations_are_found_once_whichever_of_their_views_is_near(session: Session, told: Told) -> None:
    for observation in told.cited:
        found = _similar(session, told, observation)
        own = "SELECT document_id FROM memory_observations WHERE observation_id = :id"
        assert found
        assert len({item.id for item in found}) == len(found)
        assert told.one(session, own, id=observation) not in {item.document_id for item in found}
        assert _similar(session, told, f"{observation}:body") == found


def test_summaries_are_near_to_summaries(session: Session, told: Told) -> None:
    found = _similar(session, told, told.summary)
    assert {item.title for item in found} == {"Carts", "Tills"}
    assert all((item.kind, item.source, item.source_id) == ("summary", "memory", item.id) for item in found)


def test_entities_are_near_by_their_profiles(session: Session, told: Told) -> None:
    found = _similar(session, told, "github:7")
    assert found
    assert all(item.kind == "profile" and -1 <= item.similarity_cosine <= 1.001 for item in found)
    assert told.one(session, "SELECT entity_id FROM entities WHERE key = 'github:7'") not in {i.id for i in found}


def test_a_superseded_chunk_is_compared_by_the_vector_that_is_kept(session: Session, told: Told) -> None:
    query = "SELECT chunk_id FROM knowledge_chunks WHERE superseded_at IS NOT NULL ORDER BY 1 LIMIT 1"
    assert _similar(session, told, told.one(session, query), limit=1)


def test_private_things_are_refused_and_left_out(session: Session, told: Told) -> None:
    query = "SELECT observation_id FROM memory_observations WHERE privacy = 'private'"
    private = told.one(session, query)
    with pytest.raises(PermanentError, match="only some may read observation") as refused:
        _similar(session, told, private)
    assert SECRET not in str(refused.value)
    assert _similar(session, told, private, include_private=True)
    for asked in told.cited:
        assert private not in {item.id for item in _similar(session, told, asked)}
        assert private in {item.id for item in _similar(session, told, asked, include_private=True)}


def test_what_turned_private_takes_no_places_although_the_index_does_not_know(
    session: Session, workspace: WorkspaceId
) -> None:
    # More than are asked of the index at first, and nearer than what all may read.
    near = [message(workspace, n, f"Decision: berth {n} is free on Mondays.", channel="C0SAFE") for n in range(1, 60)]
    far = [message(workspace, n, f"Decision: boats of museum {n} pay nothing.") for n in (70, 71, 72)]
    asking = message(workspace, 80, "Decision: berth 80 is free on Mondays.")
    put_lines(session.stores.objects, workspace, [*near, *far, asking])
    run_path(session, workspace)
    told = Told(workspace, "", "", [])
    asked = told.one(session, "SELECT observation_id FROM memory_observations WHERE text LIKE '%berth 80%'")
    assert {item.source_id.split("/")[0] for item in _similar(session, told, asked, limit=59)} == {"C0SAFE"}
    turn = "UPDATE knowledge_documents SET privacy = 'private' WHERE source_id LIKE 'C0SAFE/%' RETURNING 1"
    rows(session, workspace, turn)
    found = _similar(session, told, asked, limit=2)
    assert [item.source_id.split("/")[0] for item in found] == ["C0PIER", "C0PIER"]


def test_what_has_no_vector_says_what_to_do(session: Session, workspace: WorkspaceId) -> None:
    put_lines(session.stores.objects, workspace, [page_event(workspace, key="k", path="a.md", content="# A\n\nWords.")])
    run_path(session, workspace)
    told = Told(workspace, "", "", [])
    assert _similar(session, told, "docs handbook/a.md") == []  # alone in its index
    rows(session, workspace, "DELETE FROM embeddings RETURNING 1")
    with pytest.raises(NotFoundError, match=f"`neural-memory build --workspace {workspace}` embeds what is live"):
        _similar(session, told, "docs handbook/a.md")


def test_what_can_have_no_vector_is_refused(session: Session, told: Told) -> None:
    with pytest.raises(PermanentError, match="is a cluster, which has no vector"):
        _similar(session, told, told.cluster)


def test_ids_of_other_workspaces_are_not_found(session: Session, told: Told, workspace: WorkspaceId) -> None:
    for name in [*told.cited, told.summary, "docs handbook/cranes.md"]:
        with pytest.raises(NotFoundError):
            find_similar(
                name,
                workspace=workspace,
                stores=session.stores,
                version=session.active_version(told.workspace),
                include_private=True,
            )
