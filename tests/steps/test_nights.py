"""A night is due when it has begun and anything changed since the last one that ended; nothing is missed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation.age import pin_observation
from neural_memory_pipelines.steps.consolidation.due import Due, DueNight, early_due, nights_due
from neural_memory_pipelines.stores.postgres import nights
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting, put_settings
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.nights import NightSchedule
from tests.versions.migrating import pages, promote_it, successor_built, tell

from .dumps import rows
from .summarized import GRACE_DAYS, NIGHT, TOPICS, Summarized, summarized

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Summarized:
    """A workspace with four observations and a summary; ticks see no other workspace."""
    made = summarized(session, workspace, tmp_path / "docs")
    all_schedules = nights.night_schedules

    def only_this(database: Database) -> list[NightSchedule]:
        return [scheduled for scheduled in all_schedules(database) if scheduled.workspace.startswith(workspace)]

    monkeypatch.setattr(nights, "night_schedules", only_this)
    return made


def _tick(made: Summarized, now: datetime) -> Due:
    return nights_due(made.session.stores.database, now=now, grace_days=GRACE_DAYS)


def _due(made: Summarized, now: datetime) -> str | None:
    """Say why the workspace is due."""
    found = _tick(made, now)
    assert not found.failed
    return found.nights[0].why if found.nights else None


def _set(made: Summarized, name: str, value: str) -> None:
    with made.session.stores.database.transaction(made.workspace) as tx:
        change_setting(tx, name, value)


def test_a_workspace_is_due_until_its_night_has_ended_and_then_when_something_changed(made: Summarized) -> None:
    for now in (NIGHT, NIGHT + QUARTER, NIGHT + DAY):  # a tick that was lost, a daemon that was down
        (night,) = _tick(made, now).nights
        assert night == DueNight(
            made.workspace,
            made.session.active_version(made.workspace).name,
            f"{now.replace(minute=0):%Y-%m-%dT%H:%MZ}",
            "it has never been consolidated",
        )
    made.night(now=NIGHT + DAY)
    for days in (1, 2, 3):
        assert _due(made, NIGHT + days * DAY + QUARTER) is None
    made.tell(*TOPICS, "engines")
    assert _due(made, NIGHT + 4 * DAY - QUARTER) is None, "the next night has not begun"
    assert _due(made, NIGHT + 4 * DAY) == "something changed since its last night"
    made.night(now=NIGHT + 4 * DAY)
    assert _due(made, NIGHT + 5 * DAY) is None


def test_a_workspace_without_anything_to_do_is_looked_at_once_a_night(
    made: Summarized, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.night()
    looked: list[str] = []
    look = nights.look

    def counted(tx: Any) -> Any:
        looked.append(tx.workspace_id)
        return look(tx)

    monkeypatch.setattr(nights, "look", counted)
    for quarters in range(96 * 2):
        assert _due(made, NIGHT + QUARTER * quarters) is None
    assert looked == [made.workspace] * 2


def _pin(made: Summarized) -> None:
    pin_observation(made.workspace, made.ids[0], stores=made.session.stores, pinned_by="ada", reason="an audit")


def _change_a_setting(made: Summarized) -> None:
    _set(made, "half_life_days", "30")


def _delete_a_page(made: Summarized) -> None:
    made.tell(*TOPICS[1:])


def _replace_a_page(made: Summarized) -> None:
    made.tell(*TOPICS[1:], "engines")


def _hide_one(made: Summarized) -> None:
    made.execute("UPDATE memory_observations SET privacy = 'private' WHERE observation_id = :key", key=made.ids[0])


def _weigh_one(made: Summarized) -> None:
    made.execute("UPDATE memory_observations SET importance = 0.99 WHERE observation_id = :key", key=made.ids[0])


def _rename_an_entity(made: Summarized) -> None:
    made.execute(
        "INSERT INTO entities (entity_id, workspace_id, kind, key, name) VALUES (:key, :workspace, 'person', 'a', 'A')",
        key=f"ent_{made.workspace}", workspace=made.workspace,
    )  # fmt: skip


def _relate(made: Summarized) -> None:
    made.execute(
        "INSERT INTO relationships (relationship_id, workspace_id, type, from_kind, from_id, to_kind, to_id, "
        "confidence, detected_by, since) "
        "VALUES (:key, :workspace, 'T', 'document', 'd', 'entity', 'e', 1, 'rule', :at)",
        key=f"rel_{made.workspace}", workspace=made.workspace, at=NIGHT,
    )  # fmt: skip


def _build_a_version_beside(made: Summarized) -> None:
    successor_built(made.session, made.workspace, made.session.active_version(made.workspace).model, topology="store")


def _promote(made: Summarized) -> None:
    model = made.session.active_version(made.workspace).model
    version = successor_built(made.session, made.workspace, model, topology="store")
    promote_it(made.session, made.workspace, version, force=True)


@pytest.mark.parametrize(
    "change",
    [
        _pin,
        _change_a_setting,
        _delete_a_page,
        _replace_a_page,
        _hide_one,
        _weigh_one,
        _rename_an_entity,
        _relate,
        _build_a_version_beside,
        _promote,
    ],
)
def test_due_when_anything_changed_that_a_night_reads(made: Summarized, change: Callable[[Summarized], None]) -> None:
    made.night()
    change(made)
    assert _due(made, NIGHT + DAY) == "something changed since its last night"


def test_not_due_when_only_what_nobody_may_see_or_nothing_was_observed_changed(made: Summarized) -> None:
    _hide_one(made)
    made.night()
    made.execute("UPDATE memory_observations SET importance = 0.5 WHERE privacy = 'private'")
    plain = {"plain.md": "# A page\n\nNothing is decided here.\n"}
    tell(made.session, made.workspace, made.folder, {**pages(*TOPICS), **plain})
    assert rows(made.session, made.workspace, "SELECT count(*) FROM knowledge_documents") == [(5,)]
    assert _due(made, NIGHT + DAY) is None


def test_due_when_observations_become_old_enough_and_again_for_those_that_had_to_wait(made: Summarized) -> None:
    settings = replace(DEFAULT_CONSOLIDATION, age_per_night=3, age_after_days=300)
    with made.session.stores.database.transaction(made.workspace) as tx:
        put_settings(tx, settings)
    made.night(settings)
    assert made.aged == {}
    assert _due(made, NIGHT + DAY) is None
    later = NIGHT + 10 * DAY
    for expected in (3, 4):
        assert _due(made, later) == "observations are due to leave the hot index"
        made.night(settings, now=later)
        assert len(made.aged) == expected
        assert _due(made, later + QUARTER) is None
        later += DAY
    assert _due(made, later) is None


def test_what_comes_in_while_a_night_runs_is_new_to_the_next_one(made: Summarized) -> None:
    made.begin()
    made.tell(*TOPICS, "engines")
    made.end()
    assert _due(made, NIGHT + DAY) == "something changed since its last night"
    with made.session.stores.database.transaction(made.workspace) as tx:
        assert nights.count_new(tx).observations == 1


def test_a_night_that_was_cut_off_is_due_again(made: Summarized) -> None:
    made.night()
    made.begin(now=NIGHT + DAY, run="another")
    assert _due(made, NIGHT + DAY) == "its last night was cut off"
    made.end(now=NIGHT + DAY, run="another")
    assert _due(made, NIGHT + DAY) is None


def test_a_night_during_which_another_began_leaves_the_record_to_that_one(made: Summarized) -> None:
    made.begin(run="first")
    made.tell(*TOPICS, "engines")
    made.begin(run="second")
    report = made.end(run="first")
    assert report.written == 0
    assert "another night began" in report.notes[0]
    assert _due(made, NIGHT + DAY) == "it has never been consolidated"
    made.age()
    assert made.end(run="second").written == 2
    assert _due(made, NIGHT + DAY) is None


def test_what_is_due_for_archive_makes_a_night_due_and_goes_with_it(made: Summarized) -> None:
    first = made.session.active_version(made.workspace)
    _promote(made)
    made.night()
    made.execute("UPDATE workspace_versions SET since = :at WHERE status <> 'active'", at=NIGHT)
    assert _due(made, NIGHT + 14 * DAY) is None
    later = NIGHT + 15 * DAY
    assert _due(made, later) == f"{first.name} is due to be archived"
    report = made.night(now=later)
    assert report.deleted > 0
    assert report.notes == [f"{first.name} was archived: {report.deleted} vectors left the indexes"]
    status = "SELECT status FROM workspace_versions WHERE embedding_version = :name"
    assert rows(made.session, made.workspace, status, name=first.name) == [("archived",)]
    assert _due(made, later + DAY) is None, "that it is gone is no change"


def test_a_night_is_that_of_the_time_zone(made: Summarized) -> None:
    made.night()
    made.tell(*TOPICS, "engines")
    _set(made, "timezone", "Asia/Tokyo")  # 02:00 there is 17:00 in UTC of the day before
    _set(made, "night_at", "02:00")
    assert _due(made, NIGHT + timedelta(hours=14, minutes=45)) is None
    (night,) = _tick(made, NIGHT + timedelta(hours=15)).nights
    assert night.key == "2026-11-22T17:00Z"


@pytest.mark.parametrize(
    "broken",
    ["'{\"timezone\": \"Mars/North\"}'", "'{\"night_at\": \"25:00\"}'", "'{\"age_after_days\": -1}'",
     "'{\"early_observations\": \"many\"}'", "'{\"keep_hot\": 7}'", "'[1]'", "'{\"timezone\": 5}'"],
)  # fmt: skip
def test_a_workspace_with_broken_settings_is_named_and_stops_no_other(
    made: Summarized, tmp_path: Path, broken: str
) -> None:
    other = summarized(made.session, WorkspaceId(f"{made.workspace}-b"), tmp_path / "other")
    made.execute(f"UPDATE workspaces SET settings = settings || jsonb_build_object('consolidation', {broken}::jsonb)")
    for found in (_tick(made, NIGHT), early_due(made.session.stores.database)):
        assert list(found.failed) == [made.workspace]
        assert f"workspace {made.workspace}: its consolidation settings are" in found.failed[made.workspace]
    assert [night.workspace for night in _tick(made, NIGHT).nights] == [other.workspace]


def test_a_database_that_is_away_for_all_is_an_error_and_for_one_is_not(
    made: Summarized, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [WorkspaceId(f"{made.workspace}-{letter}") for letter in "abc"]
    for name in names:
        summarized(made.session, name, tmp_path / name)
    look = nights.look
    away = {made.workspace, names[1]}

    def failing(tx: Any) -> Any:
        if tx.workspace_id in away:
            raise TransientError("Postgres is away")
        return look(tx)

    monkeypatch.setattr(nights, "look", failing)
    found = _tick(made, NIGHT)
    assert set(found.failed) == away
    assert {night.workspace for night in found.nights} == set(names) - away
    away |= set(names)
    with pytest.raises(TransientError, match="Postgres is away"):
        _tick(made, NIGHT)


def test_early_as_soon_as_enough_is_new_since_the_last_night(made: Summarized) -> None:
    database = made.session.stores.database
    assert early_due(database).nights == []
    _set(made, "early_observations", "4")
    (night,) = early_due(database).nights
    assert (night.workspace, night.key, night.why) == (made.workspace, "the-first-1", "4 new observations")
    made.night()
    assert early_due(database).nights == []
    made.tell(*TOPICS, "engines", "ferries", "gangways")
    assert early_due(database).nights == []
    _set(made, "early_observations", "1")
    (night,) = early_due(database).nights
    assert night.key.endswith("Z-3"), "each further portion is asked for under a key of its own"
    made.execute("UPDATE memory_observations SET privacy = 'private' WHERE text LIKE '%engines%'")
    assert early_due(database).nights[0].why == "2 new observations"
