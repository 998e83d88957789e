"""Two nights of a workspace at once, one that is killed at any write, and one twice: all give what one night gives."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.consolidation_settings import put_settings
from neural_memory_pipelines.stores.postgres.engine import Database
from tests.versions.migrating import promote_it, successor_built

from .dumps import rows
from .killing import Moment, Switch, counted_session, was_killed
from .summarized import NIGHT, Summarized, indexed, summarized

SETTINGS = ConsolidationSettings(age_per_night=3)
_FORK = multiprocessing.get_context("fork")
_STATE = {
    "out": "SELECT text, aged_at FROM memory_observations WHERE aged_at IS NOT NULL",
    "nights": "SELECT at, observations, in_topics, in_summaries, cited, aged FROM consolidation_nights",
    "reasons": "SELECT suite, payload -> 'coverage' FROM eval_events WHERE suite = 'nightly'",
    "state": "SELECT night_at, seen ->> 'run', night_hash = seen ->> 'hash', seen -> 'leaving_at' FROM consolidations",
    "versions": "SELECT embedding_version, status FROM workspace_versions",
    "history": "SELECT embedding_version, to_status FROM version_transitions",
    "ledger": "SELECT embedding_version, family, count(*) FROM vector_entries GROUP BY 1, 2",
}


def _made(session: Session, workspace: WorkspaceId, folder: Path) -> Summarized:
    """Four old observations with a summary, of which three may leave; and a version that is due to be archived."""
    made = summarized(session, workspace, folder)
    with session.stores.database.transaction(workspace) as tx:
        put_settings(tx, SETTINGS)
    version = successor_built(session, workspace, session.active_version(workspace).model, topology="store")
    promote_it(session, workspace, version, force=True)
    made.execute("UPDATE workspace_versions SET since = '2026-10-01' WHERE status = 'retired'")
    return made


def _night(made: Summarized) -> None:
    """The parts of a night that are about time, as the assets call them."""
    made.begin(SETTINGS, run="run")
    made.age(SETTINGS)
    served = made.session.active_version(made.workspace)
    reconcile_index(Scope(made.workspace, served, Family.OBSERVATIONS, made.session.stores))
    made.end(run="run")


def _state(made: Summarized) -> dict[str, Any]:
    state: dict[str, Any] = {
        name: sorted(rows(made.session, made.workspace, query), key=repr) for name, query in _STATE.items()
    }
    return state | {"index": len(indexed(made))}


@pytest.fixture
def made(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Summarized:
    """A workspace with a night's work."""
    return _made(session, workspace, tmp_path / "docs")


@pytest.fixture
def expected(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What one night gives, in another workspace that was told the same."""
    other = _made(session, WorkspaceId(f"{workspace}-once"), tmp_path / "once")
    _night(other)
    state = _state(other)
    assert [len(state[name]) for name in ("out", "nights", "reasons", "state")] == [3, 1, 1, 1]
    assert state["index"] == 1
    assert {status for _, status in state["versions"]} == {"active", "archived"}
    yield state
    assert _state(other) == state, "nothing of another workspace changes"


def test_a_night_twice_is_a_night(made: Summarized, expected: dict[str, Any]) -> None:
    _night(made)
    assert _state(made) == expected
    _night(made)
    assert _state(made) == expected


@pytest.mark.parametrize("is_locked", [True, False], ids=["with the locks", "without the locks"])
def test_two_nights_at_once_are_a_night(
    made: Summarized, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    if not is_locked:  # they spare work; that the result is right must not hang on them
        monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())
    barrier: Barrier = _FORK.Barrier(2)

    def work() -> None:
        own = Session(made.session.settings, made.session.endpoints)  # connections do not survive a fork
        barrier.wait(timeout=60)
        _night(Summarized(own, made.workspace, made.folder))
        own.close()

    processes = [_FORK.Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert _state(made) == expected


def _kill_at(made: Summarized, objects: Path, number: int, moment: Moment) -> bool:
    def work() -> None:
        own = counted_session(made.session, objects, Switch(number, moment))
        _night(Summarized(own, made.workspace, made.folder))

    return was_killed(work)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_every_single_write_it_is_finished_in_the_end(
    made: Summarized, expected: dict[str, Any], tmp_path: Path, moment: Moment
) -> None:
    number, killed, before = 1, 0, _state(made)
    while _kill_at(made, tmp_path / "objects", number, moment):
        killed += 1
        assert killed < 100
        state = _state(made)
        number += state == before  # what is done is not done again: the next write has the same number
        before = state
    assert killed >= 10
    assert _state(made) == expected


def test_a_killed_night_leaves_the_record_of_none(made: Summarized, tmp_path: Path) -> None:
    """Coverage, the reason to evaluate and how far it is are written together or not at all."""
    commits = 0

    def work() -> None:
        own = counted_session(made.session, tmp_path / "objects", Switch(commits, "before"))
        made_here = Summarized(own, made.workspace, made.folder)
        made_here.begin(SETTINGS, run="run")
        made_here.end(run="run")

    record = (
        "SELECT (SELECT count(*) FROM consolidation_nights), "
        "(SELECT count(*) FROM eval_events WHERE suite = 'nightly'), "
        "(SELECT count(*) FROM consolidations WHERE night_at IS NOT NULL)"
    )
    commits = 1
    while was_killed(work):
        assert rows(made.session, made.workspace, record) == [(0, 0, 0)]
        commits += 1
    assert commits > 3
    assert rows(made.session, made.workspace, record) == [(1, 1, 1)]
    assert made.aged == {}
    assert rows(made.session, made.workspace, "SELECT night_at FROM consolidations")[0][0] == NIGHT
