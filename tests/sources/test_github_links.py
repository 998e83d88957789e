"""What GitHub's texts and fields link: references, relations, people, teams and components."""

from __future__ import annotations

from typing import Any

import pytest
from github_payloads import (
    ADA,
    BEN,
    HTML,
    ROBOT,
    a_comment,
    an_issue,
    changes_of,
    issue_draft,
    pull_draft,
    stated,
    webhook,
)

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, NodeKind

_ASSIGNED = ("", "ASSIGNED_TO", "github:8", "assignees")
Link = tuple[str, str, str, str]


def pull_links(body: str, **changes: Any) -> set[Link]:
    return stated(pull_draft(body=body, **changes)) - {_ASSIGNED}


def issue_links(body: str, **changes: Any) -> set[Link]:
    return stated(issue_draft(body=body, **changes)) - {_ASSIGNED}


def comment_draft(body: str) -> SourceDraft:
    return changes_of("issue_comment.created", webhook(issue=an_issue(), comment=a_comment(body=body))).drafts[0]


# --- closing keywords


def test_a_pull_request_resolves_what_its_description_closes() -> None:
    links = pull_links("Fixes #5, closes acme/ops#9 and see #7. Resolves: https://github.com/acme/docs/issues/3")
    assert links == {
        ("", "RESOLVES", "github:acme/shop#5", "#5"),
        ("", "RESOLVES", "github:acme/ops#9", "acme/ops#9"),
        ("", "REFERENCES", "github:acme/shop#7", "#7"),
        ("", "RESOLVES", "github:acme/docs#3", "https://github.com/acme/docs/issues/3"),
    }


def test_keywords_in_issues_and_titles_close_nothing() -> None:
    assert issue_links("Fixes #7") == {("", "REFERENCES", "github:acme/shop#7", "#7")}
    assert pull_links("Hello.", title="Fixes #7") == {("", "REFERENCES", "github:acme/shop#7", "#7")}
    assert stated(comment_draft("Fixes #7")) == {("", "REFERENCES", "github:acme/shop#7", "#7")}


def test_keywords_close_nothing_from_a_branch_beside_the_default_one() -> None:
    base = {"ref": "release-2", "repo": {"default_branch": "main"}}
    assert pull_links("Fixes #7", base=base) == {("", "REFERENCES", "github:acme/shop#7", "#7")}
    on_default = {"ref": "main", "repo": {"default_branch": "main"}}
    assert pull_links("Fixes #7", base=on_default) == {("", "RESOLVES", "github:acme/shop#7", "#7")}
    for unknown in (None, {}):
        assert pull_links("Fixes #7", base=base | {"repo": unknown}) == {("", "RESOLVES", "github:acme/shop#7", "#7")}


def test_what_is_said_of_a_reference_goes_before_that_it_is_one() -> None:
    assert pull_links("See #7. Fixes #7, blocked by #7.") == {
        ("", "RESOLVES", "github:acme/shop#7", "#7"),
        ("", "BLOCKED_BY", "github:acme/shop#7", "#7"),
    }


def test_a_document_does_not_refer_to_itself() -> None:
    assert issue_links(f"#5 {HTML}/issues/5 {HTML}/pull/5 acme/shop#5 #6") == {
        ("", "REFERENCES", "github:acme/shop#6", "#6")
    }


def test_on_a_server_of_ones_own_an_address_is_the_document_itself_too() -> None:
    own = "https://ghe.acme.io/acme/shop/issues/5"
    assert issue_links(f"{own} https://ghe.acme.io/acme/shop/issues/6", html_url=own) == {
        ("", "REFERENCES", "url:ghe.acme.io/acme/shop/issues/6", "https://ghe.acme.io/acme/shop/issues/6")
    }


def test_of_many_places_the_first_counts_and_of_many_references_two_hundred() -> None:
    draft = issue_draft(body="#7 and #7\n\n" + " ".join(f"#{number}" for number in range(100, 400)))
    found = [link for link in draft.links if link.type is EdgeType.REFERENCES]
    assert len(found) == 200
    assert draft.body.index("#7") == found[0].start
    assert len({link.target for link in found}) == 200


# --- relations


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("Duplicate of #7", ("", "DUPLICATES", "github:acme/shop#7", "#7")),
        ("This is a dupe of acme/ops#7.", ("", "DUPLICATES", "github:acme/ops#7", "acme/ops#7")),
        ("Blocked by #7", ("", "BLOCKED_BY", "github:acme/shop#7", "#7")),
        ("**Blocked on:** #7", ("", "BLOCKED_BY", "github:acme/shop#7", "#7")),
        ("Blocks #7", ("github:acme/shop#7", "BLOCKED_BY", "", "#7")),
        ("Depends on: PR #7", ("", "REQUIRES", "github:acme/shop#7", "#7")),
        ("Requires HAR-7", ("", "REQUIRES", "linear:har-7", "HAR-7")),
        ("Supersedes #7", ("", "SUPERSEDES", "github:acme/shop#7", "#7")),
        ("This replaces [the old one](https://github.com/acme/shop/pull/7).",
         ("", "SUPERSEDES", "github:acme/shop#7", "https://github.com/acme/shop/pull/7")),
        ("Superseded by #7", ("github:acme/shop#7", "SUPERSEDES", "", "#7")),
        ("Closing in favour of #7.", ("github:acme/shop#7", "SUPERSEDES", "", "#7")),
    ],
)  # fmt: skip
def test_words_before_a_reference_say_what_it_is(body: str, link: Link) -> None:
    assert issue_links(body) == {link}
    assert pull_links(body) == {link}


@pytest.mark.parametrize(
    "body",
    [
        "This is not a duplicate of #7",
        "It isn't blocked by #7",
        "No longer blocked by #7",
        "> Blocked by #7",
        "Blocked by lack of time, see #7",
        "unblocks #7",
        "Depends on `x` #7",
        "The one that blocks is still unknown; #7",
    ],
)
def test_what_is_denied_quoted_or_far_away_is_a_mere_reference(body: str) -> None:
    assert issue_links(body) == {("", "REFERENCES", "github:acme/shop#7", "#7")}


@pytest.mark.parametrize(
    "body",
    [
        "Depends on #7, #8 and acme/ops#9.",
        "Depends on:\n\n- #7\n- #8\n- acme/ops#9",
        "- [ ] Depends on: [#7](https://github.com/acme/shop/issues/7), #8, acme/ops#9",
    ],
)
def test_a_list_shares_its_relation(body: str) -> None:
    links = issue_links(body)
    assert {(kind, target) for _, kind, target, _ in links} == {
        ("REQUIRES", "github:acme/shop#7"),
        ("REQUIRES", "github:acme/shop#8"),
        ("REQUIRES", "github:acme/ops#9"),
    }


def test_a_sentence_ends_a_list() -> None:
    assert issue_links("Depends on #7. See #8.") == {
        ("", "REQUIRES", "github:acme/shop#7", "#7"),
        ("", "REFERENCES", "github:acme/shop#8", "#8"),
    }


def test_what_a_comment_relates_is_its_issue() -> None:
    assert stated(comment_draft("Duplicate of #7, see #8")) == {
        ("github:acme/shop#5", "DUPLICATES", "github:acme/shop#7", "#7"),
        ("", "REFERENCES", "github:acme/shop#8", "#8"),
    }
    assert stated(comment_draft("Superseded by #7")) == {
        ("github:acme/shop#7", "SUPERSEDES", "github:acme/shop#5", "#7")
    }
    assert stated(comment_draft("Duplicate of #5")) == {("", "REFERENCES", "github:acme/shop#5", "#5")}


_RFC = "https://github.com/acme/handbook/blob/main/rfcs/0004-inbox.md"
_RFC_HANDLE = "url:github.com/acme/handbook/blob/main/rfcs/0004-inbox.md"


@pytest.mark.parametrize(
    "body",
    [
        f"Implements {_RFC}",
        f"RFC: {_RFC}",
        f"- **Design doc:** <{_RFC}>",
        f"This implements the first half of [RFC 4]({_RFC}).",
        f"Implementing [the inbox]({_RFC})",
    ],
)
def test_a_pull_request_implements_a_design_that_it_names_so(body: str) -> None:
    assert pull_links(body) == {("", "IMPLEMENTS", _RFC_HANDLE, _RFC)}
    assert issue_links(body) == {("", "REFERENCES", _RFC_HANDLE, _RFC)}


def test_what_is_merely_near_an_implementation_is_not_implemented() -> None:
    page = "https://acme.example/blog"
    assert pull_links(f"We implemented it as in [this post]({page}).") == {
        ("", "REFERENCES", "url:acme.example/blog", page)
    }


# --- people and teams


def test_people_and_teams_are_mentioned() -> None:
    links = issue_links("Thanks @Ben-J, @ben-j! cc @acme/payments")
    assert links == {
        ("", "MENTIONS", "github-login:ben-j", "@Ben-J"),
        ("", "MENTIONS", "github:acme/payments", "@acme/payments"),
    }
    nodes = [link.target for link in issue_draft(body="@acme/payments").links if link.type is EdgeType.MENTIONS]
    assert [(node.kind, node.name) for node in nodes if node] == [(NodeKind.TEAM, "acme/payments")]


@pytest.mark.parametrize(
    "body",
    [
        "ben@corp.example", "`@ben`", "```\n@ben\n```", "<!-- @ben -->", "https://medium.com/@ben", "@babel/core",
        "@dependabot rebase", "@dataclass", "@property(x)", "lodash@4.2", "@ben.example", "@-ben", "\\u@", "@ada",
        "git@github.com", "@", "npm i @types/node",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mention_mentions_nobody(body: str) -> None:
    assert not {link for link in issue_links(body) if link[1] == "MENTIONS"}


def test_assignees_who_are_people_are_linked() -> None:
    assert stated(issue_draft(body="", assignees=[BEN, ROBOT, None, BEN])) == {_ASSIGNED}


def test_a_parent_issue_is_what_it_is_part_of() -> None:
    parent = "https://api.github.com/repos/acme/plan/issues/2"
    assert issue_links("", parent_issue_url=parent) == {("", "PART_OF", "github:acme/plan#2", "parent_issue_url")}
    assert issue_links("", parent_issue_url="x") == set()


def test_every_document_is_part_of_its_repository() -> None:
    (link,) = (link for link in issue_draft().links if link.type is EdgeType.PART_OF)
    assert link.target is not None
    assert (link.target.kind, link.target.handle, link.field) == (
        NodeKind.REPOSITORY,
        "github:acme/shop",
        "repository",
    )


# --- components


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("area/cart", "cart"),
        ("area: Cart API", "cart api"),
        ("component:cart", "cart"),
        ("comp/cart", "cart"),
        ("pkg: @acme/cart", "@acme/cart"),
        ("Area / cart", "cart"),
    ],
)
def test_labels_name_components(label: str, name: str) -> None:
    assert issue_links("", labels=[{"name": label}]) == {("", "TOUCHES_COMPONENT", f"component:{name}", "labels")}


@pytest.mark.parametrize("label", ["bug", "area", "area/", "subarea/cart", "compare: x", "areas: cart"])
def test_other_labels_name_none(label: str) -> None:
    assert issue_links("", labels=[{"name": label}]) == set()


def test_the_scope_of_a_title_names_components() -> None:
    for body in ("", "Words."):
        assert pull_links(body, title="fix(Cart,  api)!: expire") == {
            ("", "TOUCHES_COMPONENT", "component:cart", "Cart"),
            ("", "TOUCHES_COMPONENT", "component:api", "api"),
        }
    for title in ("chore(deps): bump", "fix: x", "note(cart): x", "fix(#12): x"):
        assert not {link for link in pull_links("", title=title) if link[1] == "TOUCHES_COMPONENT"}


def test_a_component_is_named_once() -> None:
    labels = [{"name": "area/cart"}, {"name": "component: Cart"}]
    links = pull_links("", title="fix(CART): x", labels=labels)
    assert links == {("", "TOUCHES_COMPONENT", "component:cart", "labels")}


def test_the_spans_of_all_links_lie_in_the_body() -> None:
    draft = pull_draft(title="fix(cart): a b", body="\n\nFixes #5 @ben\n<!-- x --> Blocked by #9", user=ADA)
    words = [draft.body[link.start : link.end] for link in draft.links if not link.field]
    assert words == ["#5", "#9", "@ben", "cart"]
