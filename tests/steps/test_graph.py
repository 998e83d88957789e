"""Edges: each with its evidence, resolved whenever its target arrives, retired when its words go. And persons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.graph_cache import neighbours_key, prime_graph_cache
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.graph import live_edges

from .doubles import session_with
from .dumps import rows
from .pipeline import PathReport, run_path
from .samples import envelope, issue, page_event, prose, slack_message

_NODE = """coalesce((SELECT source || ':' || source_id FROM knowledge_documents WHERE document_id = {0}),
    (SELECT kind || ':' || key FROM entities WHERE entity_id = {0}))"""
EDGES = f"""SELECT type, {_NODE.format("from_id")}, {_NODE.format("to_id")}, until IS NULL FROM relationships"""
EVIDENCE = """SELECT r.type, c.text, e.start_char, e.end_char, e.quote, e.field FROM relationship_evidence e
    JOIN relationships r USING (relationship_id) JOIN knowledge_chunks c USING (chunk_id)"""
EARLY, LATE = "2026-03-02T10:00:00Z", "2026-03-05T10:00:00Z"


def _run(session: Session, workspace: WorkspaceId, *lines: bytes) -> PathReport:
    put_lines(session.stores.objects, workspace, lines)
    return run_path(session, workspace)


def _edges(session: Session, workspace: WorkspaceId, *types: str) -> set[tuple[Any, ...]]:
    return {row for row in rows(session, workspace, EDGES) if row[0] in types}


def _issue(workspace: WorkspaceId, number: int, body: str, *, at: str = EARLY, **fields: Any) -> bytes:
    payload = {**issue(number, body=body, updated=at), **fields}
    return envelope(workspace, key=f"{number} {at}", occurredAt=at, payload=payload)


def test_a_reference_becomes_an_edge_when_its_target_arrives(session: Session, workspace: WorkspaceId) -> None:
    first = _run(session, workspace, _issue(workspace, 1, f"{prose('carts')}\n\nSee #2 for more, and `#3`."))
    assert _edges(session, workspace, "REFERENCES") == set()
    assert first.graph[1].skipped >= 1

    _run(session, workspace, _issue(workspace, 2, "Nothing."), _issue(workspace, 3, "Nothing."))
    assert _edges(session, workspace, "REFERENCES") == {
        ("REFERENCES", "github:acme/shop#1", "github:acme/shop#2", True)
    }


def test_every_edge_has_evidence_whose_span_is_its_quote(session: Session, workspace: WorkspaceId) -> None:
    long_body = f"{prose('carts', sentences=60)}\n\nSee #2.\n\n{prose('tills', sentences=60)}\n\nAnd acme/shop#3."
    _run(
        session,
        workspace,
        _issue(workspace, 1, long_body, assignees=[{"login": "ben", "id": 8, "type": "User"}]),
        _issue(workspace, 2, "Nothing."),
        _issue(workspace, 3, "Nothing."),
    )
    evidence = rows(session, workspace, EVIDENCE)
    assert {(kind, quote) for kind, _, _, _, quote, field in evidence if not field} == {
        ("REFERENCES", "#2"),
        ("REFERENCES", "acme/shop#3"),
    }
    assert {(kind, field) for kind, *_, field in evidence if field} >= {("ASSIGNED_TO", "assignees")}
    for _, chunk, start, end, quote, _ in evidence:
        assert chunk[start:end][:300] == quote
    without = """SELECT count(*) FROM relationships r WHERE NOT EXISTS
        (SELECT FROM relationship_evidence e WHERE e.relationship_id = r.relationship_id)"""
    assert rows(session, workspace, without) == [(0,)]


def test_an_edge_whose_words_go_is_retired_and_comes_back_with_them(session: Session, workspace: WorkspaceId) -> None:
    edge = ("REFERENCES", "github:acme/shop#1", "github:acme/shop#2")
    _run(session, workspace, _issue(workspace, 2, "Nothing."), _issue(workspace, 1, "See #2."))
    assert _edges(session, workspace, "REFERENCES") == {(*edge, True)}

    _run(session, workspace, _issue(workspace, 1, "See nothing.", at=LATE))
    assert _edges(session, workspace, "REFERENCES") == {(*edge, False)}
    spans = "SELECT since, until FROM relationships WHERE type = 'REFERENCES'"
    ((since, until),) = rows(session, workspace, spans)
    assert (since.isoformat(), until.isoformat()) == ("2026-03-02T10:00:00+00:00", "2026-03-05T10:00:00+00:00")

    _run(session, workspace, _issue(workspace, 1, "See #2 again.", at="2026-03-06T10:00:00Z"))
    assert _edges(session, workspace, "REFERENCES") == {(*edge, True)}


def test_running_again_changes_nothing(session: Session, workspace: WorkspaceId) -> None:
    _run(session, workspace, _issue(workspace, 2, "Nothing."), _issue(workspace, 1, "See #2."))
    again = run_path(session, workspace)
    assert [(report.written, report.deleted) for report in again.graph] == [(0, 0)] * 3


def test_codeowners_give_owners_by_the_last_line_that_matches(session: Session, workspace: WorkspaceId) -> None:
    rules = "*  @ada\n/guides/  @acme/docs @ben\n/guides/open.md\n"
    pages = {"CODEOWNERS": rules, "a.md": "# A", "guides/b.md": "# B", "guides/open.md": "# Open"}
    _run(session, workspace, *(page_event(workspace, key=p, path=p, content=c) for p, c in pages.items()))
    owned = {edge for edge in _edges(session, workspace, "OWNED_BY") if edge[1].startswith("docs:")}
    assert owned == {
        ("OWNED_BY", "docs:handbook/a.md", "person:github-login:ada", True),
        ("OWNED_BY", "docs:handbook/guides/b.md", "team:github:acme/docs", True),
        ("OWNED_BY", "docs:handbook/guides/b.md", "person:github-login:ben", True),
    }
    later = "2026-03-10T08:00:00Z"
    _run(session, workspace, page_event(workspace, key="new", path="CODEOWNERS", content="* @ben\n", at=later))
    owned = {edge for edge in _edges(session, workspace, "OWNED_BY") if edge[1].startswith("docs:") and edge[3]}
    assert {edge[1:3] for edge in owned} == {
        (f"docs:handbook/{path}", "person:github-login:ben") for path in ("a.md", "guides/b.md", "guides/open.md")
    }


def _linear(workspace: WorkspaceId, *, user: str, name: str, email: str) -> bytes:
    person = {
        "id": user,
        "name": name,
        "email": email,
        "url": f"https://linear.app/acme/profiles/{name.split(maxsplit=1)[0]}",
    }
    data = {
        "id": "9f1c1c1e-0000-4000-8000-000000000001",
        "identifier": "TIL-1",
        "number": 1,
        "title": "Mend the till",
        "description": "It is broken.",
        "createdAt": EARLY,
        "updatedAt": EARLY,
        "creatorId": user,
        "assigneeId": user,
        "assignee": person,
        "creator": person,
        "state": {"id": "s", "name": "Todo", "type": "unstarted", "color": "#fff"},
        "team": {"id": "t", "key": "TIL", "name": "Till"},
        "url": "https://linear.app/acme/issue/TIL-1/mend-the-till",
        "labels": [],
    }
    payload = {"action": "create", "type": "Issue", "actor": person, "createdAt": EARLY, "data": data}
    payload |= {"url": data["url"], "webhookTimestamp": 1, "webhookId": "w"}
    return envelope(workspace, key=f"linear {user}", source="linear", action="Issue.create", payload=payload)


PERSONS = """SELECT p.name, array_agg(a.key ORDER BY a.key) FROM entities p JOIN entities a
    ON a.entity_id = p.entity_id OR a.merged_into = p.entity_id
    WHERE p.kind = 'person' AND p.merged_into IS NULL GROUP BY p.entity_id, p.name ORDER BY p.name"""


def _persons(session: Session, workspace: WorkspaceId) -> dict[str, Sequence[str]]:
    return dict(rows(session, workspace, PERSONS))


def test_a_verified_address_makes_one_person_of_two_accounts(session: Session, workspace: WorkspaceId) -> None:
    _run(
        session,
        workspace,
        slack_message(workspace, user="U1", name="Ada Byron", email="Ada@acme.example", ts="1772445600.000100"),
        _linear(workspace, user="lin-1", name="Ada Byron", email="ada@acme.example"),
    )
    assert _persons(session, workspace)["Ada Byron"] == ["linear:lin-1", "slack:U1"]
    authored = {edge[2] for edge in _edges(session, workspace, "AUTHORED_BY")}
    assert authored == {"person:linear:lin-1"}
    for table, column in (("identity_claims", "email_hash"), ("entity_aliases", "value")):
        held = rows(session, workspace, f"SELECT {column} FROM {table}")
        assert held
        assert not [value for (value,) in held if value and "@" in value]


def test_a_person_decides_about_accounts_and_the_edges_follow(session: Session, workspace: WorkspaceId) -> None:
    _run(
        session,
        workspace,
        slack_message(workspace, user="U1", name="Ada", email="", ts="1772445600.000100"),
        _issue(workspace, 1, "The till."),
    )
    before = _persons(session, workspace)
    assert before["ada"] == ["github:7"]
    decide = {"decided_by": "ben", "reason": "she said so", "stores": session.stores}
    decide_identity(workspace, "merge", names=("slack:U1", "github-login:ada"), **decide)  # type: ignore[arg-type]
    (accounts,) = _persons(session, workspace).values()
    assert accounts == ["github:7", "slack:U1"]
    assert {edge[2] for edge in _edges(session, workspace, "AUTHORED_BY")} == {"person:github:7"}

    decide_identity(workspace, "split", names=("slack:U1", "github:7"), **decide)  # type: ignore[arg-type]
    assert sorted(map(tuple, _persons(session, workspace).values())) == [("github:7",), ("slack:U1",)]
    audit = "SELECT kind, first_account, second_account, decided_by, reason FROM identity_decisions ORDER BY decided_at"
    assert [row[0] for row in rows(session, workspace, audit)] == ["merge", "split"]

    with pytest.raises(NotFoundError, match="nobody answers to 'zoe'"):
        decide_identity(workspace, "merge", names=("zoe", "github:7"), **decide)  # type: ignore[arg-type]
    with pytest.raises(PermanentError, match="the same account"):
        decide_identity(workspace, "merge", names=("github:7", "github-login:ada"), **decide)  # type: ignore[arg-type]


def test_workspaces_never_share_a_person(session: Session, workspace: WorkspaceId) -> None:
    other = WorkspaceId(f"{workspace}-other")
    _run(
        session,
        workspace,
        slack_message(workspace, user="U1", name="Ada B", email="a@x.example", ts="1772445600.000100"),
    )
    _run(session, other, _linear(other, user="lin-1", name="Ada B", email="a@x.example"))
    assert list(_persons(session, workspace).values()) == [["slack:U1"]]
    assert list(_persons(session, other).values()) == [["linear:lin-1"]]


def test_nothing_private_is_shown_to_those_who_may_see_a_run(session: Session, workspace: WorkspaceId) -> None:
    said = slack_message(workspace, user="U1", name="Ada Byron", email="", ts="1772445600.000100")
    whispered = slack_message(workspace, user="U1", name="Ada Byron", email="", ts="1772445700.000100")
    for public, private in (
        (b'"channel": "C1"', b'"channel": "D1"'),
        (b'"channel_type": "channel"', b'"channel_type": "im"'),
    ):
        whispered = whispered.replace(public, private)
    report = _run(session, workspace, said, whispered.replace(b"northern pier", b"secret plan"))
    assert rows(session, workspace, "SELECT privacy FROM knowledge_documents ORDER BY 1") == [("org",), ("private",)]
    with session.stores.database.transaction(workspace) as tx:
        shown = [edge.from_id for edge in live_edges(tx)]
        (public,) = tx.connection.execute(
            text("SELECT document_id FROM knowledge_documents WHERE privacy = 'org'")
        ).one()
    assert set(shown) == {public}
    persisted = report.persisted
    examples = [*persisted.documents.examples, *persisted.chunks.examples, *persisted.observations.examples]
    assert examples
    assert "secret plan" not in str([examples, [part.examples for part in (*report.graph, *report.embedded.values())]])


def test_the_neighbours_are_cached_and_come_back_when_they_are_lost(session: Session, workspace: WorkspaceId) -> None:
    _run(session, workspace, _issue(workspace, 2, "Nothing."), _issue(workspace, 1, "See #2."))
    ((one, two),) = rows(session, workspace, "SELECT from_id, to_id FROM relationships WHERE type = 'REFERENCES'")
    out, into = (neighbours_key(workspace, way, "document", node) for way, node in (("out", one), ("in", two)))
    assert out == f"graph:out:{workspace}:document:{one}"
    cache = session.stores.cache
    held = cache.get_many([out, into])
    assert {
        "type": "REFERENCES",
        "kind": "document",
        "id": two,
        "name": "Carts vanish at midnight (2)",
    }.items() <= next(node for node in json.loads(held[out]) if node["id"] == two).items()
    assert [node["id"] for node in json.loads(held[into]) if node["type"] == "REFERENCES"] == [one]

    cache.delete_many([out, into, f"cache-generation:{workspace}"])
    report = prime_graph_cache(workspace, stores=session_with(session).stores)
    assert report.written == report.seen > 0
    assert cache.get_many([out, into]) == held

    _run(session, workspace, _issue(workspace, 1, "See nothing.", at=LATE))
    assert all(node["type"] != "REFERENCES" for node in json.loads(cache.get_many([out])[out]))
