"""Drafts that a source made: what came together only there is redacted, and links go on pointing at their words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Changes, ObservationDraft, PartDraft, SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.redacted_drafts import redacted_changes, redacted_draft
from neural_memory_pipelines.domain.redaction import RedactionPolicy

AT = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = "ghp_" + "aB3dE6gH9jK2" * 3
MAIL = "ada@planted.example"
ALL, TOKENS, OFF = RedactionPolicy.ALL, RedactionPolicy.TOKENS, RedactionPolicy.OFF


def _draft(body: str = "Nothing.", **fields: Any) -> SourceDraft:
    whole = {"source": "notion", "source_id": "p", "type": "page", "title": "A plan", "occurred_at": AT, "as_of": AT}
    return SourceDraft(**{**whole, "body": body, **fields})


def _link(body: str, words: str) -> LinkDraft:
    start = body.index(words)
    target = NodeRef(NodeKind.DOCUMENT, f"github:acme/shop{words}")
    return LinkDraft(EdgeType.REFERENCES, target, start=start, end=start + len(words))


def test_what_holds_nothing_is_given_back_as_it_is() -> None:
    clean = _draft("See #1.", links=(_link("See #1.", "#1"),), metadata={"n": 7, "names": ["a"]})
    assert redacted_draft(clean, ALL) is clean
    changes = Changes(drafts=(clean,), accounts=(Account("slack:U1", "Ada"),))
    assert redacted_changes(changes, ALL) is changes
    assert redacted_draft(_draft(SECRET), OFF) == _draft(SECRET)


@pytest.mark.parametrize("value", [SECRET, MAIL])
def test_every_text_of_a_draft_is_looked_at(value: str) -> None:
    draft = _draft(
        f"about {value}",
        title=f"T {value}",
        summary=f"s {value}",
        state=value,
        url=f"https://x.example/?q={value}",
        author=Account("slack:U1", f"Ada {value}", handle=value),
        accounts=(Account("slack:U2", value),),
        handles=(f"https://x.example/{value}",),
        links=(
            LinkDraft(
                EdgeType.RELATES_TO, NodeRef(NodeKind.COMPONENT, f"component:{value}", value), field=f"p.{value}"
            ),
        ),
        metadata={f"Ask {value}": True, "deep": {"list": [{"email": value}, value]}},
        observations=(ObservationDraft(value, AT, value, value, tags=(value,), subject_refs=(f"https://x/{SECRET}",)),),
    )
    changes = redacted_changes(
        Changes(
            drafts=(draft,),
            parts=(PartDraft("slack", "C1", "m", AT, {"text": value}), PartDraft("slack", "C1", "n", AT, None)),
            accounts=(Account("slack:U3", value),),
        ),
        ALL,
    )
    # A login is an id: what looks like an address there is one, and stays.
    spelled = repr(changes).replace(f"handle={value!r}", "") if value == MAIL else repr(changes)
    assert value not in spelled
    assert SECRET not in spelled
    assert redacted_changes(changes, ALL) == changes


def test_the_policy_decides_what_is_taken_out() -> None:
    body = f"key {SECRET}, mail {MAIL}"
    assert redacted_draft(_draft(body), TOKENS).body == f"key [redacted:github-token], mail {MAIL}"
    assert redacted_draft(_draft(body), ALL).body == "key [redacted:github-token], mail [redacted:email]"


def test_the_number_of_a_card_is_one_however_it_is_stored() -> None:
    metadata = {"Card": 4111111111111111, "id": 4111111111111111, "Sum": 123456789012345, "big": True}
    assert redacted_draft(_draft(metadata=metadata), ALL).metadata == metadata | {"Card": "[redacted:card]"}


def test_ids_and_times_stay() -> None:
    draft = _draft(source_id=f"book/{MAIL}", parent=f"book/{MAIL}", author=Account(f"git:{MAIL}", MAIL))
    redacted = redacted_draft(draft, ALL)
    assert (redacted.source_id, redacted.parent) == (draft.source_id, draft.parent)
    assert redacted.author == Account(f"git:{MAIL}", "[redacted:email]")


@given(st.lists(st.sampled_from(["#1", "#22", MAIL, SECRET, "words", "\n", "é🙂"]), min_size=1, max_size=12))
def test_links_point_at_their_words_whatever_is_redacted_around_them(pieces: list[str]) -> None:
    body, links = "", []
    for piece in pieces:
        if piece.startswith("#"):
            target = NodeRef(NodeKind.DOCUMENT, f"github:acme/shop{piece}")
            links.append(LinkDraft(EdgeType.REFERENCES, target, start=len(body), end=len(body) + len(piece)))
        body += f"{piece} "
    redacted = redacted_draft(_draft(body, links=tuple(links)), ALL)
    assert [redacted.body[link.start : link.end] for link in redacted.links] == [p for p in pieces if p[0] == "#"]
    assert MAIL not in redacted.body
    assert SECRET not in redacted.body


def test_a_link_whose_words_are_redacted_points_at_the_placeholder() -> None:
    body = f"Write to {MAIL}, then see #1."
    whole = LinkDraft(EdgeType.RELATES_TO, NodeRef(NodeKind.PERSON, "email:0a"), start=9, end=9 + len(MAIL))
    middle = LinkDraft(EdgeType.RELATES_TO, NodeRef(NodeKind.PERSON, "email:0b"), start=12, end=9 + len(MAIL) - 3)
    redacted = redacted_draft(_draft(body, links=(whole, middle, _link(body, "#1"))), ALL)
    words = [redacted.body[link.start : link.end] for link in redacted.links]
    assert words == ["[redacted:email]", "[redacted:email]", "#1"]
