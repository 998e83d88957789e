"""Linear's projects and their updates as documents."""

from __future__ import annotations

from linear_payloads import ADA, PROJECT_ID, UPDATE_ID, a_project, an_update, draft_of, event, webhook

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Skip
from neural_memory_pipelines.sources.linear import parse


def test_a_project_reads_as_a_page() -> None:
    draft = draft_of("Project", a_project())
    assert (draft.source_id, draft.type, draft.state) == (f"project/{PROJECT_ID}", "project", "started")
    assert draft.body.startswith("# Durable carts\n\nNo cart may be lost.\n\nFirst an inbox, then alarms.\n\n")
    assert draft.handles == ("linear:project/0a1b2c3d4e5f",)
    assert draft.metadata == {
        "status": "In Progress",
        "priority": "high",
        "health": "onTrack",
        "lead": "Ben Example",
        "start_date": "2026-03-01",
        "target_date": "2026-06-30",
    }


def test_who_created_a_project_is_known_by_id_and_described_if_it_is_the_lead() -> None:
    assert draft_of("Project", a_project()).author == Account(f"linear:{ADA['id']}", "")
    led = draft_of("Project", a_project(lead=ADA, leadId=ADA["id"]))
    assert led.author is not None
    assert led.author.handle == "ada"


def test_an_update_goes_with_its_project() -> None:
    draft = draft_of("ProjectUpdate", an_update())
    assert (draft.source_id, draft.parent) == (f"project-update/{UPDATE_ID}", f"project/{PROJECT_ID}")
    assert (draft.title, draft.state) == ("Update on Durable carts: at risk", "at-risk")
    assert draft.body == "# Update on Durable carts: at risk\n\nThe inbox holds every cart since Monday."


def test_an_update_that_was_emptied_is_gone() -> None:
    outcome = parse(event("ProjectUpdate.update", webhook("ProjectUpdate", an_update(""))))
    assert isinstance(outcome, Skip)
    assert [gone.source_id for gone in outcome.gone] == [f"project-update/{UPDATE_ID}"]
