"""What a night leaves: its record and a reason to evaluate, once. The settings of a workspace; what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, with_setting
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation.age import pin_observation
from neural_memory_pipelines.steps.consolidation.night import end_night
from neural_memory_pipelines.steps.reread import change_redaction
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting, put_settings, read_settings
from tests.versions.migrating import promote_it, successor_built

from .dumps import rows
from .holdings import found_in, holdings
from .summarized import GRACE_DAYS, NIGHT, TOPICS, Summarized, summarized

DAY = timedelta(days=1)


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Summarized:
    """A workspace with four observations and a summary."""
    return summarized(session, workspace, tmp_path / "docs")


def test_a_night_records_what_is_covered_by_source_and_type(made: Summarized) -> None:
    (_cited, in_topic, alone, hidden) = made.ids
    made.execute("DELETE FROM cluster_members WHERE observation_id = ANY(:ids)", ids=[alone, hidden])
    made.group([in_topic], topic="without")
    made.retire_summary("without")
    made.execute("UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :key", key=hidden)
    report = made.night()
    expected = {"observations": 3, "in_topics": 2, "in_summaries": 2, "cited": 1, "aged": 2}
    assert report.kinds == expected
    query = "SELECT observations, in_topics, in_summaries, cited, aged, coverage_json FROM consolidation_nights"
    ((*numbers, spelled),) = rows(made.session, made.workspace, query)
    assert dict(zip(expected, numbers, strict=True)) == expected
    ((source, type_),) = rows(made.session, made.workspace, "SELECT DISTINCT source, type FROM knowledge_documents")
    assert spelled == {"by_kind": [{"source": source, "type": type_, **expected}]}
    ((suite, payload, consumed),) = rows(
        made.session, made.workspace, "SELECT suite, payload, consumed_at FROM eval_events WHERE payload ? 'night'"
    )
    assert (suite, payload["coverage"], consumed) == ("nightly", expected, None)


def test_a_night_that_changed_nothing_leaves_no_record_and_no_reason_to_evaluate(made: Summarized) -> None:
    made.night()
    count = (
        "SELECT (SELECT count(*) FROM consolidation_nights), (SELECT count(*) FROM eval_events WHERE suite = 'nightly')"
    )
    assert rows(made.session, made.workspace, count) == [(1, 1)]
    report = made.night(now=NIGHT + DAY)
    assert (report.written, report.unchanged) == (0, 1)
    assert rows(made.session, made.workspace, count) == [(1, 1)]
    made.tell(*TOPICS, "engines")
    assert made.night(now=NIGHT + 2 * DAY).written == 2
    assert rows(made.session, made.workspace, count) == [(2, 2)]


def test_at_a_version_that_is_not_served_no_night_ends(made: Summarized) -> None:
    first = made.session.active_version(made.workspace)
    made.begin()
    model = made.session.active_version(made.workspace).model
    promote_it(
        made.session, made.workspace, successor_built(made.session, made.workspace, model, topology="store"), force=True
    )
    report = end_night(made.workspace, first, stores=made.session.stores, now=NIGHT, grace_days=GRACE_DAYS, run="run")
    assert report.notes == ["the night is ended at the active version"]
    assert rows(made.session, made.workspace, "SELECT night_at FROM consolidations") == [(None,)]


def test_settings_are_kept_where_they_differ_and_checked(made: Summarized) -> None:
    database = made.session.stores.database
    with database.transaction(made.workspace) as tx:
        assert read_settings(tx) == DEFAULT_CONSOLIDATION
        change_setting(tx, "timezone", "Europe/Berlin")
        changed = change_setting(tx, "keep_hot", "true")
        assert read_settings(tx) == changed == replace(DEFAULT_CONSOLIDATION, timezone="Europe/Berlin", keep_hot=True)
    kept = "SELECT settings -> 'consolidation' FROM workspaces"
    assert rows(made.session, made.workspace, kept) == [({"timezone": "Europe/Berlin", "keep_hot": True},)]
    with database.transaction(made.workspace) as tx:
        with pytest.raises(PermanentError, match="there is no setting 'colour'"):
            change_setting(tx, "colour", "blue")
        put_settings(tx, with_setting(DEFAULT_CONSOLIDATION, "pool_share", "0.3"))
        assert read_settings(tx) == replace(DEFAULT_CONSOLIDATION, pool_share=0.3)
    made.execute("UPDATE workspaces SET settings = jsonb_build_object('consolidation', '{\"timezone\": \"X\"}'::jsonb)")
    with database.transaction(made.workspace) as tx:
        change_setting(tx, "timezone", "UTC")  # what is broken can be set right
        assert read_settings(tx) == DEFAULT_CONSOLIDATION
    with database.transaction(WorkspaceId("nowhere")) as tx, pytest.raises(NotFoundError, match="does not exist yet"):
        change_setting(tx, "keep_hot", "true")


def test_no_text_is_left_when_all_is_read_again_and_pins_are(made: Summarized) -> None:
    pin_observation(made.workspace, made.ids[0], stores=made.session.stores, pinned_by="ada", reason="an audit")
    made.night()
    made.execute(
        "INSERT INTO cluster_events (workspace_id, cluster_id, event, others, label, size, at) "
        "VALUES (:workspace, 'c', 'birth', '[]', 'moorings that are checked', 4, :at)",
        workspace=made.workspace, at=NIGHT,
    )  # fmt: skip
    quoted = {"moorings that are checked", "What is checked of the moorings", "twice a week"}
    assert set().union(*found_in(holdings(made.session, made.workspace), quoted).values()) == quoted
    change_redaction(made.workspace, RedactionPolicy.TOKENS, stores=made.session.stores)
    left = found_in(holdings(made.session, made.workspace), quoted)
    assert left.pop("cache", set()) <= {"twice a week"}, "pages of other workspaces say so"
    assert left == {}
    assert rows(made.session, made.workspace, "SELECT pinned_by FROM observation_pins") == [("ada",)]
