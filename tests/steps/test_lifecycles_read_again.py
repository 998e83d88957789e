"""Events in the lives of documents that are read again and say something else, and when their bytes are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres import events

from . import scripted
from .dumps import statuses
from .life_events import Event, a_deletion, a_life, a_page, a_part, a_reference, a_room, build_memory, memory_of
from .lives import life_of_a_family
from .memory_state import difference, memory_state

pytestmark = pytest.mark.usefixtures("scripted_source")


def _read_all_again(session: Session, workspace: WorkspaceId, patch: pytest.MonkeyPatch, **now: dict[str, Any]) -> None:
    """Read all events again with a parser to which some of them, by key, say something else."""
    parse = scripted.parse
    with patch.context() as newer:

        def other(event: SourceEvent) -> Changes | Skip:
            says = now.get(event.idempotency_key.replace(" ", "_"))
            return parse(event if says is None else replace(event, payload=says))

        newer.setattr(scripted, "parse", other)
        scripted.install(newer)
        with session.stores.database.transaction(workspace) as tx:
            events.read_all_again(tx)
        build_memory(session, workspace, [])


_TOLD_BEFORE: list[Event] = [
    (
        "first",
        1,
        a_page("a", 1, "See b there and c too.", links=[a_reference("b", "b there"), a_reference("c", "c too")]),
    ),
    ("second", 2, {"docs": [{"id": "a", "at": 2, "text": "Later."}, {"id": "b", "at": 2, "text": "Beside."}]}),
    ("third", 3, a_page("c", 3, author="github:9 Zoe")),
    ("fourth", 4, a_part("r/1", "m1", 4, "Words of weight.")),
    ("fifth", 5, a_part("r/1", "m2", 5, "More words.")),
    ("sixth", 6, a_part("r/2", "m3", 6, "A thread of one.")),
    ("seventh", 7, a_room(7, room="till")),
    ("eighth", 8, a_deletion("d", 8)),
    ("ninth", 9, a_page("d/1", 2, parent="d")),
]

_TOLD_NOW: list[dict[str, dict[str, Any]]] = [
    {"second": {"docs": [{"id": "b", "at": 2, "text": "Beside."}]}},
    {"second": {"skip": "trivial"}},
    {"second": {"docs": [{"id": "a", "at": 0, "text": "Earlier than it seemed."}]}},
    {"first": a_page("a", 1, "See c too.", links=[a_reference("c", "c too")]), "sixth": {}},
    {"third": {"accounts": ["github:9 Zoe"]}},
    {"fourth": {"skip": "empty"}, "sixth": {"skip": "empty"}},
    {"fifth": a_part("r/2", "m2", 5, "More words.")},
    {"fifth": a_part("r/1", "m1", 3, "Earlier than it seemed.")},
    {"seventh": {}},
    {"eighth": {}},
    {"first": {"renames": [{"old": "b", "new": "e", "at": 5}]}},
]


@pytest.mark.parametrize("now", _TOLD_NOW, ids=range(len(_TOLD_NOW)))
def test_what_events_say_no_more_does_not_linger(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch, now: dict[str, dict[str, Any]]
) -> None:
    before = memory_of(session, workspace, _TOLD_BEFORE)
    _read_all_again(session, workspace, monkeypatch, **now)
    other = WorkspaceId(f"{workspace}-fresh")
    fresh = memory_of(session, other, [(key, at, now.get(key, says)) for key, at, says in _TOLD_BEFORE])
    assert difference(fresh, memory_state(session, workspace)) == {}
    assert fresh != before


def test_an_event_that_can_be_read_no_more_leaves_what_it_said(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = memory_of(session, workspace, _TOLD_BEFORE)
    _read_all_again(session, workspace, monkeypatch, second={"fault": "broken for now"})
    assert statuses(session, workspace)["dead"] == 1
    assert difference(before, memory_state(session, workspace)) == {}


def test_reading_all_again_changes_nothing(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = memory_of(session, workspace, _TOLD_BEFORE, life_of_a_family(), [("x", 9, a_part("r/1", "m2", 9, None))])
    _read_all_again(session, workspace, monkeypatch)
    assert difference(before, memory_state(session, workspace)) == {}


def test_bytes_are_read_while_no_transaction_is_open(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_many = session.stores.objects.get_many
    held: list[int] = []

    def watched(keys: Sequence[str]) -> dict[str, bytes]:
        with session.stores.database.transaction(workspace) as tx:
            query = """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'relation'
                AND a.state = 'idle in transaction' AND l.relation = 'source_events'::regclass"""
            held.append(tx.connection.exec_driver_sql(query).scalar_one())
        return get_many(keys)

    monkeypatch.setattr(session.stores.objects, "get_many", watched)
    memory_of(session, workspace, a_life(a_page("a", 1)))
    assert len(held) >= 2
    assert set(held) == {0}
