"""What is remembered of GitHub's issues, pull requests and comments."""

from __future__ import annotations

import pytest
from github_payloads import BEN, ROBOT, UPDATED, UPDATED_AT, issue_draft, outcomes, pull_observation

from neural_memory_pipelines.domain.documents import Privacy

# --- observations of issues and pull requests


def test_an_issue_is_remembered_by_title_and_first_paragraph() -> None:
    (seen,) = issue_draft(body="<!-- describe -->\n## Details\n\nJob X\nempties them.\n\nMore.").observations
    assert (seen.title, seen.summary) == ("Carts vanish at midnight", "Job X empties them.")
    assert seen.text == "Carts vanish at midnight.\n\nJob X empties them."
    assert seen.tags == ("bug",)
    assert seen.subject_refs == ("acme/shop#5",)
    assert (seen.privacy, seen.occurred_at) == (Privacy.ORG, UPDATED_AT)
    # base 0.20, bug 0.125, three comments 0.0807, two people 0.0602
    assert seen.importance == pytest.approx(0.4660, abs=1e-4)


@pytest.mark.parametrize("heading", ["Summary", "📝 Summary of changes", "Changelog", "TL;DR"])
def test_a_summary_section_goes_before_the_first_paragraph(heading: str) -> None:
    seen = pull_observation(body=f"Hello.\n\n## {heading}\n\nCarts live longer.\n\n- a week\n\n## Tests\n\nGreen.")
    assert seen.summary == "Carts live longer."
    assert seen.text == "Keep carts for a week.\n\nCarts live longer.\n\n- a week"


def test_an_empty_summary_section_is_passed_over() -> None:
    assert pull_observation(body="Hello.\n\n## Summary\n\n## Tests\n\nGreen.").summary == "Hello."


def test_what_a_pull_request_says_of_itself_and_closes_joins_the_text() -> None:
    seen = pull_observation(
        body="Hello.\n\nNow then. This PR adds\n`ttl` to carts. Good.\n\nFixes #5, closes acme/ops#9"
    )
    assert seen.text == (
        "Keep carts for a week.\n\nHello.\n\nThis PR adds `ttl` to carts.\n\nFixes #5, closes acme/ops#9"
    )
    assert seen.subject_refs == ("acme/shop#6", "acme/shop#5", "acme/ops#9")


def test_a_statement_already_in_the_lead_is_not_repeated() -> None:
    assert pull_observation(body="This PR fixes #5.").text == "Keep carts for a week.\n\nThis PR fixes #5."


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("Resolves: #12", ["acme/shop#12"]),
        ("See Acme/Shop#12 and other/repo.js#3.", ["acme/shop#12", "other/repo.js#3"]),
        ("https://github.com/other/repo/pull/8#issuecomment-1", ["other/repo#8"]),
        ("[#4](https://github.com/acme/shop/issues/4)", ["acme/shop#4"]),
        ("https://gitlab.example/other/repo/issues/8", []),
        ("Run `#1` or ``fixes #2``", []),
        ("```\nfixes #1\n```\n\n~~~\n#2\n~~~\n\nBut (#3)", ["acme/shop#3"]),
        ("&#39; #007 #12ab x#5 https://x.example/#6 page#7", []),
        ("<!-- fixes #1 -->", []),
    ],
)
def test_references_are_found_in_prose_alone(body: str, found: list[str]) -> None:
    assert pull_observation(body=body).subject_refs == ("acme/shop#6", *found)


def test_on_a_server_of_ones_own_its_addresses_count() -> None:
    seen = pull_observation(html_url="https://ghe.acme.io/acme/shop/pull/6", body="https://ghe.acme.io/a/b/issues/2")
    assert seen.subject_refs == ("acme/shop#6", "a/b#2")


@pytest.mark.parametrize(
    ("title", "labels", "tags"),
    [
        ("Release 2.4.0", [], {"release"}),
        ("v2.4.0", [], {"release"}),
        ("refactor(cart): split", [], {"refactor"}),
        ("feat(api)!: drop v1", [], {"breaking-change"}),
        ("fix!: carts", [], {"bug", "breaking-change"}),
        ("[Bug] carts", [], {"bug"}),
        ("Hotfix: carts", [], {"incident-fix"}),
        ("RFC 0003: queues", [], {"rfc"}),
        ("Decision: queues", ["adr"], {"decision"}),
        ("Carts", ["type: Bug", "breaking_change", "incident"], {"bug", "breaking-change", "incident-fix"}),
        ("Fixtures for debugging released carts", ["debug"], set()),
    ],
)
def test_labels_and_title_prefixes_give_tags(title: str, labels: list[str], tags: set[str]) -> None:
    seen = pull_observation(title=title, labels=[{"name": name} for name in labels])
    assert set(seen.tags) == tags


def test_a_settled_state_is_a_tag() -> None:
    assert pull_observation(labels=[], state="closed", merged_at=UPDATED).tags == ("merged",)
    (seen,) = issue_draft(labels=[], state="closed", state_reason="not_planned").observations
    assert seen.tags == ("closed",)


def test_a_bot_among_the_assignees_is_nobody() -> None:
    assert pull_observation(assignees=[BEN, ROBOT]).importance == pull_observation(assignees=[BEN]).importance
    assert pull_observation(assignees=[BEN]).importance > pull_observation(assignees=[]).importance


def test_what_is_tied_to_a_release_matters_more() -> None:
    plain, tied = pull_observation(), pull_observation(milestone={"title": "v2.4"})
    assert tied.importance == pytest.approx(plain.importance + 0.15)


def test_long_texts_are_cut() -> None:
    seen = pull_observation(title="word " * 60, body="Long sentence here. " * 300)
    assert seen.title is not None
    assert seen.summary is not None
    assert len(seen.title) <= 120
    assert len(seen.summary) <= 320
    assert 1_000 < len(seen.text) <= 2_000


# --- observations of comments


@pytest.mark.parametrize(
    "body",
    [
        "Decision: use Postgres.",
        "Hello.\n\ndecision: use Postgres.\n\nBye.",
        "**Decision:** use Postgres.",
        "**Decision**: use Postgres.",
        "**Decision: use Postgres.**",
        "- **Decision:** use Postgres.",
        "Decision:\n\nuse Postgres.\n\nBye.",
        "**Decision**\n\nuse Postgres.\n\nBye.",
        "## Decision\n\nuse Postgres.\n\n## Next\n\nBye.",
        "### Decision: use Postgres.",
        "Decision: use Postgres.\n\nAgain:\n\nDecision: use Postgres.",
    ],
)
def test_a_decision_is_remembered_however_it_is_marked(body: str) -> None:
    (seen,) = outcomes(body)
    assert seen.text == "Decision: use Postgres."
    assert seen.summary == "use Postgres."
    assert seen.title == "Decision on acme/shop#5: Carts vanish at midnight"
    assert seen.tags == ("decision",)
    assert seen.subject_refs == ("acme/shop#5/comment/3003", "acme/shop#5")


@pytest.mark.parametrize(
    "body",
    [
        "We need a decision: soon.",
        "> Decision: use Mongo.",
        "```\nDecision: x\n```",
        "Decision:",
        "Decisions, decisions",
        "<!-- Decision: x -->",
    ],
)
def test_what_only_looks_like_a_decision_is_not_one(body: str) -> None:
    assert outcomes(body) == []


def test_each_marked_line_is_a_statement_of_its_own() -> None:
    seen = outcomes("Decision: move to #7\nand stay.\nOutcome: done\n\nResolution: we will:\n- wait\n- see\n\nBye.")
    assert [(one.tags, one.text) for one in seen] == [
        (("decision",), "Decision: move to #7\nand stay."),
        (("outcome",), "Outcome: done"),
        (("resolution",), "Resolution: we will:\n\n- wait\n- see"),
    ]
    assert "acme/shop#7" in seen[0].subject_refs
    assert "acme/shop#7" not in seen[1].subject_refs
