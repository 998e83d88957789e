"""What only some may read, or what a source deleted, is traced by those alone who ask; messages hold none of it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.artifacts import raw_artifacts
from neural_memory_pipelines.retrieval.tracing import TraceNode, trace
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from tests.retrieval.traced import ISSUE, LATER, PAGE, SECRET, Told, message, of_kind, tell, under
from tests.steps.dumps import rows
from tests.steps.pipeline import run_path
from tests.steps.samples import page_event

_PRIVATE = "(SELECT document_id FROM knowledge_documents WHERE privacy = 'private')"


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> Told:
    return tell(session, workspace)


def _trace(session: Session, told: Told, name: str, **options: object) -> TraceNode:
    return trace(name, workspace=told.workspace, stores=session.stores, **options)  # type: ignore[arg-type] # as given


def _hide(session: Session, told: Told, observation: str) -> None:
    with session.stores.database.transaction(told.workspace) as tx:
        hide = "UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :id"
        tx.connection.execute(text(hide), {"id": observation})


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT document_id FROM {_PRIVATE} d",
        f"SELECT source || ' ' || source_id FROM knowledge_documents WHERE document_id IN {_PRIVATE}",
        f"SELECT chunk_id FROM knowledge_chunks WHERE document_id IN {_PRIVATE}",
        f"SELECT observation_id FROM memory_observations WHERE document_id IN {_PRIVATE}",
        f"SELECT relationship_id FROM relationship_evidence WHERE document_id IN {_PRIVATE} LIMIT 1",
    ],
    ids=["document", "source", "chunk", "observation", "relationship"],
)
def test_private_things_are_refused_without_a_word_of_theirs(session: Session, told: Told, query: str) -> None:
    name = told.one(session, query)
    for used_by in (False, True):
        with pytest.raises(PermanentError, match=r"only some may read .*: ask for it with --private") as refused:
            _trace(session, told, name, used_by=used_by)
        assert "safe" not in str(refused.value)
        assert _trace(session, told, name, used_by=used_by, include_private=True).is_private


def test_branches_count_what_they_hide(session: Session, told: Told) -> None:
    vector = told.one(
        session, f"SELECT vector_id FROM vector_entries WHERE split_part(vector_id, '#', 1) IN {_PRIVATE}"
    )
    raw = told.one(session, f"SELECT raw_pointer FROM document_versions WHERE document_id IN {_PRIVATE} LIMIT 1")
    for name, used_by in ((vector, False), (raw, True)):
        root = _trace(session, told, name, used_by=used_by)
        assert [(branch.nodes, branch.hidden) for branch in root.branches] == [((), 1)]
        shown = _trace(session, told, name, used_by=used_by, include_private=True)
        assert SECRET in " ".join(node.words for node in of_kind(shown, Kind.DOCUMENT)).lower()


def test_a_summary_of_what_turned_private_is_refused_and_hidden(session: Session, told: Told) -> None:
    _hide(session, told, told.cited[0])
    with pytest.raises(PermanentError, match="only some may read summary"):
        _trace(session, told, told.summary)
    assert under(_trace(session, told, told.cluster, used_by=True), "summaries") == ()
    whole = _trace(session, told, told.summary, include_private=True, most=None)
    assert [node.number for node in under(whole, "cites")] == list(range(1, len(told.cited) + 1))


def test_bytes_are_withheld_if_any_document_that_they_describe_is_private(session: Session, told: Told) -> None:
    told_by = "SELECT source || ' ' || source_id FROM knowledge_documents WHERE source_id LIKE 'C0PIER/%'"
    thread = told.one(session, told_by)
    (before,) = raw_artifacts(thread, workspace=told.workspace, stores=session.stores)
    assert not before.is_withheld
    with session.stores.database.transaction(told.workspace) as tx:
        also = f"""INSERT INTO document_versions (workspace_id, document_id, event_key, part_id, as_of, deletes,
            content_hash, raw_pointer, link_ids) SELECT workspace_id, (SELECT min(document_id) FROM {_PRIVATE} d),
            event_key, part_id, as_of, deletes, content_hash, raw_pointer, link_ids FROM document_versions
            WHERE raw_pointer = :key LIMIT 1"""
        tx.connection.execute(text(also), {"key": before.key})
    (after,) = raw_artifacts(thread, workspace=told.workspace, stores=session.stores)
    assert after.is_withheld
    (asked,) = raw_artifacts(thread, workspace=told.workspace, stores=session.stores, include_private=True)
    assert not asked.is_withheld


def test_bytes_of_which_nothing_came_are_withheld(session: Session, told: Told) -> None:
    put_lines(session.stores.objects, told.workspace, [b'{"nobody": "can read this"}'])
    run_path(session, told.workspace)
    letter = told.one(session, "SELECT dead_letter_id FROM dead_letters")
    root = _trace(session, told, letter)
    assert (root.kind, root.facts["dead_letter_id"]) == (Kind.RAW, letter)
    (artifact,) = raw_artifacts(letter, workspace=told.workspace, stores=session.stores)
    assert artifact.is_withheld


def test_what_was_deleted_is_traced_without_its_words(session: Session, told: Told) -> None:
    gone = page_event(told.workspace, key="gone", path="piers.md", content=None, at=LATER.replace("09", "10"))
    put_lines(session.stores.objects, told.workspace, [gone])
    run_path(session, told.workspace)
    root = _trace(session, told, PAGE)
    assert (root.words, root.is_deleted) == ("", True)
    assert root.facts["deleted_at"] == "2026-02-10T08:00:00Z"
    assert [node.facts.get("says_deleted") for node in under(root, "described by")] == [True, None, None]
    used = _trace(session, told, PAGE, used_by=True)
    parts = [*of_kind(used, Kind.CHUNK), *of_kind(used, Kind.OBSERVATION)]
    assert {(node.name, node.words) for node in parts} == {("", "")}
    assert all(item.is_withheld for item in raw_artifacts(PAGE, workspace=told.workspace, stores=session.stores))
    asked = _trace(session, told, PAGE, used_by=True, include_private=True)
    assert "cranes" in " ".join(node.words for node in of_kind(asked, Kind.CHUNK))


def test_what_a_summary_cites_and_is_gone_keeps_its_number(session: Session, told: Told) -> None:
    rows(
        session,
        told.workspace,
        "DELETE FROM memory_observations WHERE observation_id = :id RETURNING 1",
        id=told.cited[0],
    )
    first, *others = under(_trace(session, told, told.summary, most=None), "cites")
    assert (first.number, first.id, first.is_gone, first.branches) == (1, told.cited[0], True, ())
    assert [node.number for node in others] == list(range(2, len(told.cited) + 1))
    assert not any(node.is_gone for node in others)


def test_a_channel_that_turned_private_takes_its_observations_out_of_all_traces(session: Session, told: Told) -> None:
    private = "UPDATE knowledge_documents SET privacy = 'private' WHERE source = 'github' RETURNING 1"
    rows(session, told.workspace, private)
    root = _trace(session, told, "github:7", include_private=True)
    assert under(root, "observations") == ()  # a profile is made of what all may read
    with pytest.raises(PermanentError, match="only some may read profile"):
        _trace(session, told, "github:7")
    with pytest.raises(PermanentError, match="only some may read document"):
        _trace(session, told, ISSUE)


def test_another_private_thread_changes_nothing_for_the_rest(session: Session, told: Told) -> None:
    before = _trace(session, told, told.summary, most=None)
    put_lines(session.stores.objects, told.workspace, [message(told.workspace, 9, SECRET, channel="D0X", kind="im")])
    run_path(session, told.workspace)
    assert _trace(session, told, told.summary, most=None) == before
