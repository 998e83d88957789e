"""Links in the lives of documents: the words they stand in, and the names and owners they lead to."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.relationships import reconcile_relationships

from .dumps import rows, statuses
from .life_events import a_deletion, a_life, a_page, a_part, a_reference, build_memory, memory_of
from .samples import page_event, prose

pytestmark = pytest.mark.usefixtures("scripted_source")


def _evidence(session: Session, workspace: WorkspaceId) -> list[tuple[str, str, str]]:
    query = """SELECT r.type, substr(c.text, e.start_char + 1, e.end_char - e.start_char), e.quote
        FROM relationship_evidence e JOIN relationships r USING (relationship_id)
        JOIN knowledge_chunks c USING (chunk_id) WHERE e.until IS NULL AND e.field = ''"""
    return sorted((row[0], row[1], row[2]) for row in rows(session, workspace, query))


@pytest.mark.parametrize(
    "tail", ["", "\n", "   \n\n\n", " \0\ud83d"], ids=["bare", "line end", "blanks", "nul and half"]
)
def test_words_of_links_are_found_where_they_stand(session: Session, workspace: WorkspaceId, tail: str) -> None:
    words = [f"see \0 page-{number} \u05d0\U0001f6a2" for number in range(250)]
    sentences = [f"{prose(f'topic{number}', sentences=2)} Then {word}" for number, word in enumerate(words)]
    body = "\n\n".join(sentences) + tail
    links = [{**a_reference(f"p{number}", word)} for number, word in enumerate(words)]
    pages = [a_page(f"p{number}", 1, ".") for number in range(250)]
    memory_of(session, workspace, a_life(a_page("a", 1, body, links=links), *pages))
    stored = [word.replace("\0", "\ufffd") for word in words]
    assert _evidence(session, workspace) == sorted(("REFERENCES", word, word) for word in stored)
    assert len(rows(session, workspace, "SELECT 1 FROM knowledge_chunks WHERE superseded_at IS NULL")) > 250


def test_words_that_run_over_the_end_of_a_chunk_are_quoted_up_to_it(session: Session, workspace: WorkspaceId) -> None:
    body = "\n\n".join(prose(f"topic{number}") for number in range(6))
    memory_of(session, workspace, a_life(a_page("a", 1, body, links=[a_reference("b", body)]), a_page("b", 1)))
    ((_, words, quote),) = _evidence(session, workspace)
    assert body.startswith(quote)
    assert words.startswith(quote)
    assert len(quote) == 300


def test_a_document_links_to_itself_by_no_edge_and_a_blank_one_has_evidence_without_a_chunk(
    session: Session, workspace: WorkspaceId
) -> None:
    blank = a_page("blank", 1, " ", links=[{"type": "RELATES_TO", "to": "document scripted:a", "field": "relations"}])
    memory_of(session, workspace, a_life(a_page("a", 1, "See a.", links=[a_reference("a", "a.")]), blank))
    found = rows(session, workspace, "SELECT r.type, e.chunk_id, e.quote FROM relationships r "
                                     "JOIN relationship_evidence e USING (relationship_id)")  # fmt: skip
    assert found == [("RELATES_TO", None, "")]


def test_names_that_no_database_can_keep_stop_nothing(session: Session, workspace: WorkspaceId) -> None:
    odd = "a\0\ud800"
    life = a_life(
        a_page(odd, 1, url=f"https://example.org/{odd}", handles=[odd], parent=odd, links=[a_reference(odd, "words")]),
        a_part(odd, odd, 1, odd + " of weight"),
        {"renames": [{"old": odd, "new": "b", "at": 5}]},
        {**a_page("c", 1), "commit": {"store": odd, "after": odd, "delivery_id": odd}},
        {**a_page("c", 2), "commit": {"store": odd, "after": odd, "delivery_id": odd}},
        a_deletion(odd, 3, odd),
    )
    memory_of(session, workspace, life)
    assert statuses(session, workspace).keys() <= {"persisted", "skipped"}


def test_one_key_names_entities_of_several_kinds(session: Session, workspace: WorkspaceId) -> None:
    links = [{"type": "PART_OF", "to": f"{kind} same:key", "field": kind} for kind in ("team", "project", "goal")]
    links.append({"type": "ASSIGNED_TO", "to": "person same:key", "field": "assignee"})
    memory_of(session, workspace, a_life(a_page("a", 1, links=links)))
    found = rows(session, workspace, "SELECT to_kind FROM relationships ORDER BY to_kind")
    assert found == [("goal",), ("person",), ("project",), ("team",)]


def test_who_is_split_off_under_a_login_is_meant_by_it(session: Session, workspace: WorkspaceId) -> None:
    link = {"type": "ASSIGNED_TO", "to": "person github-login:ada", "field": "assignee"}
    memory_of(session, workspace, a_life(a_page("a", 1, links=[link]), {"accounts": ["github:7 Ada"]}))
    decide_identity(
        workspace, "split", names=("github:7", "github-login:ada"), decided_by="ben", reason="another",
        stores=session.stores,
    )  # fmt: skip
    assigned = "SELECT e.key FROM relationships r JOIN entities e ON e.entity_id = r.to_id WHERE r.type = 'ASSIGNED_TO'"
    assert rows(session, workspace, assigned) == [("github-login:ada",)]
    assert [reconcile_relationships(workspace, stores=session.stores).written for _ in range(3)] == [0, 0, 0]


def test_owners_that_are_named_twice_own_once(session: Session, workspace: WorkspaceId) -> None:
    rules = "/a.md @ada @ben @ada\n/a.md @ada @ben @ada\n/b.md @ada\n"
    pages = {"CODEOWNERS": rules, "a.md": "# A", "b.md": "# B"}
    build_memory(session, workspace, [page_event(workspace, key=p, path=p, content=c) for p, c in pages.items()])
    owned = """SELECT d.source_id, e.key FROM relationships r JOIN knowledge_documents d ON d.document_id = r.from_id
        JOIN entities e ON e.entity_id = r.to_id WHERE r.type = 'OWNED_BY' ORDER BY 1, 2"""
    ada, ben = "github-login:ada", "github-login:ben"
    assert rows(session, workspace, owned) == [
        ("handbook/a.md", ada),
        ("handbook/a.md", ben),
        ("handbook/b.md", ada),
    ]
