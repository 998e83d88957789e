"""A process killed at any write of parts, links, versions, entities, edges or neighbours leaves nothing wrong behind;
neither do two processes at once.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps import persist
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.graph_cache import prime_graph_cache
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database

from . import scripted
from .doubles import session_with
from .dumps import cache_keys, rows, statuses, wipe
from .killing import Moment, Switch, counted_session, was_killed
from .memory_state import memory_state
from .samples import envelope, issue, issue_comment, page_event, slack_message
from .scripted import told

_FORK = multiprocessing.get_context("fork")
_MOMENTS: tuple[Moment, Moment] = ("before", "after")

Memory = dict[str, Any]


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.install(monkeypatch)
    # So that a batch ends between any few events.
    monkeypatch.setattr(persist, "_EVENTS_PER_TRANSACTION", 5)


def _first_round(workspace: WorkspaceId) -> list[bytes]:
    """Threads of parts, links between all kinds of things, versions out of order, owners, a parent with a child."""
    link = {"type": "REFERENCES", "to": "document scripted:b/1", "words": "the other page"}
    page = {"id": "a/1", "at": 2, "text": "See the other page.", "links": [link], "author": "github:7 Ada"}
    return [
        told(workspace, "page", at=2, docs=[page]),
        told(workspace, "page before", at=1, docs=[{**page, "at": 1, "text": "Of the other page.", "state": "draft"}]),
        told(workspace, "child", at=2, docs=[{"id": "a/1/c", "at": 2, "text": "A child.", "parent": "a/1"}]),
        told(workspace, "other", at=3, docs=[{"id": "b/1", "at": 3, "text": "The other.", "author": "github:8 Ben"}]),
        told(workspace, "m1", at=1, parts=[{"doc": "r/1", "part": "1", "at": 1, "text": "Words.", "context": "r"}]),
        told(workspace, "m2", at=2, parts=[{"doc": "r/1", "part": "2", "at": 2, "text": "See #a/1.", "context": "r"}]),
        told(workspace, "m3", at=3, parts=[{"doc": "r/2", "part": "1", "at": 3, "text": "Gone soon.", "context": "r"}]),
        envelope(workspace, key="issue", payload=issue(1, body="See #2 and @ben.")),
        envelope(workspace, key="comment", action="issue_comment.created", payload=issue_comment(2, 22)),
        page_event(workspace, key="owners", path="CODEOWNERS", content="* @ada\n"),
        page_event(workspace, key="guide", path="guide.md", content="# Guide\n\nSee the berths."),
        slack_message(workspace, user="U1", name="Ada Byron", email="ada@acme.example", ts="1772445600.000100"),
    ]


def _second_round(workspace: WorkspaceId) -> list[bytes]:
    """Names change, a parent goes and comes back, a room turns private, a push is known, an edge is retired."""
    commit = {"store": "s", "after": "c1", "before": "0", "delivery_id": "d1"}
    pushed = {"id": "p", "at": 5, "text": "By the push."}
    return [
        told(workspace, "gone", at=4, gone=[{"id": "a/1", "at": 4}]),
        told(workspace, "back", at=5, docs=[{"id": "a/1", "at": 5, "text": "Back, without a link."}]),
        told(workspace, "renamed", at=6, renames=[{"old": "b", "new": "z", "at": 6}]),
        told(workspace, "push", at=5, docs=[pushed], commit=commit),
        told(workspace, "a push", at=6, docs=[{**pushed, "text": "By the same."}], commit=commit),
        told(workspace, "m3 gone", at=4, parts=[{"doc": "r/2", "part": "1", "at": 4, "text": None, "context": "r"}]),
        told(
            workspace, "room", at=5,
            parts=[{"doc": "r", "part": "r", "at": 5, "content": {"privacy": "private"}, "context": "r"}],
        ),
        told(workspace, "bot", at=6, accounts=["github:8 Ben!"]),
        envelope(workspace, key="issue later", payload=issue(1, body="Nothing.", updated="2026-03-05T10:00:00Z")),
        page_event(workspace, key="no guide", path="guide.md", content=None, at="2026-03-05T10:00:00Z"),
    ]  # fmt: skip


_ROUNDS = (_first_round, _second_round)


def _receive(session: Session, workspace: WorkspaceId, lines: Sequence[bytes]) -> None:
    put_lines(session.stores.objects, workspace, lines)
    version = session.new_workspace_version
    receive_events(workspace, stores=session.stores, new_workspace_version=version, organization_id="org")


def _persist(session: Session, workspace: WorkspaceId) -> None:
    version = session.new_workspace_version
    persist_pending(
        workspace, stores=session.stores, version=version, load_embedder=lambda: session.embedder(version)
    )  # fmt: skip


def _connect(session: Session, workspace: WorkspaceId) -> None:
    resolve_entities(workspace, stores=session.stores)
    reconcile_relationships(workspace, stores=session.stores)
    prime_graph_cache(workspace, stores=session.stores)


def _build(session: Session, workspace: WorkspaceId) -> None:
    _persist(session, workspace)
    _connect(session, workspace)


def _memory(session: Session, workspace: WorkspaceId) -> Memory:
    """Read what the memory says, and what the cache holds of the graph."""
    cached = {key: value for key, value in cache_keys(session, workspace).items() if key.startswith("graph:")}
    primed = "SELECT direction, node_kind, node_id, content_hash FROM graph_cache_entries WHERE generation <> ''"
    return {**memory_state(session, workspace), "cached": cached, "primed": sorted(rows(session, workspace, primed))}


class World:
    """A workspace that starts from nothing, with an object store of its own."""

    def __init__(self, session: Session, workspace: WorkspaceId, objects: Path) -> None:
        wipe(session, workspace)
        self._session, self._workspace, self._objects = session, workspace, objects
        self._own = session_with(session, objects=DirectoryObjectStore(objects))

    def receive(self, round_number: int) -> None:
        """Take the events of a round in."""
        _receive(self._own, self._workspace, _ROUNDS[round_number](self._workspace))

    def build(self) -> Memory:
        """Run the steps to their end."""
        _build(self._own, self._workspace)
        return _memory(self._own, self._workspace)

    def build_counted(self) -> list[str]:
        """Run the steps to their end and list their writes."""
        switch = Switch()
        counted = counted_session(self._session, self._objects, switch)
        _build(counted, self._workspace)
        counted.close()
        return switch.writes

    def is_killed(self, *, at: int, moment: Moment) -> bool:
        """Run the steps in a process that is killed at a write; tell whether it came that far."""
        switch = Switch(at, moment)
        return was_killed(lambda: _build(counted_session(self._session, self._objects, switch), self._workspace))

    def build_twice(self, *works: Callable[[Session], None]) -> Memory:
        """Run works in processes at once, each with connections of its own."""
        barrier: Barrier = _FORK.Barrier(len(works))

        def start(work: Callable[[Session], None]) -> None:
            own = Session(self._session.settings, self._session.endpoints)
            barrier.wait(timeout=60)
            work(session_with(own, objects=DirectoryObjectStore(self._objects)))
            own.close()

        processes = [_FORK.Process(target=start, args=(work,)) for work in works]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=120)
        assert [process.exitcode for process in processes] == [0] * len(works)
        return _memory(self._own, self._workspace)


@pytest.fixture
def world(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Callable[[], World]:
    """Make worlds of one workspace, one after another."""
    folders = (tmp_path / str(number) for number in range(10_000))
    return lambda: World(session, workspace, next(folders))


def test_killed_before_any_write_of_a_build_and_after_any_of_the_next(world: Callable[[], World]) -> None:
    whole = world()
    writes, expected = [], []
    for round_number in range(len(_ROUNDS)):
        whole.receive(round_number)
        writes.append(whole.build_counted())
        expected.append(whole.build())
    assert {"commit", "RedisCache.set_many"} <= set(writes[0])
    assert "RedisCache.delete_many" in writes[1]
    for memory in expected:
        assert all(memory.values())
    assert expected[0] != expected[1]

    kills = [0, 0]
    for at in range(1, max(map(len, writes)) + 1):
        here = world()
        for round_number, moment in enumerate(_MOMENTS):
            here.receive(round_number)
            kills[round_number] += here.is_killed(at=at, moment=moment)
            assert here.build() == expected[round_number], f"killed {moment} write {at} of round {round_number}"
    assert kills == [len(each) for each in writes]


@pytest.mark.parametrize("is_locked", [True, False], ids=["with the lock", "without the lock"])
def test_two_builds_at_once_end_as_one(
    session: Session, workspace: WorkspaceId, world: Callable[[], World], monkeypatch: pytest.MonkeyPatch,
    is_locked: bool,
) -> None:  # fmt: skip
    if not is_locked:  # it spares work; that the result is right must not hang on it
        monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())

    def build(own: Session) -> None:
        _build(own, workspace)

    one = world()
    expected = []
    for round_number in range(len(_ROUNDS)):
        one.receive(round_number)
        expected.append(one.build())
    for _ in range(2):
        here = world()
        for round_number, memory in enumerate(expected):
            here.receive(round_number)
            here.build_twice(build, build)
            assert here.build() == memory
    assert "pending" not in statuses(session, workspace)


def test_documents_and_edges_are_written_at_once_without_waiting_for_each_other_for_ever(
    workspace: WorkspaceId, world: Callable[[], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persist, "_EVENTS_PER_TRANSACTION", 40)
    links = [{"type": "REFERENCES", "to": f"document target-{number}", "words": f"w{number}."} for number in range(9)]
    text = " ".join(link["words"] for link in links)

    def lines(at: int) -> list[bytes]:
        """Change every page, and what every link means: targets go from page to page."""
        pages = [{"id": f"p{number}", "at": at, "text": text, "links": links} for number in range(40)]
        for number in range(9):
            pages[(number + at) % 40]["handles"] = [f"target-{number}"]
        return [told(workspace, f"{page['id']} {at}", at=at, docs=[{**page, "state": str(at)}]) for page in pages]

    here = world()
    own = here._own

    def write(process: Session) -> None:
        for at in range(1, 16):
            _receive(process, workspace, lines(at))
            _persist(process, workspace)

    def connect(process: Session) -> None:
        for _ in range(30):
            resolve_entities(workspace, stores=process.stores)
            reconcile_relationships(workspace, stores=process.stores)

    _receive(own, workspace, lines(0))
    here.build()
    here.build_twice(write, connect)
    assert "pending" not in statuses(own, workspace)
    here.build()
    live = "SELECT count(*) FROM relationships WHERE until IS NULL"
    assert rows(own, workspace, live) == [(40 * 9 - 9,)]
