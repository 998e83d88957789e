"""Runs work in a forked process that kills itself (SIGKILL) at a chosen write to any store."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database

from .doubles import session_with

Moment = Literal["before", "after"]


@dataclass
class Switch:
    """Counts writes, and kills this process just before or after the one numbered `at` (from 1; 0 kills never)."""

    at: int = 0
    moment: Moment = "before"
    writes: list[str] = field(default_factory=list)

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        self.writes.append(name)
        self._kill_if("before")
        yield
        self._kill_if("after")

    def _kill_if(self, moment: Moment) -> None:
        if len(self.writes) == self.at and moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """A store that passes everything on; calls of the named methods are writes."""

    def __init__(self, inner: Any, switch: Switch, *writing: str) -> None:
        self._inner, self._switch, self._writing = inner, switch, writing

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._writing:
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._switch.write(f"{type(self._inner).__name__}.{name}"):
                return method(*args, **kwargs)

        return call


class CountedObjects(Counted):
    """An object store, of which each object is a write of its own."""

    def __init__(self, inner: ObjectStore, switch: Switch) -> None:
        super().__init__(inner, switch, "delete")

    def put_many(self, objects: dict[str, bytes]) -> None:
        for key, data in objects.items():
            with self._switch.write("put"):
                self._inner.put_many({key: data})


def counted_session(session: Session, objects: Path, switch: Switch) -> Session:
    """Open a session of this process on the same stores, with objects elsewhere and every write counted."""
    own = Session(session.settings, session.endpoints)
    _count_commits(own.stores.database, switch)
    return session_with(
        own,
        objects=CountedObjects(DirectoryObjectStore(objects), switch),
        vectors=Counted(own.stores.vectors, switch, "ensure_index", "upsert", "delete", "delete_namespace"),
        cache=Counted(own.stores.cache, switch, "set_many", "delete_many"),
    )


def _count_commits(database: Database, switch: Switch) -> None:
    dialect = database.engine.dialect
    commit = dialect.do_commit

    def counted(connection: Any) -> None:
        # A transaction that wrote nothing has no number; whether it is committed makes no difference.
        written = connection.driver_connection.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()[0]
        if written is None:
            commit(connection)
            return
        with switch.write("commit"):
            commit(connection)

    dialect.do_commit = counted  # type: ignore[assignment, method-assign]


def was_killed(work: Callable[[], None]) -> bool:
    """Run work in a forked process.

    Returns:
        Whether it was killed; False if it came to its end. It fails the test if the work failed.
    """
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - nothing may escape into the test runner that was forked
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the forked process failed; its traceback is in the captured output"
    return False
