"""A git history and a plain ingestion of the same folder: before, after, and after a crash between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps import git_history
from neural_memory_pipelines.steps.git_history import ingest_git_history
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

from .git_pushes import WORKSPACE, Walk, take
from .git_repositories import Repository


def plain(folder: Path, objects: DirectoryObjectStore) -> IngestReport:
    report = ingest_docs(folder, workspace=WORKSPACE, organization_id="org", objects=objects)
    take(objects)
    return report


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.put, report.removed, report.unchanged


HISTORY: tuple[Mapping[str, str | None], ...] = (
    {"a.md": "one", "b.md": "b", "empty.md": "", "keep.md": "k"},
    {"a.md": "two", "b.md": None},
    {"c.md": "c", "keep.md": "  \n"},
)


def test_a_plain_ingestion_afterwards_finds_all_unchanged(
    repo: Repository, walk: Walk, objects: DirectoryObjectStore
) -> None:
    for files in HISTORY:
        repo.commit(files)
    events, _ = walk(repo.folder)
    assert counts(plain(repo.folder, objects)) == (0, 0, 2)
    repo.write({"a.md": "not committed", "c.md": None})
    report = ingest_docs(repo.folder, workspace=WORKSPACE, organization_id="org", objects=objects)
    later = take(objects)
    assert counts(report) == (1, 1, 0)
    assert all(event["occurredAt"] > events[-1]["occurredAt"] for event in later)
    repo.commit({"d.md": "d"})
    walk(repo.folder, since="HEAD^")
    assert counts(plain(repo.folder, objects)) == (1, 0, 1), "a was committed as it lay there; d is older than that"
    assert counts(plain(repo.folder, objects)) == (0, 0, 2)


def test_what_a_later_plain_ingestion_may_have_said_is_looked_at_again(
    repo: Repository, walk: Walk, objects: DirectoryObjectStore
) -> None:
    repo.commit({"a.md": "old", "b.md": "b"})
    plain(repo.folder, objects)
    repo.commit({"a.md": "new", "b.md": None, "c.md": "c"})  # its time is years before that of the plain ingestion
    repo.write({"c.md": None})
    walk(repo.folder)
    assert counts(plain(repo.folder, objects)) == (1, 2, 0), "a is put again; b and c, which may be there, are removed"
    assert counts(plain(repo.folder, objects)) == (0, 0, 1)


class _DiesAt(DirectoryObjectStore):
    """Ends the ingestion at the nth write, before or after it."""

    def __init__(self, root: Path, write_number: int, *, after: bool) -> None:
        super().__init__(root)
        self._left, self._after = write_number, after

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        self._left -= 1
        if self._left or self._after:
            super().put_many(objects)
        if not self._left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write_number", [1, 2, 3, 4, 5, 6])
def test_after_a_crash_at_any_write_a_plain_ingestion_mends_what_was_put(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_number: int, after: bool
) -> None:
    """What the events that were put say, in the order of their times, and then a plain ingestion, is the folder."""
    monkeypatch.setattr(git_history, "_LINES_PER_BATCH", 1)
    for files in HISTORY:
        repo.commit(files)
    dying = _DiesAt(tmp_path / "objects", write_number, after=after)
    with pytest.raises(KeyboardInterrupt):
        ingest_git_history(repo.folder, since="root", workspace=WORKSPACE, organization_id="org", objects=dying)
    objects = DirectoryObjectStore(tmp_path / "objects")
    ingest_docs(repo.folder, workspace=WORKSPACE, organization_id="org", objects=objects)
    held: dict[str, str] = {}
    for event in sorted(take(objects), key=lambda event: event["occurredAt"]):
        for file in event["payload"].get("files", [event["payload"]]):
            held.pop(file.get("previousPath", file["path"]), None)
            if file.get("content", "").strip():
                held[file["path"]] = file["content"]
    assert held == {"a.md": "two", "c.md": "c"}


def test_another_folder_of_the_same_name_does_not_take_the_store_by_accident(
    repo: Repository, walk: Walk, tmp_path: Path
) -> None:
    repo.commit({"a.md": "a"})
    walk(repo.folder)
    other = Repository(tmp_path / "elsewhere" / "handbook")
    other.commit({"b.md": "b"})
    with pytest.raises(PermanentError, match="--store"):
        walk(other.folder)
    assert walk(other.folder, store="handbook")[1].put == 1
