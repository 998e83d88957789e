"""Owners that a table of a page states: edges with their rows as evidence, which end with their rows."""

from __future__ import annotations

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session

from .dumps import rows
from .life_events import build_memory
from .samples import page_event

_HEAD = "# Owners\n\n| component | owner | second |\n|---|---|---|\n"
_CART = "| cart | Ada Lovelace | Grace Hopper |"
_SEARCH = "| search | @grace | Ada Lovelace |"
_MOVED = "| search | Ada Lovelace | @grace |"

_OWNED = """SELECT o.key, t.key, e.quote, substr(c.text, e.start_char + 1, e.end_char - e.start_char), e.until IS NULL,
        r.until IS NULL
    FROM relationships r JOIN entities o ON o.entity_id = r.from_id JOIN entities t ON t.entity_id = r.to_id
    JOIN relationship_evidence e USING (relationship_id) JOIN knowledge_chunks c USING (chunk_id)
    WHERE r.type = 'OWNED_BY' ORDER BY 1, 2"""


def _write(session: Session, workspace: WorkspaceId, *lines: str, at: str) -> None:
    content = _HEAD + "\n".join(lines) + "\n"
    build_memory(session, workspace, [page_event(workspace, key=at, path="owners.md", content=content, at=at)])


def test_a_row_is_an_edge_until_a_later_version_says_otherwise(session: Session, workspace: WorkspaceId) -> None:
    _write(session, workspace, _CART, _SEARCH, at="2026-03-01T10:00:00Z")
    cart = ("component:cart", "docs-login:ada lovelace", _CART, _CART, True, True)
    assert rows(session, workspace, _OWNED) == [
        cart,
        ("component:search", "github-login:grace", _SEARCH, _SEARCH, True, True),
    ]

    _write(session, workspace, _CART, _MOVED, at="2026-03-02T10:00:00Z")
    held = [(origin, owner) for origin, owner, *_, is_live in rows(session, workspace, _OWNED) if is_live]
    ended = [(origin, owner) for origin, owner, *_, is_live in rows(session, workspace, _OWNED) if not is_live]
    assert held == [("component:cart", "docs-login:ada lovelace"), ("component:search", "docs-login:ada lovelace")]
    assert ended == [("component:search", "github-login:grace")]


def test_a_person_is_named_as_the_table_names_them(session: Session, workspace: WorkspaceId) -> None:
    _write(session, workspace, _CART, "| search | Grace Hopper (@grace) | - |", at="2026-03-01T10:00:00Z")
    people = "SELECT key, name FROM entities WHERE kind = 'person' ORDER BY 1"
    assert rows(session, workspace, people) == [
        ("docs-login:ada lovelace", "Ada Lovelace"),
        ("github-login:grace", "Grace Hopper"),
    ]
