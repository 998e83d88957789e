"""Postgres alone decides what is shown: an index that lags behind brings nothing back, and no workspace another's."""

from __future__ import annotations

from itertools import product

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval import search
from neural_memory_pipelines.retrieval.answers import Mode
from tests.retrieval.searched import SECRET, World, all_lines, github_issue, page
from tests.retrieval.traced import message
from tests.steps.dumps import cache_keys, indexed_ids

_FERRIES = "Which rule tells the ferries crew what to check on round 3?"
_DIRECT, _OPEN = "D0ADABEN/1772445720.000100", "C0PIER/1772445660.000100"


@pytest.fixture
def own(session: Session, workspace: WorkspaceId) -> World:
    """A memory that a test may change."""
    world = World(session, workspace)
    world.tell(all_lines(workspace))
    return world


@pytest.mark.parametrize("mode", Mode)
def test_private_threads_are_found_by_those_alone_who_ask_for_them(world: World, mode: Mode) -> None:
    assert _DIRECT not in world.names(SECRET, mode=mode, limit=50)
    assert "lantern" not in repr(world.hits(SECRET, mode=mode, limit=50))
    (first, *others) = world.hits(SECRET, mode=mode, limit=50, include_private=True)
    assert (first.source_id, first.privacy) == (_DIRECT, "private")
    assert {hit.privacy for hit in others} <= {"org"}


@pytest.mark.parametrize("question", ['"lantern house"', "spare key source:slack", "type:message behind the clock"])
def test_private_threads_are_not_found_through_filters(world: World, question: str) -> None:
    assert _DIRECT not in world.names(question, limit=50)
    assert _DIRECT in world.names(question, limit=50, include_private=True)


def test_what_turned_private_is_hidden_although_index_and_cache_know_it_as_open(own: World) -> None:
    asked = list(product([_FERRIES, f"{_FERRIES} source:docs", "handbook:ferries.md", '"ferries crew"'], Mode))
    assert all("ferries.md" in own.names(question, mode=mode, limit=50) for question, mode in asked)
    own.sql("UPDATE knowledge_documents SET privacy = 'private' WHERE source_id = 'handbook/ferries.md' RETURNING 1")
    document = own.document("docs", "handbook/ferries.md")
    assert any(document in key for key in cache_keys(own.session, own.workspace))
    for question, mode in asked:
        hits = own.hits(question, mode=mode, limit=50)
        assert document not in {hit.document_id for hit in hits}
        assert "erries rule" not in repr(hits)
        shown = own.hits(question, mode=mode, limit=50, include_private=True)
        assert [hit.privacy for hit in shown if hit.document_id == document] == ["private"]


def test_what_was_deleted_is_gone_although_its_vectors_are_not(own: World) -> None:
    document = own.document("docs", "handbook/ferries.md")
    own.sql("UPDATE knowledge_documents SET deleted_at = now() WHERE document_id = :id RETURNING 1", id=document)
    assert any(key.startswith(document) for key in indexed_ids(own.session, own.workspace, Family.CHUNKS))
    for question, mode in product([_FERRIES, f"{_FERRIES} source:docs", "handbook:ferries.md"], Mode):
        for private in (False, True):
            hits = own.hits(question, mode=mode, limit=50, include_private=private)
            assert document not in {hit.document_id for hit in hits}


def test_superseded_rows_are_not_shown_although_their_vectors_are_there(own: World) -> None:
    document = own.document("docs", "handbook/ferries.md")
    before = {hit.id for mode in Mode for hit in own.hits(_FERRIES, mode=mode, limit=50)}
    supersede = "UPDATE {} SET superseded_at = now() WHERE document_id = :id RETURNING {}"
    tables = {"knowledge_chunks": "chunk_id", "memory_observations": "observation_id"}
    gone = {key for table, column in tables.items() for (key,) in own.sql(supersede.format(table, column), id=document)}
    assert before & gone
    for question, mode in product([_FERRIES, f"{_FERRIES} source:docs", "handbook:ferries.md"], Mode):
        hits = own.hits(question, mode=mode, limit=50)
        assert document not in {hit.document_id for hit in hits}


def test_a_document_answers_by_what_it_still_says(own: World) -> None:
    document = own.document("docs", "handbook/ferries.md")
    (before,) = (hit for hit in own.hits(_FERRIES, mode=Mode.DENSE, limit=50) if hit.document_id == document)
    assert before.kind == "chunk"
    own.sql("UPDATE knowledge_chunks SET superseded_at = now() WHERE document_id = :id RETURNING 1", id=document)
    (after,) = (hit for hit in own.hits(_FERRIES, mode=Mode.DENSE, limit=50) if hit.document_id == document)
    assert (after.kind, after.text) == ("observation", "We check all ferries twice a week, as storms broke some.")
    assert after.score < before.score


def test_what_may_not_be_shown_takes_no_places(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "Decision: the coins of the safe, the safe coins, are coins of the safe {}."
    lines = [message(own.workspace, 20 + n, words.format(n), channel="D0ADABEN", kind="im") for n in range(12)]
    own.tell([*lines, message(own.workspace, 40, "Decision: a purse for odd coins is on order.")])
    for few, narrowed, mode in product([200, -1], ["", "source:slack", "type:message,doc"], Mode):
        monkeypatch.setattr(search, "_FEW_DOCUMENTS", few)
        question = f"coins of the safe {narrowed}"
        private = own.hits(question, mode=mode, limit=5, include_private=True)
        assert all("D0ADABEN" in hit.source_id for hit in private)
        shown = own.hits(question, mode=mode, limit=2)
        assert len(shown) == 2
        assert not any("D0ADABEN" in hit.source_id for hit in shown)


def test_a_summary_of_what_turned_private_is_not_shown(own: World) -> None:
    own.summarize("Storms", "We check all %")
    question = "storms twice a week: sentence 1 says so, sentence 2"
    assert "summary" in {hit.kind for hit in own.hits(question, limit=50)}
    own.sql("UPDATE knowledge_documents SET privacy = 'private' WHERE source_id = 'handbook/berths.md' RETURNING 1")
    assert "summary" not in {hit.kind for hit in own.hits(question, limit=50)}


def test_edges_that_a_private_thread_states_stay_untold(own: World) -> None:
    own.tell(
        [message(own.workspace, 9, "Decision: acme/shop#1 waits, see acme/shop#2.", channel="D0ADABEN", kind="im")]
    )
    private = own.hits("#1", include_private=True)
    assert "D0ADABEN" in repr(private)
    for question in ("#1", "carts vanish", "the till prints twice"):
        hits = own.hits(question, limit=50)
        assert "D0ADABEN" not in repr(hits)
        assert "waits" not in repr(hits)


def test_two_workspaces_with_the_same_texts_know_nothing_of_each_other(own: World, session: Session) -> None:
    other = World(session, WorkspaceId(f"{own.workspace}-other"))
    other.tell([page(other.workspace, "ferries"), github_issue(other.workspace, 1, "Carts vanish", "By the tide.")])
    for question in (_FERRIES, "#1", "carts vanish source:github", '"ferries crew"'):
        for mode in Mode:
            mine, others = (
                {(hit.document_id, hit.id) for hit in one.hits(question, mode=mode, limit=50, include_private=True)}
                for one in (own, other)
            )
            assert mine
            assert not {key for pair in mine for key in pair if key} & {key for pair in others for key in pair if key}
            assert {
                len(other.sql("SELECT 1 FROM knowledge_documents WHERE document_id = :id", id=key)) for key, _ in others
            } <= {1}
    assert {hit.source_id for hit in other.hits(_FERRIES, limit=50)} == {"handbook/ferries.md", "acme/shop#1"}


def test_a_version_of_another_workspace_finds_nothing_of_it(own: World, session: Session) -> None:
    stranger = World(session, WorkspaceId(f"{own.workspace}-stranger"))
    for mode in Mode:
        assert stranger.hits(_FERRIES, version=own.version, mode=mode, include_private=True) == ()
