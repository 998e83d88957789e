"""What Linear's objects link to, by their fields and by the words of their texts."""

from __future__ import annotations

import time

import pytest
from linear_payloads import (
    ADA,
    APP,
    APP_USER,
    BEN,
    ISSUE_ID,
    OTHER_ID,
    PROJECT,
    PROJECT_ID,
    TEAM,
    a_comment,
    a_project,
    a_relation,
    an_update,
    draft_of,
    issue_draft,
    links_of,
    observed_issue,
    spelled,
)

from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef

OTHER = f"linear:issue/{OTHER_ID}"

# --- fields


def test_an_issue_is_assigned_to_a_person_and_not_to_an_app() -> None:
    assert spelled(issue_draft(), EdgeType.ASSIGNED_TO) == [f". -> linear:{BEN['id']} (assignee)"]
    assert spelled(issue_draft(assignee=None), EdgeType.ASSIGNED_TO) == [f". -> linear:{BEN['id']} (assignee)"]
    assert spelled(issue_draft(assignee=APP_USER), EdgeType.ASSIGNED_TO) == []
    assert spelled(issue_draft(assignee=None, assigneeId=None), EdgeType.ASSIGNED_TO) == []


def test_an_issue_is_part_of_its_parent_its_project_and_its_team() -> None:
    draft = issue_draft(parentId=OTHER_ID, project=PROJECT, projectId=PROJECT_ID)
    assert links_of(draft, EdgeType.PART_OF) == [
        LinkDraft(EdgeType.PART_OF, NodeRef(NodeKind.DOCUMENT, OTHER), field="parent"),
        LinkDraft(
            EdgeType.PART_OF, NodeRef(NodeKind.PROJECT, f"linear:{PROJECT_ID}", "Durable carts"), field="project"
        ),
        LinkDraft(EdgeType.PART_OF, NodeRef(NodeKind.TEAM, "linear:shop", "Shop"), field="team"),
    ]
    shown = observed_issue(parent={"id": OTHER_ID, "identifier": "SHOP-9"}, project=PROJECT)
    assert shown.links == draft.links


def test_the_team_is_known_from_the_identifier_and_the_project_from_its_id() -> None:
    draft = issue_draft(team=None, projectId=PROJECT_ID)
    assert [
        (link.target.handle, link.target.name) for link in draft.links if link.target and link.field != "assignee"
    ] == [
        (f"linear:{PROJECT_ID}", ""),
        ("linear:shop", "SHOP"),
    ]


def test_children_are_part_of_their_parent() -> None:
    draft = observed_issue(children={"nodes": [{"id": OTHER_ID}]})
    assert f"{OTHER} -> . (children)" in spelled(draft, EdgeType.PART_OF)


@pytest.mark.parametrize(
    ("type_", "edge", "outward", "inward"),
    [
        ("blocks", EdgeType.BLOCKED_BY, f"{OTHER} -> .", f". -> {OTHER}"),
        ("related", EdgeType.RELATES_TO, f". -> {OTHER}", f"{OTHER} -> ."),
        ("duplicate", EdgeType.DUPLICATES, f". -> {OTHER}", f"{OTHER} -> ."),
    ],
)
def test_relations_lead_the_way_their_type_says(type_: str, edge: EdgeType, outward: str, inward: str) -> None:
    draft = observed_issue(relations={"nodes": [a_relation(type_)]})
    assert spelled(draft, edge) == [f"{outward} (relations)"]
    draft = observed_issue(inverseRelations={"nodes": [a_relation(type_, inverse=True)]})
    assert spelled(draft, edge) == [f"{inward} (inverseRelations)"]


def test_guessed_archived_and_one_sided_relations_are_none() -> None:
    nodes = [
        a_relation("similar"),
        a_relation("blocks") | {"archivedAt": "2026-03-01T00:00:00Z"},
        a_relation("blocks", inverse=True),
    ]
    assert observed_issue(relations={"nodes": nodes}).links == observed_issue().links


def test_attachments_are_references() -> None:
    urls = ["https://github.com/acme/shop/pull/6", "https://status.example/42/", "mailto:x", "https://["]
    nodes = [{"id": "a", "title": "t", "url": url} for url in urls]
    assert spelled(observed_issue(attachments={"nodes": nodes}), EdgeType.REFERENCES) == [
        ". -> github:acme/shop#6 (attachments)",
        ". -> url:status.example/42 (attachments)",
    ]


def test_a_project_is_owned_by_its_lead_and_aligns_with_initiatives() -> None:
    goals = [{"id": "60A1", "name": "No loss", "url": "x"}]
    draft = draft_of("Project", a_project(initiatives=goals, content=None))
    assert draft.links == (
        LinkDraft(EdgeType.PART_OF, NodeRef(NodeKind.PROJECT, f"linear:{PROJECT_ID}", "Durable carts"), field="id"),
        LinkDraft(EdgeType.OWNED_BY, NodeRef(NodeKind.PERSON, f"linear:{BEN['id']}", "Ben Example"), field="lead"),
        LinkDraft(EdgeType.ALIGNS_WITH_GOAL, NodeRef(NodeKind.GOAL, "linear:60a1", "No loss"), field="initiatives"),
    )
    shown = draft_of(
        "Project", a_project(initiatives={"nodes": goals}, teams={"nodes": [TEAM]}, lead=APP_USER), action="observed"
    )
    assert spelled(shown, EdgeType.ALIGNS_WITH_GOAL) == spelled(draft, EdgeType.ALIGNS_WITH_GOAL)
    assert ". -> linear:shop (teams)" in spelled(shown, EdgeType.PART_OF)
    assert spelled(shown, EdgeType.OWNED_BY) == []


def test_an_update_is_part_of_its_project() -> None:
    for update in (an_update(), an_update(project=None)):
        assert spelled(draft_of("ProjectUpdate", update), EdgeType.PART_OF) == [f". -> linear:{PROJECT_ID} (project)"]


# --- words


def test_references_are_found_once_with_their_words_and_never_to_oneself() -> None:
    text = f"See SHOP-8, SHOP-8 and acme/shop#6; not SHOP-5, {APP}/issue/SHOP-5/old-title or `SHOP-7`."
    assert spelled(issue_draft(description=text), EdgeType.REFERENCES) == [
        ". -> linear:shop-8 (SHOP-8)",
        ". -> github:acme/shop#6 (acme/shop#6)",
    ]


@pytest.mark.parametrize(
    ("address", "handle"),
    [
        (f"{APP}/issue/OPS-3", "linear:ops-3"),
        (f"{APP}/issue/OPS-3/some-title", "linear:ops-3"),
        (f"{APP}/issue/OPS-3/some-title#comment-5d6e7f80", "linear:ops-3#comment-5d6e7f80"),
        (f"{APP}/project/carts-0a1b2c3d4e5f", "linear:project/0a1b2c3d4e5f"),
        (f"{APP}/project/carts-0a1b2c3d4e5f/overview", "linear:project/0a1b2c3d4e5f"),
        (f"{APP}/project/0a1b2c3d4e5f", "linear:project/0a1b2c3d4e5f"),
        (f"{APP}/document/plan-0a1b2c3d4e5f", "url:linear.app/acme/document/plan-0a1b2c3d4e5f"),
    ],
)
def test_addresses_of_linear_name_its_documents_whatever_the_title_in_them(address: str, handle: str) -> None:
    draft = issue_draft(description=f"As in {address}.")
    assert [link.target.handle for link in links_of(draft, EdgeType.REFERENCES) if link.target] == [handle]


def test_the_address_of_a_comment_names_what_the_comment_answers_to() -> None:
    address = f"{APP}/issue/SHOP-5/carts-vanish-at-midnight#comment-5d6e7f80"
    target = links_of(issue_draft(identifier="SHOP-6", description=address), EdgeType.REFERENCES)[0].target
    assert target is not None
    assert target.handle in draft_of("Comment", a_comment()).handles


@pytest.mark.parametrize(
    ("text", "edge", "expected"),
    [
        ("Implements SHOP-8.", EdgeType.IMPLEMENTS, [". -> linear:shop-8 (Implements SHOP-8)"]),
        (
            f"implements: [the RFC]({APP}/issue/SHOP-8/rfc)",
            EdgeType.IMPLEMENTS,
            [],
        ),
        ("This implements acme/shop#6", EdgeType.IMPLEMENTS, [". -> github:acme/shop#6 (implements acme/shop#6)"]),
        ("Blocked by SHOP-8", EdgeType.BLOCKED_BY, [". -> linear:shop-8 (Blocked by SHOP-8)"]),
        (
            "blocked on: SHOP-8, SHOP-9 and SHOP-10. SHOP-11 waits.",
            EdgeType.BLOCKED_BY,
            [
                ". -> linear:shop-8 (blocked on: SHOP-8)",
                ". -> linear:shop-9 (SHOP-9)",
                ". -> linear:shop-10 (SHOP-10)",
            ],
        ),
        ("This blocks SHOP-8", EdgeType.BLOCKED_BY, ["linear:shop-8 -> . (blocks SHOP-8)"]),
        (
            "SHOP-8 is blocked by this.",
            EdgeType.BLOCKED_BY,
            ["linear:shop-8 -> . (SHOP-8 is blocked by this)"],
        ),
        ("Duplicate of SHOP-8", EdgeType.DUPLICATES, [". -> linear:shop-8 (Duplicate of SHOP-8)"]),
        ("Supersedes SHOP-8", EdgeType.SUPERSEDES, [". -> linear:shop-8 (Supersedes SHOP-8)"]),
        ("superseded by SHOP-8", EdgeType.SUPERSEDES, ["linear:shop-8 -> . (superseded by SHOP-8)"]),
        ("No longer blocked by SHOP-8", EdgeType.BLOCKED_BY, []),
        ("It is not blocked by SHOP-8, isn't blocked by SHOP-9", EdgeType.BLOCKED_BY, []),
        ("> Blocked by SHOP-8", EdgeType.BLOCKED_BY, []),
        ("`blocked by` SHOP-8", EdgeType.BLOCKED_BY, []),
        ("Blocked by\n\nSHOP-8", EdgeType.BLOCKED_BY, []),
        ("unblocks SHOP-8", EdgeType.BLOCKED_BY, []),
        ("Blocked by SHOP-8. Blocked by SHOP-8.", EdgeType.BLOCKED_BY, [". -> linear:shop-8 (Blocked by SHOP-8)"]),
        ("Blocked by [SHOP-8](https://linear.app/acme/issue/SHOP-8/x), SHOP-9", EdgeType.BLOCKED_BY, None),
    ],
)
def test_words_around_a_reference_state_relations(text: str, edge: EdgeType, expected: list[str] | None) -> None:
    draft = issue_draft(description=text)
    if expected is None:
        expected = [". -> linear:shop-8 (Blocked by [SHOP-8)", ". -> linear:shop-9 (SHOP-9)"]
    assert spelled(draft, edge) == expected
    assert all(link.confidence == 0.9 for link in links_of(draft, edge))


def test_what_words_relate_is_a_reference_too() -> None:
    draft = issue_draft(description="Blocked by SHOP-8.")
    assert spelled(draft, EdgeType.REFERENCES) == [". -> linear:shop-8 (SHOP-8)"]


def test_persons_are_mentioned_by_profile_or_by_name() -> None:
    text = f"{APP}/profiles/Ada, please. @ben. and @ben again; `@code`, @types/node, @here, a@b.example, @ada"
    draft = issue_draft(description=text)
    mentions = [
        (link.target, draft.body[link.start : link.end], link.confidence) for link in links_of(draft, EdgeType.MENTIONS)
    ]
    assert mentions == [
        (NodeRef(NodeKind.PERSON, "linear-login:ada"), f"{APP}/profiles/Ada", 1.0),
        (NodeRef(NodeKind.PERSON, "linear-login:ben"), "@ben", 0.8),
    ]
    assert links_of(draft, EdgeType.REFERENCES) == []


def test_a_profile_with_a_space_in_its_name_is_one_person() -> None:
    draft = issue_draft(description=f"Ask {APP}/profiles/Ada%20Example first")
    (link,) = links_of(draft, EdgeType.MENTIONS)
    assert link.target == NodeRef(NodeKind.PERSON, "linear-login:ada example")
    assert issue_draft(creator=ADA | {"url": f"{APP}/profiles/Ada%20Example"}).author.handle == "Ada Example"


def test_a_text_points_at_two_hundred_documents_at_most() -> None:
    draft = issue_draft(description=" ".join(f"OPS-{number}, blocked by DEV-{number}" for number in range(1, 400)))
    assert len(links_of(draft, EdgeType.REFERENCES)) == 200
    assert len(links_of(draft, EdgeType.BLOCKED_BY)) == 200
    crowd = issue_draft(description=" ".join(f"@a{number}" for number in range(300)))
    assert len(links_of(crowd, EdgeType.MENTIONS)) == 200


@pytest.mark.parametrize(
    "unit", ["@", "@a", "@a.", "SHOP-8 ", "blocked by ", "SHOP-8, ", "not ", "](", "[", ":", " ", "a", "-", "`", "\n> "]
)
def test_hostile_texts_take_no_longer_than_they_are_long(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    began = time.process_time()
    issue_draft(description=text)
    draft_of("Comment", a_comment(f"Done: {text}", url=f"{APP}/issue/{ISSUE_ID}"))
    assert time.process_time() - began < 20
