"""A CODEOWNERS file as a document: its rules in metadata, its owners as links, all with spans of the body."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from docs_events import docs_event, read, stated

from neural_memory_pipelines.domain.codeowners import Rules
from neural_memory_pipelines.domain.documents import Skip
from neural_memory_pipelines.domain.graph import EdgeType, NodeKind, NodeRef
from neural_memory_pipelines.sources import docs

TEXT = """\
# Owners. The last matching line wins.

*          @ada          # everything else
/docs/     @acme/Docs [redacted:email] @grace

/docs/free
!wrong @ada
"""


def test_rules_become_links_with_their_lines() -> None:
    draft = read(TEXT, ".github/CODEOWNERS")
    assert (draft.type, draft.title, draft.source_id) == ("codeowners", "CODEOWNERS", "handbook/.github/CODEOWNERS")
    assert stated(draft) == [
        ("OWNED_BY", "github-login:ada", "*          @ada"),
        ("OWNED_BY", "github:acme/docs", "/docs/     @acme/Docs [redacted:email] @grace"),
        ("OWNED_BY", "github-login:grace", "/docs/     @acme/Docs [redacted:email] @grace"),
    ]
    assert draft.links[1].origin == NodeRef(NodeKind.COMPONENT, "component:handbook:/docs/", name="/docs/")
    assert draft.links[1].target == NodeRef(NodeKind.TEAM, "github:acme/docs", name="acme/Docs")
    assert draft.observations == ()


def test_the_metadata_holds_the_rules() -> None:
    draft = read(TEXT, "CODEOWNERS")
    rows = json.loads(json.dumps(draft.metadata["codeowners"]))
    assert [[row[0], row[1], draft.body[row[2] : row[3]], row[4]] for row in rows] == [
        ["*", ["@ada"], "*          @ada", 3],
        ["/docs/", ["@acme/Docs", "[redacted:email]", "@grace"], "/docs/     @acme/Docs [redacted:email] @grace", 4],
        ["/docs/free", [], "/docs/free", 6],
    ]
    assert draft.metadata["codeowners_faults"] == ["line 7: a pattern cannot be negated"]
    assert Rules.from_json(rows).owners("docs/free") == ((), 6)


def test_the_body_is_code_that_names_nothing() -> None:
    draft = read("# see acme/shop#3 and @ada\n````\n* @ada\n", "docs/CODEOWNERS")
    assert draft.body.startswith("`````\n")
    assert draft.body.endswith("\n`````")
    assert stated(draft, EdgeType.REFERENCES, EdgeType.MENTIONS) == []


def test_a_file_of_that_name_elsewhere_is_a_page() -> None:
    assert read(TEXT, "samples/CODEOWNERS").type == "doc"


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_file_is_gone(content: str) -> None:
    payload = {"store": "handbook", "path": "CODEOWNERS", "content": content, "changedAt": "2024-01-01T00:00:00Z"}
    parsed = docs.parse(docs_event(docs.UPSERTED, payload))
    assert isinstance(parsed, Skip)
    assert [gone.source_id for gone in parsed.gone] == ["handbook/CODEOWNERS"]


def test_a_huge_file_has_a_bounded_number_of_links() -> None:
    draft = read("".join(f"/p{number} @ada\n" for number in range(20_000)), "CODEOWNERS")
    rows = draft.metadata["codeowners"]
    assert isinstance(rows, list)
    assert (len(draft.links), len(rows)) == (5_000, 20_000)


def test_a_real_handbook(shared_data: Path) -> None:
    text = (shared_data / "handbook_18f" / "CODEOWNERS").read_text()
    draft = read(text, "CODEOWNERS")
    assert len(draft.links) == 30
    for link in draft.links:
        assert link.origin is not None
        line = draft.body[link.start : link.end]
        assert line.split() == [link.origin.name, line.split()[-1]]
        assert line in text
