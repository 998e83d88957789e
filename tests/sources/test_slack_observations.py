"""A thread is remembered for what came out of it, and only for that."""

from __future__ import annotations

import pytest
from slack_payloads import ADA, THREAD, bot_message, draft_of, message, reply, ts

from neural_memory_pipelines.domain.documents import ObservationDraft
from neural_memory_pipelines.sources.slack.outcomes import ends_of_incident, find_outcomes


def said(text: str) -> list[tuple[str, str]]:
    return [(outcome.kind, outcome.said) for outcome in find_outcomes(text)]


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ("Decision: we use Postgres.", [("decision", "we use Postgres.")]),
        ("**Decision:** Postgres. Not Redis.", [("decision", "Postgres. Not Redis.")]),
        ("**Decision: Postgres**", [("decision", "Postgres")]),
        ("Both get it. Resolution: works as intended.", [("resolution", "works as intended.")]),
        (
            "- Root cause: a full disk\n- Action: bigger disks",
            [("root-cause", "a full disk"), ("action", "bigger disks")],
        ),
        ("**Outcome**\nWe stay.", [("outcome", "We stay.")]),
        ("Action items:\n\n- Ada: alarms\n- Ben: limits", [("action", "- Ada: alarms\n- Ben: limits")]),
        (":white_check_mark: decided to go with Postgres", [("decision", "decided to go with Postgres")]),
        (":rotating_light: Decision: stop the job", [("decision", "stop the job")]),
        ("Incident summary: the disk was full.", [("incident", "the disk was full.")]),
        ("Long talk. We agreed to keep it. Bye.", [("decision", "We agreed to keep it.")]),
        ("we've decided against Kafka", [("decision", "we've decided against Kafka")]),
        ("First we decided to wait.\nDecision: go.", [("decision", "go."), ("decision", "First we decided to wait.")]),
        ("Decision: TBD", []),
        ("Decision:", []),
        ("> Decision: theirs, not mine", []),
        ("```\nDecision: in code\n```", []),
        ("A decision: hard to take", []),
        ("Have we agreed to keep it?", []),
        ("We have not decided to do that.", []),
        ("The outcome:variable is set", []),
    ],
)
def test_outcomes_are_found_by_their_marks(text: str, outcomes: list[tuple[str, str]]) -> None:
    assert said(text) == outcomes


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Rolled back, all queues drain. Coffee.", ["Rolled back, all queues drain."]),
        ("Mitigated at 14:21", ["Mitigated at 14:21"]),
        ("Is it resolved?", []),
        ("Not resolved yet.", []),
        ("It isn't resolved.", []),
        ("Once it is resolved we sleep.", []),
        ("> resolved, says the monitor", []),
    ],
)
def test_an_end_is_one_only_if_it_is_told_as_a_fact(text: str, ends: list[str]) -> None:
    assert ends_of_incident(text) == ends


def test_an_observation_tells_of_its_thread() -> None:
    draft = draft_of(
        message("Who needs the snapshot at nine? It blocks SHOP-12."),
        reply(1, "Decision: it runs at night, see <https://github.com/acme/shop/issues/5>. Agreed with finance."),
        reply(2, "Thanks!", ADA),
    )
    (observation,) = draft.observations
    assert observation.title == "Decision in #shop: Who needs the snapshot at nine?"
    assert observation.summary == "it runs at night, see https://github.com/acme/shop/issues/5. Agreed with finance."
    assert observation.text == (
        "#shop: Who needs the snapshot at nine?\n\n"
        "Decision: it runs at night, see https://github.com/acme/shop/issues/5. Agreed with finance."
    )
    assert observation.tags == ("decision",)
    assert observation.subject_refs == (THREAD, "acme/shop#5", "SHOP-12")
    assert observation.occurred_at.isoformat() == "2026-01-02T10:01:00.000100+00:00"


def test_talk_without_an_outcome_is_not_remembered() -> None:
    assert draft_of(message(), reply(1, "I wonder about that.")).observations == ()


def test_only_people_decide() -> None:
    assert draft_of(message(), bot_message("Decision: merged.", ts=ts(1), thread_ts=message()["ts"])).observations == ()


def test_the_end_of_an_incident_is_remembered_in_the_words_of_whoever_told_it() -> None:
    draft = draft_of(
        message("sev1: payments do not arrive."),
        reply(1, "Rolled back 2.5.0, it looks better."),
        reply(2, "Resolved at 14:21, nothing was lost. Good night.", ADA),
    )
    (observation,) = draft.observations
    assert observation.tags == ("incident",)
    assert observation.text == "#shop: sev1: payments do not arrive.\n\nResolved at 14:21, nothing was lost."
    marked = draft_of(message("An outage of the shop."), reply(1, "Resolved it.\nIncident summary: a full disk."))
    assert [(item.tags, item.summary) for item in marked.observations] == [(("incident",), "a full disk.")]
    assert (
        draft_of(message("The long quarrel about tabs and blanks"), reply(1, "Resolved at 14:21.")).observations == ()
    )


def importance_of(*bodies: dict[str, object]) -> ObservationDraft:
    (observation,) = draft_of(*bodies).observations
    return observation


def test_importance_grows_with_voices_severity_and_reach() -> None:
    decision = "Decision: we keep carts for a week."
    alone = importance_of(message(decision))
    together = importance_of(message(), reply(1, decision), reply(2, "Good.", "U0EVE"))
    grave = importance_of(message("sev1 outage of the shop"), reply(1, decision), reply(2, "Good.", "U0EVE"))
    called = importance_of(message("<!channel> hear this"), reply(1, decision), reply(2, "Good.", "U0EVE"))
    assert alone.importance < together.importance < grave.importance
    assert alone.importance_factors["volume"] == alone.importance_factors["breadth"] == 0
    assert (grave.importance_factors["severity"], grave.importance_factors["linked"]) == (0.25, 0.15)
    assert (called.importance_factors["org"], together.importance_factors["org"]) == (0.10, 0.0)


def test_limits_hold() -> None:
    draft = draft_of(message("word " * 200), reply(1, "Decision: " + "we do this and that. " * 300))
    (observation,) = draft.observations
    assert len(observation.title or "") <= 120
    assert len(observation.summary or "") <= 320
    assert len(observation.text) <= 2_000
    many = draft_of(message(), *(reply(n, f"Decision: number {n}") for n in range(1, 80)))
    assert len(many.observations) == 50


def test_a_statement_made_twice_is_one() -> None:
    draft = draft_of(message("Decision: go."), reply(1, "Decision: go."))
    (observation,) = draft.observations
    assert observation.occurred_at == draft.occurred_at
