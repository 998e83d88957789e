"""Two processes on one workspace at once end as one does, and do no work twice."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database

from .doubles import SpyEmbedder, session_with
from .dumps import Dump, dump, rows, statuses, wipe
from .pipeline import ingest_folder, run_path
from .samples import DECISION, envelope, guide, issue, issue_comment, write_docs

ROUNDS = 4
_FORK = multiprocessing.get_context("fork")


class CountingEmbedder(SpyEmbedder):
    """Counts the texts that all processes embed together."""

    total: Synchronized[int]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        with self.total.get_lock():
            self.total.value += len(texts)
        return super().embed(texts, role=role)


def _in_two_processes(work: Callable[[Session], None], session: Session) -> None:
    barrier: Barrier = _FORK.Barrier(2)

    def start() -> None:
        own = Session(session.settings, session.endpoints)  # connections do not survive a fork
        barrier.wait(timeout=60)
        work(own)
        own.close()

    processes = [_FORK.Process(target=start) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]


def _fill(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    pages = {f"{topic}.md": guide(topic, f"old {topic}") + "\n" + DECISION for topic in ("berths", "cranes", "docks")}
    ingest_folder(session, workspace, write_docs(folder, pages))
    lines = [envelope(workspace, key=f"issue-{number}", payload=issue(number)) for number in range(1, 60)]
    lines += [envelope(workspace, key="broken", payload={}), b"no JSON at all"]
    lines += [
        envelope(workspace, key=f"comment-{n}", action="issue_comment.created", payload=issue_comment(n, 100 + n))
        for n in range(1, 30)
    ]
    put_lines(session.stores.objects, workspace, lines)


@pytest.mark.parametrize("is_locked", [True, False], ids=["with the lock", "without the lock"])
def test_two_builds_at_once_equal_one(
    session: Session, workspace: WorkspaceId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    if not is_locked:  # it spares work; that the result is right must not hang on it
        monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())
    embedder = CountingEmbedder(session.embedder(session.new_workspace_version))
    dumps: list[Dump] = []
    for round_number in range(ROUNDS + 1):
        wipe(session, workspace)
        embedder.total = _FORK.Value("i", 0)
        folder, objects = tmp_path / f"{round_number}" / "handbook", tmp_path / f"{round_number}" / "objects"
        folder.mkdir(parents=True)
        here = session_with(session, objects=DirectoryObjectStore(objects))
        _fill(here, workspace, folder)

        def build(own: Session, objects: Path = objects) -> None:
            run_path(session_with(own, objects=DirectoryObjectStore(objects)), workspace, embedder=embedder)

        if round_number == 0:
            build(here, objects)
        else:
            _in_two_processes(build, session)
        dumps.append(dump(here, workspace))
        ((embeddings,),) = rows(session, workspace, "SELECT count(*) FROM embeddings")
        assert embeddings > 60
        assert embedder.total.value == embeddings or not is_locked, "a text was embedded twice"
        assert statuses(session, workspace) == {"persisted": 62 + 29, "dead": 1}
    assert all(each == dumps[0] for each in dumps[1:])


def test_two_receivers_of_one_inbox_take_every_line_once(
    session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    objects = session.stores.objects
    for batch in range(20):
        put_lines(objects, workspace, [envelope(workspace, key=f"{batch}-{line}") for line in range(10)])
        put_lines(objects, workspace, [b"bad line %d" % batch, envelope(workspace, key="twice")])
    reports: Synchronized[int] = _FORK.Value("i", 0)

    def receive(own: Session) -> None:
        report = receive_events(
            workspace,
            stores=own.stores,
            new_workspace_version=own.new_workspace_version,
            organization_id="org",
        )
        with reports.get_lock():
            reports.value += report.written

    _in_two_processes(receive, session)
    content = dump(session, workspace)
    assert len(content["events"]) == reports.value == 201
    assert len(content["dead letters"]) == 20
    assert content["inbox"] == content["missing raw artifacts"] == []
