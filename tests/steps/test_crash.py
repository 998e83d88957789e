"""A process that is killed between any two writes leaves nothing that the next run does not put right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

from .doubles import session_with
from .dumps import Dump, dump, present, wipe
from .killing import Moment, Switch, counted_session, was_killed
from .pipeline import ingest_folder, run_path
from .samples import DECISION, envelope, guide, issue, issue_comment, write_docs

PAGES = [
    {"berths.md": guide("anchors", "berths") + "\n" + DECISION, "cranes.md": guide("cranes", title="Cranes")},
    {"cranes.md": guide("docks", "cranes", title="Cranes") + "\n" + DECISION},
]
"""What the folder holds in the first round and in the second: one file removed, one changed."""

MOMENTS: tuple[Moment, Moment] = ("before", "after")


class World:
    """One workspace that starts from nothing, with an object store of its own."""

    def __init__(self, session: Session, workspace: WorkspaceId, root: Path) -> None:
        wipe(session, workspace)
        self._session, self._workspace, self._root = session, workspace, root
        self.own = session_with(session, objects=DirectoryObjectStore(root / "objects"))

    def run(self, round_number: int) -> None:
        """Run a round to its end."""
        self._round(self.own, round_number)

    def is_killed(self, round_number: int, *, at: int, moment: Moment) -> bool:
        """Run a round in a process that is killed at a write; tell whether it came that far."""

        def work() -> None:
            self._round(counted_session(self._session, self._root / "objects", Switch(at, moment)), round_number)

        return was_killed(work)

    def count_writes(self, round_number: int) -> list[str]:
        """Run a round to its end, and list its writes."""
        switch = Switch()
        counted = counted_session(self._session, self._root / "objects", switch)
        self._round(counted, round_number)
        counted.close()
        return switch.writes

    def dump(self) -> Dump:
        """Read all stores."""
        return dump(self.own, self._workspace)

    def present(self) -> Dump:
        """Read what the stores hold of what is there now, whatever was there before."""
        return present(self.own, self._workspace)

    def _round(self, session: Session, number: int) -> None:
        workspace, objects = self._workspace, session.stores.objects
        updated = f"2026-03-0{number + 3}T10:00:00Z"
        comment = issue_comment(2, 22, action="deleted" if number else "created", updated=updated)
        lines = [
            envelope(workspace, key=f"issue-{number}", payload=issue(1, updated=updated)),
            envelope(workspace, key=f"comment-{number}", action=f"issue_comment.{comment['action']}", payload=comment),
            envelope(workspace, key=f"broken-{number}", payload={**issue(3), "title": None}),
        ]
        put_lines(objects, workspace, lines)
        ingest_folder(session, workspace, write_docs(self._root / "handbook", PAGES[number]))
        run_path(session, workspace)


@pytest.fixture
def world(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Callable[[], World]:
    """Make worlds of one workspace, one after another."""
    roots = (tmp_path / str(number) for number in range(10_000))

    def make() -> World:
        root = next(roots)
        (root / "handbook").mkdir(parents=True)
        return World(session, workspace, root)

    return make


def test_the_reference_holds_something_of_everything(world: Callable[[], World]) -> None:
    whole = world()
    first_writes = whole.count_writes(0)
    first = whole.dump()
    second_writes = whole.count_writes(1)
    second = whole.dump()
    for writes in (first_writes, second_writes):
        kinds = {"put", "commit", "DirectoryObjectStore.delete", "PgVectorIndex.upsert", "RedisCache.set_many"}
        assert kinds <= set(writes)
        assert len(writes) >= 30
    assert {"PgVectorIndex.delete", "RedisCache.delete_many"} <= set(second_writes)
    for content in (first, second):
        assert content["inbox"] == content["missing raw artifacts"] == []
        assert [name for name, held in content.items() if not held] in (
            ["missing raw artifacts", "inbox"],
            ["observations index", "missing raw artifacts", "inbox"],
        )
    assert len(first[f"{Family.CHUNKS} index"]) >= 5
    assert first != second


def test_killed_before_a_write_of_a_build_and_after_one_of_an_update(world: Callable[[], World]) -> None:
    whole = world()
    writes, expected = [], []
    for round_number in (0, 1):
        writes.append(len(whole.count_writes(round_number)))
        expected.append(whole.dump())

    kills = [0, 0]
    odd = range(1, max(writes) + 1, 2)  # every other write, the others below: each takes a second
    for at in odd:
        here = world()
        for round_number, moment in enumerate(MOMENTS):
            kills[round_number] += here.is_killed(round_number, at=at, moment=moment)
            here.run(round_number)
            assert here.dump() == expected[round_number], f"killed {moment} write {at} of round {round_number}"
    assert kills == [len([at for at in odd if at <= count]) for count in writes]


def test_killed_after_a_write_of_a_build_and_changed_before_the_next_run(world: Callable[[], World]) -> None:
    whole = world()
    writes = len(whole.count_writes(0))
    whole.run(1)
    expected = whole.present()
    assert all(expected.values())

    kills = 0
    even = range(2, writes + 1, 2)
    for at in even:
        here = world()
        kills += here.is_killed(0, at=at, moment="after")
        here.run(1)
        assert here.present() == expected, f"killed after write {at}"
    assert kills == len(even)
