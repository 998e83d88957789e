"""What Notion pages say of people, goals and other documents: links, properties, observations."""

from __future__ import annotations

import pytest
from notion_payloads import (
    ADA_ID,
    BOB_ID,
    BOT_ID,
    DATA_SOURCE_ID,
    DATABASE_ID,
    OTHER_ID,
    PAGE_ID,
    PARENT_ID,
    Payload,
    ada,
    block,
    bot,
    changes,
    collection,
    comment,
    draft,
    mention,
    page,
    paragraph,
    prop,
    rich,
    text,
    titled,
)

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind

OTHER = f"notion:{OTHER_ID}"


def links(told: SourceDraft, edge: EdgeType) -> list[LinkDraft]:
    return [link for link in told.links if link.type is edge]


def words(told: SourceDraft, edge: EdgeType) -> list[tuple[str, str]]:
    """The targets of an edge, each with the words that carry it."""
    return [(link.target.handle if link.target else "", told.body[link.start : link.end]) for link in links(told, edge)]


def fields(told: SourceDraft, edge: EdgeType) -> list[tuple[str, str]]:
    return [(link.target.handle if link.target else "", link.field) for link in links(told, edge)]


# --- place


def test_a_page_is_part_of_what_it_hangs_below() -> None:
    assert fields(draft(parent={"type": "page_id", "page_id": PARENT_ID}), EdgeType.PART_OF) == [
        (f"notion:{PARENT_ID}", "parent.page_id")
    ]
    in_database = {"type": "data_source_id", "data_source_id": DATA_SOURCE_ID, "database_id": DATABASE_ID}
    assert fields(draft(parent=in_database), EdgeType.PART_OF) == [
        (f"notion:{DATA_SOURCE_ID}", "parent.data_source_id"),
        (f"notion:{DATABASE_ID}", "parent.database_id"),
    ]
    (database,) = changes(collection("database")).drafts
    assert fields(database, EdgeType.PART_OF) == [(f"notion:{PARENT_ID}", "parent.page_id")]
    assert links(draft(), EdgeType.PART_OF) == []


# --- people


@pytest.mark.parametrize(
    ("name", "edge"),
    [
        ("Owner", EdgeType.OWNED_BY),
        ("Page owners", EdgeType.OWNED_BY),
        ("DRI", EdgeType.OWNED_BY),
        ("Assignee", EdgeType.ASSIGNED_TO),
        ("Assigned to", EdgeType.ASSIGNED_TO),
        ("Guests", None),
        ("Homeowner", None),
    ],
)
def test_people_properties(name: str, edge: EdgeType | None) -> None:
    told = draft(properties={name: prop("people", [ada(), ada(), bot()])}, created_by=None)
    found = [(link.type, link.target, link.field) for link in told.links]
    if edge is None:
        assert found == []
    else:
        ((kind, target, field),) = found
        assert (kind, field) == (edge, f"properties.{name}")
        assert target is not None
        assert (target.kind, target.handle, target.name) == (NodeKind.PERSON, f"notion:{ADA_ID}", "Ada Lovelace")
    assert {account.provider_id for account in told.accounts} >= {f"notion:{ADA_ID}", f"notion:{BOT_ID}"}


def test_a_group_that_owns_a_page_is_a_team() -> None:
    group = {"object": "group", "id": OTHER_ID, "name": "Payments"}
    told = draft(properties={"Owner": prop("people", [group])})
    (link,) = links(told, EdgeType.OWNED_BY)
    assert link.target is not None
    assert (link.target.kind, link.target.handle, link.target.name) == (NodeKind.TEAM, OTHER, "Payments")
    assert all(account.provider_id != OTHER for account in told.accounts)


def test_users_are_mentioned_once_with_their_words_and_bots_never() -> None:
    once, again = mention("@Ada", user={"object": "user", "id": ADA_ID}), mention("@Ada again", user=ada())
    item = block("bulleted_list_item", "- ", text("ask ", bold=True), once)
    told = draft(block("quote", children=[item]), paragraph(again, mention("@Importer", user=bot())))
    assert words(told, EdgeType.MENTIONS) == [(f"notion:{ADA_ID}", "@Ada")]
    (link,) = links(told, EdgeType.MENTIONS)
    assert link.target is not None
    assert (link.target.kind, link.target.name) == (NodeKind.PERSON, "Ada Lovelace")


def test_a_mention_in_a_title_a_table_and_behind_an_escape_keeps_its_place() -> None:
    named = mention("@Bob", user={"object": "user", "id": BOB_ID})
    table = block("table", children=[block("table_row", cells=[rich("a|b"), [named]])], has_column_header=True)
    for told in (
        draft(paragraph("# ", named)),
        draft(paragraph("a\n  12. ", named, " b")),
        draft(properties={"Name": titled("_x_ ", named)}),
        draft(block("heading_2", "a_ ", named)),
        draft(table),
    ):
        assert words(told, EdgeType.MENTIONS) == [(f"notion:{BOB_ID}", "@Bob")]


# --- goals and relations


@pytest.mark.parametrize("name", ["Goal", "Related goals", "Objective", "OKRs", "Strategic initiative"])
def test_relations_to_goals(name: str) -> None:
    told = draft(properties={name: prop("relation", [{"id": OTHER_ID}, {"id": OTHER_ID}])})
    (link,) = told.links
    assert link.target is not None
    assert (link.type, link.target.kind, link.target.handle) == (EdgeType.ALIGNS_WITH_GOAL, NodeKind.GOAL, OTHER)
    assert link.field == f"properties.{name}"


def test_other_relations() -> None:
    related = prop("relation", [{"id": OTHER_ID}, {"id": PAGE_ID}])
    told = draft(properties={"Meetings": related})
    assert fields(told, EdgeType.RELATES_TO) == [(OTHER, "properties.Meetings")]


@pytest.mark.parametrize(
    ("name", "edge", "leads_here"),
    [
        ("Parent item", EdgeType.PART_OF, False),
        ("Sub-item", EdgeType.PART_OF, True),
        ("Blocked by", EdgeType.BLOCKED_BY, False),
        ("Blocking", EdgeType.BLOCKED_BY, True),
    ],
)
def test_notions_own_relations(name: str, edge: EdgeType, leads_here: bool) -> None:
    (link,) = draft(properties={name: prop("relation", [{"id": OTHER_ID}])}).links
    here, there = (link.target, link.origin) if leads_here else (link.origin, link.target)
    assert link.type is edge
    assert here is None
    assert there is not None
    assert there.handle == OTHER


def test_pages_mentioned_as_goals() -> None:
    named = mention("Be fast", page={"id": OTHER_ID})
    for blocks in (
        [paragraph("Goal: ", named)],
        [paragraph(text("Goals:", bold=True), " first ", named)],
        [block("bulleted_list_item", "Objective: ", named)],
    ):
        told = draft(*blocks)
        (link,) = links(told, EdgeType.ALIGNS_WITH_GOAL)
        assert link.confidence == 1.0
        assert told.body[link.start : link.end].startswith("[Be fast](")
    for blocks in ([paragraph("No goal: it is ", named)], [paragraph("See ", named, ", Goal: none")]):
        assert links(draft(*blocks), EdgeType.ALIGNS_WITH_GOAL) == []


def test_pages_below_a_heading_of_goals() -> None:
    named = mention("Be fast", page={"id": OTHER_ID})
    told = draft(block("heading_2", "Goal"), paragraph("We do ", named), block("heading_2", "Rest"), paragraph("x"))
    (link,) = links(told, EdgeType.ALIGNS_WITH_GOAL)
    assert link.confidence < 1.0
    behind = draft(block("heading_2", "Goal"), paragraph("a"), block("heading_2", "Rest"), paragraph(named))
    assert links(behind, EdgeType.ALIGNS_WITH_GOAL) == []


# --- references


def test_references_are_found_in_words_mentions_and_properties() -> None:
    told = draft(
        paragraph("See https://github.com/acme/shop/pull/12 and ", mention("that", page={"id": OTHER_ID}), " again: "),
        paragraph(text("twelve", link="https://github.com/acme/shop/pull/12"), " ", text("ABC-1", code=True)),
        block("link_to_page", type="page_id", page_id=PARENT_ID),
        properties={
            "PR": prop("url", "https://github.com/acme/shop/pull/13"),
            "Also": prop("rich_text", rich("https://github.com/acme/shop/pull/12")),
        },
    )
    carried = dict(words(told, EdgeType.REFERENCES))
    assert carried["github:acme/shop#12"] == "https://github.com/acme/shop/pull/12"
    assert carried[OTHER].startswith("[that](")
    assert carried[f"notion:{PARENT_ID}"].startswith("[Linked page](")
    assert ("github:acme/shop#13", "properties.PR") in fields(told, EdgeType.REFERENCES)
    assert len(links(told, EdgeType.REFERENCES)) == len(carried) == 4


def test_a_page_does_not_refer_to_itself_and_not_without_end() -> None:
    itself = mention("me", page={"id": PAGE_ID})
    assert draft(paragraph(itself, f" https://www.notion.so/x-{PAGE_ID.replace('-', '')}")).links == ()
    many = paragraph(" ".join(f"https://github.com/acme/shop/issues/{number}" for number in range(1, 300)))
    assert len(links(draft(many), EdgeType.REFERENCES)) == 200


def test_a_comments_links() -> None:
    (told,) = changes(comment("Ask ", mention("@Bob", user={"object": "user", "id": BOB_ID}))).drafts
    assert words(told, EdgeType.MENTIONS) == [(f"notion:{BOB_ID}", "@Bob")]


# --- properties


def test_properties_become_metadata_and_stay_out_of_the_text() -> None:
    formula: Payload = {"type": "string", "string": "late"}
    rolled: Payload = {"type": "array", "array": [prop("select", {"name": "x"}), prop("number", 2)], "function": "f"}
    told = draft(
        properties={
            "Kind": prop("select", {"name": "Retro", "color": "blue"}),
            "Tags": prop("multi_select", [{"name": "a"}, {"name": "b"}]),
            "Stage": prop("status", {"name": "Done"}),
            "When": prop("date", {"start": "2026-03-01", "end": "2026-03-02"}),
            "Notes": prop("rich_text", rich("some ", text("words", bold=True))),
            "Link": prop("url", "https://e.com"),
            "Paid": prop("checkbox", False),
            "Sum": prop("number", 1.5),
            "Count": prop("number", 0),
            "Phone": prop("phone_number", "[redacted:phone]"),
            "Files": prop("files", [{"name": "a.pdf", "type": "file", "file": {"url": "https://signed"}}]),
            "Key": prop("unique_id", {"prefix": "TASK", "number": 12}),
            "Formula": prop("formula", formula),
            "Rollup": prop("rollup", rolled),
            "Total": prop("rollup", {"type": "number", "number": 3, "function": "sum"}),
            "By": prop("created_by", ada()),
            "Made": prop("created_time", "2026-03-01T08:00:00.000Z"),
            "Checked": prop("verification", {"state": "verified"}),
            "Where": prop("place", {"lat": 1.0, "lon": 2.0, "name": "Office"}),
        }
    )
    assert told.metadata["properties"] == {
        "Kind": "Retro",
        "Tags": ["a", "b"],
        "Stage": "Done",
        "When": "2026-03-01/2026-03-02",
        "Notes": "some words",
        "Link": "https://e.com",
        "Paid": False,
        "Sum": 1.5,
        "Count": 0,
        "Phone": "[redacted:phone]",
        "Files": ["a.pdf"],
        "Key": "TASK-12",
        "Formula": "late",
        "Rollup": ["x", 2],
        "Total": 3,
        "By": "Ada Lovelace",
        "Made": "2026-03-01T08:00:00.000Z",
        "Checked": "verified",
        "Where": "Office",
    }
    assert told.state == "Done"
    assert told.body == "# A plan"


def test_what_is_empty_moves_by_itself_or_is_unknown_is_no_metadata() -> None:
    empty: dict[str, Payload] = {
        kind: prop(kind, None) for kind in ("select", "status", "date", "number", "url", "formula", "rollup", "place")
    }
    empty |= {kind: prop(kind, []) for kind in ("multi_select", "people", "relation", "files", "rich_text")}
    empty |= {"b": prop("button", {}), "n": prop("new_type", 1), "e": prop("last_edited_time", "2026-03-01T08:00Z")}
    empty |= {"f": prop("formula", {"type": "unsupported", "unsupported": {}}), "u": prop("unique_id", {})}
    assert "properties" not in draft(properties=empty).metadata


def test_an_address_goes_no_further() -> None:
    # Redaction leaves what stands under the key `email` alone, for identity's sake.
    told = draft(
        properties={
            "Contact": prop("email", "ada@shop.example"),
            "email": prop("rich_text", rich("ada@shop.example")),
            "Rolled": prop("rollup", {"type": "array", "array": [prop("email", "ada@shop.example")]}),
            "Owner": prop("people", [ada()]),
        }
    )
    assert "@shop" not in repr(told).lower()
    assert told.author is not None
    assert told.author.email_hash


def test_a_select_named_status_is_the_state() -> None:
    assert draft(properties={"Status": prop("select", {"name": "Open"})}).state == "Open"
    assert draft(properties={"Kind": prop("select", {"name": "Open"})}).state is None


# --- observations


def test_a_page_is_remembered_by_its_title_and_how_it_begins() -> None:
    told = draft(
        paragraph(text("TL;DR", bold=True), ": we wait. See https://github.com/acme/shop/pull/12."),
        block("heading_2", "Why"),
        paragraph("Because."),
        properties={"Kind": prop("select", {"name": "Meeting notes"})},
    )
    (whole,) = told.observations
    assert whole.text == "A plan.\n\nwe wait. See https://github.com/acme/shop/pull/12."
    assert (whole.title, whole.summary) == ("A plan", "we wait. See https://github.com/acme/shop/pull/12.")
    assert whole.tags == ("meeting-notes",)
    assert whole.subject_refs == (PAGE_ID, "acme/shop#12")
    assert whole.importance > 0


def test_decisions_outcomes_and_causes_are_remembered_by_themselves() -> None:
    told = draft(
        paragraph("We met."),
        block("heading_2", "1. Decision"),
        paragraph("By train."),
        block("heading_3", "Outcome:"),
        block("bulleted_list_item", "All came."),
        block("heading_2", "Root cause"),
        paragraph("Rain."),
        block("heading_2", "Else"),
        paragraph("Decision: and back by bus."),
        properties={"Stage": prop("status", {"name": "Done"})},
    )
    stated = [(seen.title, seen.text, seen.tags[0]) for seen in told.observations[1:]]
    assert stated == [
        ("A plan: 1. Decision", "By train.\n\n#### Outcome:\n\n- All came.", "decision"),
        ("A plan: Outcome", "- All came.", "outcome"),
        ("A plan: Root cause", "Rain.", "root-cause"),
        ("A plan: Decision", "and back by bus.", "decision"),
    ]
    assert told.observations[1].tags == ("decision", "done")
    assert told.observations[1].importance > told.observations[0].importance


def test_observations_keep_their_limits() -> None:
    long = "word " * 2_000
    told = draft(
        paragraph(long),
        block("heading_1", "Decision"),
        paragraph(long + "https://github.com/a/b/pull/1 " * 3),
        properties={"Name": titled(long), "Tags": prop("multi_select", [{"name": f"t{n}"} for n in range(50)])},
    )
    for seen in told.observations:
        assert seen.title is not None
        assert seen.summary is not None
        assert len(seen.title) <= 120
        assert len(seen.summary) <= 320
        assert len(seen.text) <= 2_000
        assert len(seen.tags) <= 12
    assert len(told.title) <= 300
    assert told.summary is not None
    assert len(told.summary) <= 320


def test_more_people_an_incident_and_comments_make_a_page_weigh_more() -> None:
    plain = draft(paragraph("x")).observations[0].importance_factors
    incident = draft(paragraph("x"), properties={"Name": titled("Postmortem")}).observations[0].importance_factors
    people = draft(paragraph("x"), properties={"Owner": prop("people", [ada(id=OTHER_ID)])}).observations[0]
    (with_comment, _) = changes({"page": page(), "blocks": [], "comments": [comment("a")]}).drafts
    assert incident["linked"] > plain["linked"]
    assert people.importance_factors["breadth"] > plain["breadth"]
    assert with_comment.observations[0].importance_factors["volume"] > plain["volume"]
