"""Whatever has an id leads down to the bytes that it was made from, and up to all that was made from it."""

from __future__ import annotations

import json
import os

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.artifacts import raw_artifacts
from neural_memory_pipelines.retrieval.tracing import TraceNode, trace
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from tests.retrieval.traced import ISSUE, PAGE, Told, of_kind, tell, under, walk
from tests.steps.dumps import rows


@pytest.fixture(scope="module")
def told(session: Session) -> Told:
    """Read by all tests of this module, changed by none."""
    return tell(session, WorkspaceId(f"traced-{os.getpid()}"))


def _trace(session: Session, told: Told, name: str, **options: object) -> TraceNode:
    return trace(name, workspace=told.workspace, stores=session.stores, **options)  # type: ignore[arg-type] # as given


def _is_backed_by_bytes(session: Session, node: TraceNode) -> bool:
    raw = of_kind(node, Kind.RAW)
    for item in raw:
        event = json.loads(session.stores.objects.get(item.id))
        assert (event["idempotencyKey"], event["source"]) == (item.facts["event_key"], item.facts["source"])
        assert item.facts["bytes"] == len(session.stores.objects.get(item.id))
    return bool(raw)


def test_a_summary_leads_to_what_it_cites_in_order_and_down_to_bytes(session: Session, told: Told) -> None:
    root = _trace(session, told, told.summary, most=None)
    cited = under(root, "cites")
    assert [(node.number, node.id) for node in cited] == list(enumerate(told.cited, start=1))
    for observation in cited:
        (document,) = under(observation, "document")
        assert document.is_repeated or _is_backed_by_bytes(session, document)
    assert {node.name for node in of_kind(root, Kind.DOCUMENT)} >= {PAGE, ISSUE}


def test_the_chunk_that_has_the_words_of_an_observation_is_named(session: Session, told: Told) -> None:
    query = "SELECT observation_id FROM memory_observations WHERE text LIKE '%all cranes twice a week%'"
    root = _trace(session, told, told.one(session, query))
    (chunk,) = under(root, "words in")
    words = "SELECT text FROM knowledge_chunks WHERE chunk_id = :id"
    assert "all cranes twice a week" in told.one(session, words, id=chunk.id)
    assert chunk.branches == ()


@pytest.mark.parametrize("name", ["github:7", "ada", "the id"])
def test_a_profile_leads_to_its_summaries_and_observations(session: Session, told: Told, name: str) -> None:
    entity = told.one(session, "SELECT entity_id FROM entities WHERE key = 'github:7'")
    root = _trace(session, told, entity if name == "the id" else name, most=None)
    assert (root.kind, root.id, root.facts["observations"]) == (Kind.PROFILE, entity, 1)
    assert [node.id for node in under(root, "summaries")] == [told.summary]
    assert len(under(root, "observations")) == 1
    assert _is_backed_by_bytes(session, root)


@pytest.mark.parametrize("spelled", ["github acme/shop#1", "acme/shop#1", "the id", "its beginning"])
def test_a_document_is_found_by_whatever_names_it(session: Session, told: Told, spelled: str) -> None:
    key = told.one(session, "SELECT document_id FROM knowledge_documents WHERE source_id = 'acme/shop#1'")
    root = _trace(session, told, {"the id": key, "its beginning": key[:14]}.get(spelled, spelled))
    assert (root.kind, root.id, root.name) == (Kind.DOCUMENT, key, ISSUE)


def test_every_version_of_a_document_is_listed_with_its_artifact(session: Session, told: Told) -> None:
    described = under(_trace(session, told, PAGE), "described by")
    assert [(node.facts["version"], node.facts["holds"]) for node in described] == [(2, True), (1, False)]
    assert [node.facts["as_of"] for node in described] == ["2026-02-09T08:00:00Z", "2026-02-01T08:00:00Z"]
    artifacts = [raw.id for node in described for raw in under(node, "raw")]
    assert len(set(artifacts)) == 2
    listed = raw_artifacts(PAGE, workspace=told.workspace, stores=session.stores)
    assert [item.key for item in listed] == artifacts


@pytest.mark.parametrize("table", ["knowledge_chunks", "memory_observations"])
def test_what_was_superseded_is_traced_and_says_so(session: Session, told: Told, table: str) -> None:
    key = "chunk_id" if table == "knowledge_chunks" else "observation_id"
    old = rows(session, told.workspace, f"SELECT {key} FROM {table} WHERE superseded_at IS NOT NULL")
    assert old
    for (one,) in old:
        root = _trace(session, told, one)
        assert root.facts["superseded_at"]
        assert "berths" in root.words
        assert _is_backed_by_bytes(session, root)


def test_every_vector_of_the_ledger_leads_to_bytes_and_knows_its_place(session: Session, told: Told) -> None:
    entries = rows(session, told.workspace, "SELECT vector_id, family, namespace FROM vector_entries")
    assert {family for _, family, _ in entries} == {"chunks", "observations"}
    for vector_id, family, namespace in entries:
        root = _trace(session, told, vector_id, include_private=True)
        assert (root.kind, root.facts["in_indexes"]) == (Kind.VECTOR, 1)
        assert _is_backed_by_bytes(session, root)
        (entry,) = under(_trace(session, told, vector_id, used_by=True), "ledger")
        assert (entry.facts["family"], entry.facts["namespace"]) == (family, namespace)
        assert entry.facts["version_status"] == "active"


def test_a_vector_that_left_the_index_still_leads_to_its_chunk(session: Session, told: Told) -> None:
    query = """SELECT document_id || '#' || left(chunk_hash, 16) FROM knowledge_chunks
        WHERE superseded_at IS NOT NULL LIMIT 1"""
    root = _trace(session, told, told.one(session, query))
    assert root.facts["in_indexes"] == 0
    assert of_kind(root, Kind.CHUNK)[0].facts["superseded_at"]


def test_a_document_is_used_by_all_that_was_made_from_it(session: Session, told: Told) -> None:
    root = _trace(session, told, ISSUE, used_by=True, most=None)
    made = {kind: {node.id for node in of_kind(root, kind)} for kind in Kind}
    query = "SELECT {0} FROM {1} JOIN knowledge_documents d USING (document_id) WHERE d.source_id = 'acme/shop#1'"
    for kind, key, table in (
        (Kind.CHUNK, "chunk_id", "knowledge_chunks"),
        (Kind.OBSERVATION, "observation_id", "memory_observations"),
        (Kind.RELATIONSHIP, "relationship_id", "relationship_evidence"),
    ):
        assert made[kind] == {one for (one,) in rows(session, told.workspace, query.format(key, table))} != set()
    assert made[Kind.SUMMARY] == {told.summary}
    assert made[Kind.CLUSTER] == {told.cluster}
    assert made[Kind.QUESTION] == {"q1"}
    assert told.one(session, "SELECT entity_id FROM entities WHERE key = 'github:7'") in made[Kind.PROFILE]
    document = root.id
    of_document = "SELECT vector_id FROM vector_entries WHERE starts_with(vector_id, :document)"
    assert made[Kind.ENTRY] >= {one for (one,) in rows(session, told.workspace, of_document, document=document)}


def test_an_artifact_is_found_by_key_and_by_event_and_leads_up_to_summaries(session: Session, told: Told) -> None:
    key = told.one(session, "SELECT raw_key FROM source_events WHERE idempotency_key = 'issue 1'")
    for name in (key, "issue 1"):
        root = _trace(session, told, name, used_by=True, most=None)
        assert (root.kind, root.id) == (Kind.RAW, key)
        assert told.summary in {node.id for node in of_kind(root, Kind.SUMMARY)}


def test_a_relationship_leads_to_the_words_or_fields_that_state_it(session: Session, told: Told) -> None:
    query = """SELECT r.relationship_id FROM relationships r JOIN knowledge_documents d ON d.document_id = r.from_id
        WHERE r.type = 'AUTHORED_BY' AND d.source_id = 'acme/shop#1'"""
    root = _trace(session, told, told.one(session, query))
    assert root.words.startswith(f"{ISSUE} -> ")
    assert [node.name for node in under(root, "stated by")] == [ISSUE]
    assert _is_backed_by_bytes(session, root)


def test_a_topic_leads_to_its_members_and_up_to_its_summary(session: Session, told: Told) -> None:
    down = _trace(session, told, told.cluster, most=None)
    assert {node.id for node in under(down, "members")} == set(told.cited)
    assert [node.id for node in under(_trace(session, told, told.cluster, used_by=True), "summaries")] == [told.summary]


def test_wide_branches_are_cut_and_say_how_much_is_left(session: Session, told: Told) -> None:
    whole, cut = (_trace(session, told, told.summary, most=most) for most in (None, 1))
    (branch,), (short,) = whole.branches, cut.branches
    assert (len(branch.nodes), branch.more) == (len(told.cited), 0)
    assert (len(short.nodes), short.more) == (1, len(told.cited) - 1)
    assert short.nodes[0].id == told.cited[0]


def test_what_stands_twice_has_its_branches_once(session: Session, told: Told) -> None:
    root = _trace(session, told, "github:7", most=None)
    seen = [node for node in walk(root) if node.id == under(root, "observations")[0].id]
    assert [bool(node.branches) for node in seen] == [True, False]
    assert [node.is_repeated for node in seen] == [False, True]


@pytest.mark.parametrize("name", ["nothing of this name", "doc_0000", "%", "obs_\x00", "a#b", "a:body"])
def test_what_stands_for_nothing_is_not_found(session: Session, told: Told, name: str) -> None:
    with pytest.raises(NotFoundError, match="nothing in workspace"):
        _trace(session, told, name)


def test_ids_of_other_workspaces_are_not_found(session: Session, told: Told, workspace: WorkspaceId) -> None:
    query = "SELECT chunk_id FROM knowledge_chunks UNION SELECT observation_id FROM memory_observations "
    query += "UNION SELECT document_id FROM knowledge_documents UNION SELECT entity_id FROM entities "
    query += "UNION SELECT raw_key FROM source_events UNION SELECT vector_id FROM vector_entries"
    names = [name for (name,) in rows(session, told.workspace, query)]
    assert len(names) > 10
    for name in [*names, told.summary, told.cluster]:
        with pytest.raises(NotFoundError):
            trace(name, workspace=workspace, stores=session.stores, include_private=True)


def test_a_beginning_that_several_have_names_them(session: Session, workspace: WorkspaceId) -> None:
    insert = "INSERT INTO entities (entity_id, workspace_id, kind, key, name) VALUES "
    insert += "('ent_abcd1', :w, 'person', 'a', 'Ada'), ('ent_abcd2', :w, 'person', 'b', 'Ben') RETURNING 1"
    rows(session, workspace, insert, w=workspace)
    with pytest.raises(PermanentError, match="'ent_abcd' may be any of ent_abcd1, ent_abcd2: give more of the id"):
        trace("ent_abcd", workspace=workspace, stores=session.stores)
