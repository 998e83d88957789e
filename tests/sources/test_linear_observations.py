"""What is remembered of Linear's issues, comments, projects and updates, and how much it matters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from linear_payloads import (
    APP_USER,
    BEN,
    CANCELED,
    COMMENT_ID,
    DONE,
    LATER,
    LATER_AT,
    PROJECT_ID,
    UPDATE_ID,
    UPDATED_AT,
    a_label,
    a_project,
    a_state,
    an_api_comment,
    an_update,
    comment_observations,
    draft_of,
    issue_draft,
    observed_issue,
)

from neural_memory_pipelines.domain.documents import Privacy

# --- issues


def test_an_issue_is_remembered_by_title_and_first_paragraph() -> None:
    (seen,) = issue_draft(description="<!-- hint -->\n## Why\n\nJob X\nempties SHOP-8.\n\nMore on SHOP-9.").observations
    assert (seen.title, seen.summary) == ("Carts vanish at midnight", "Job X empties SHOP-8.")
    assert seen.text == "Carts vanish at midnight.\n\nJob X empties SHOP-8."
    assert seen.subject_refs == ("SHOP-5", "SHOP-8")
    assert (seen.tags, seen.privacy, seen.occurred_at) == ((), Privacy.ORG, UPDATED_AT)


def test_a_summary_section_goes_before_the_first_paragraph() -> None:
    (seen,) = issue_draft(description="Hello.\n\n## TL;DR\n\nCarts live longer.").observations
    assert seen.summary == "Carts live longer."


def test_an_issue_that_ended_is_remembered_with_what_its_text_ends_with() -> None:
    text = "The job empties them.\n\nSwitched off on Monday. No cart was lost since."
    first, end = issue_draft(description=text, state=DONE, completedAt=LATER).observations
    assert first.tags == ("completed",)
    assert (end.title, end.tags) == ("Done: Carts vanish at midnight", ("completed",))
    assert end.text == "Done: Carts vanish at midnight.\n\nSwitched off on Monday. No cart was lost since."
    assert end.summary == "Switched off on Monday. No cart was lost since."
    assert end.occurred_at == LATER_AT


def test_an_issue_without_a_last_paragraph_ends_without_a_note() -> None:
    for text in (None, "The job empties them.", "Steps:\n\n1. one\n2. two"):
        end = issue_draft(description=text, state=CANCELED, canceledAt=LATER).observations[1]
        assert (end.text, end.summary) == ("Won't do: Carts vanish at midnight.", None)
        assert (end.tags, end.occurred_at) == (("canceled",), LATER_AT)


def test_a_duplicate_ended_too_and_matters_less() -> None:
    end = issue_draft(state=a_state("duplicate", "Duplicate")).observations[1]
    assert (end.title, end.tags) == ("Duplicate: Carts vanish at midnight", ("duplicate",))
    assert end.occurred_at == UPDATED_AT
    assert end.importance < issue_draft(state=DONE).observations[1].importance


@pytest.mark.parametrize(
    ("written", "note"),
    [
        (LATER, "Both jobs are off."),
        ("2026-03-04T07:30:00Z", "Both jobs are off."),
        ("2026-03-04T06:30:00Z", "The last line."),
    ],
)
def test_the_last_comment_is_the_note_if_it_came_with_the_end(written: str, note: str) -> None:
    nodes = [
        an_api_comment("Earlier words.", 1, createdAt="2026-03-02T00:00:00Z"),
        an_api_comment("Both jobs are off.\n\nBye.", 2, createdAt=written),
        an_api_comment("beep", 3, createdAt=LATER, user=APP_USER),
        an_api_comment("deleted", 4, createdAt=LATER, archivedAt=LATER),
    ]
    draft = observed_issue(
        description="First.\n\nThe last line.", state=DONE, completedAt=LATER, comments={"nodes": nodes}
    )
    assert draft.observations[1].summary == note


def test_what_an_issue_settles_in_its_text_is_remembered() -> None:
    observations = issue_draft(description="Hello.\n\nDecision: keep them for a week.").observations
    assert [(seen.title, seen.text, seen.tags) for seen in observations[1:]] == [
        ("Decision on SHOP-5: Carts vanish at midnight", "Decision: keep them for a week.", ("decision",))
    ]


def test_an_issue_by_an_app_is_not_remembered() -> None:
    assert issue_draft(creator=APP_USER).observations == ()


@pytest.mark.parametrize(
    ("title", "labels", "tags"),
    [
        ("Release 2.4.0", [], {"release"}),
        ("Hotfix: carts", [], {"incident-fix"}),
        ("RFC: queues", ["Bug"], {"rfc", "bug"}),
        ("Carts", ["breaking_change", "incident"], {"breaking-change", "incident-fix"}),
        ("Fixtures for debugging released carts", ["debug"], set()),
    ],
)
def test_labels_and_title_prefixes_give_tags(title: str, labels: list[str], tags: set[str]) -> None:
    (seen,) = issue_draft(title=title, labels=[a_label(name) for name in labels]).observations
    assert set(seen.tags) == tags


def _factors(**changes: Any) -> dict[str, float]:
    return dict(issue_draft(**changes).observations[0].importance_factors)


def test_priority_and_labels_make_an_issue_matter() -> None:
    assert _factors()["severity"] == 0
    assert _factors(priority=1)["severity"] == pytest.approx(0.25 * 0.75)
    assert _factors(priority=2.0)["severity"] == pytest.approx(0.25 * 0.75)
    assert _factors(priority=3)["severity"] == pytest.approx(0.25 * 0.25)
    assert _factors(priority=4)["severity"] == 0
    assert _factors(priority=99.5)["severity"] == 0
    assert _factors(labels=[a_label("incident")])["severity"] == pytest.approx(0.25)
    assert _factors(labels=[a_label("incident")])["linked"] == pytest.approx(0.15)
    assert _factors(estimate=21) == _factors(estimate=None)


def test_comments_and_persons_make_an_issue_matter() -> None:
    nodes = [an_api_comment("Hi.", number) for number in range(1, 4)]
    factors = observed_issue(comments={"nodes": nodes}).observations[0].importance_factors
    assert factors["volume"] > 0
    assert _factors()["volume"] == 0
    assert _factors()["breadth"] > _factors(assignee=None)["breadth"] == _factors(assignee=APP_USER)["breadth"] == 0


def test_long_texts_are_cut() -> None:
    references = " ".join(f"OPS-{number}" for number in range(1, 100))
    (seen,) = issue_draft(title="word " * 60, description=f"{references} {'Long sentence here. ' * 300}").observations
    assert seen.title is not None
    assert seen.summary is not None
    assert len(seen.title) <= 120
    assert len(seen.summary) <= 320
    assert 1_000 < len(seen.text) <= 2_000
    assert len(seen.subject_refs) == 32


# --- comments


def test_a_decision_in_a_comment_is_remembered() -> None:
    seen, other = comment_observations("Hello.\n\n**Decision:** use Postgres, see SHOP-8.\n\nResolution: done")
    assert (seen.title, seen.text) == (
        "Decision on SHOP-5: Carts vanish at midnight",
        "Decision: use Postgres, see SHOP-8.",
    )
    assert seen.subject_refs == (f"SHOP-5/comment/{COMMENT_ID}", "SHOP-5", "SHOP-8")
    assert seen.occurred_at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert other.tags == ("resolution",)


@pytest.mark.parametrize(
    "body",
    [
        "Cancelled, because RFC 5 was accepted this morning.",
        "**Done.** The job is off since Monday.",
        "Won't fix: the provider has switched it off.",
        "Closing this as it does not come back.",
    ],
)
def test_a_comment_that_tells_the_end_is_remembered(body: str) -> None:
    (seen,) = comment_observations(f"{body}\n\n```\nlog\n```\n\nThanks.")
    assert (seen.title, seen.tags) == ("Outcome on SHOP-5: Carts vanish at midnight", ("outcome",))
    assert seen.text == f"{body}\n\nThanks."
    assert seen.summary == body


@pytest.mark.parametrize(
    "body",
    ["Done!", "Fixed in the morning.", "Is it done? I could not tell from here.", "> Done, said the build\n\nok"],
)
def test_other_comments_are_not(body: str) -> None:
    assert comment_observations(body) == ()


# --- projects and updates


def test_a_project_is_remembered_by_its_goal() -> None:
    (seen,) = draft_of("Project", a_project()).observations
    assert (seen.title, seen.summary) == ("Durable carts", "No cart may be lost.")
    assert seen.tags == ("goal",)
    assert seen.subject_refs == (f"project/{PROJECT_ID}",)
    assert seen.importance_factors["severity"] == pytest.approx(0.25 * 0.75)
    assert seen.importance_factors["breadth"] > 0
    (without,) = draft_of("Project", a_project(description="")).observations
    assert without.summary == "First an inbox, then alarms."


def test_how_a_project_ended_is_remembered() -> None:
    ended = a_project(status=a_state("completed", "Completed"), completedAt=LATER)
    goal, end = draft_of("Project", ended).observations
    assert goal.tags == ("completed", "goal")
    assert (end.title, end.occurred_at) == ("Completed: Durable carts", LATER_AT)
    assert end.text == "Completed: Durable carts.\n\nFinished when a day can be replayed."


def test_an_update_is_remembered() -> None:
    (seen, decision) = draft_of("ProjectUpdate", an_update("Slow week.\n\nDecision: skip SHOP-8.")).observations
    assert (seen.title, seen.summary) == ("Update on Durable carts: at risk", "Slow week.")
    assert seen.tags == ("at-risk", "update")
    assert seen.subject_refs == (f"project-update/{UPDATE_ID}", f"project/{PROJECT_ID}")
    assert decision.text == "Decision: skip SHOP-8."
    assert draft_of("ProjectUpdate", an_update(user=BEN | {"app": True})).observations == ()
