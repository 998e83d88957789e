"""The history of a clone reaches the inbox: a push for each commit, as pushes happened, from any commit on."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from neural_memory_pipelines.domain.documents import Changes
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

from .git_pushes import HOUR, Walk, iso, told
from .git_repositories import BEN, START_SECONDS, Repository


def test_each_commit_that_touches_included_files_is_a_push(repo: Repository, walk: Walk) -> None:
    first = repo.commit({"a.md": "one", "b.md": "b", "code.py": "1"})
    second = repo.commit({"code.py": "2"})
    third = repo.commit({"a.md": "two", "b.md": None, "sub/c.md": "c"}, author=BEN)
    events, report = walk(repo.folder)
    assert (report.commits, report.put, report.files, report.faults) == (3, 2, 5, [])
    assert [told(event) for event in events] == [
        [("added", "a.md", "one"), ("added", "b.md", "b")],
        [("modified", "a.md", "two"), ("removed", "b.md"), ("added", "sub/c.md", "c")],
    ]
    pushed = [{key: value for key, value in event["payload"].items() if key != "files"} for event in events]
    common = {"store": "handbook", "ref": "refs/heads/main", "deliveryId": None, "forced": False, "repository": None}
    assert pushed == [common | {"before": None, "after": first}, common | {"before": second, "after": third}]
    assert [event["occurredAt"] for event in events] == [iso(START_SECONDS), iso(START_SECONDS + 2 * HOUR)]
    assert {event["action"] for event in events} == {"docs.push"}
    assert events[1]["payload"]["files"][0] == {
        "status": "modified",
        "path": "a.md",
        "content": "two",
        "changedAt": iso(START_SECONDS + 2 * HOUR),
        "commit": third,
        "author": {"name": BEN[0], "email": BEN[1]},
    }


def test_every_push_is_one_that_the_docs_source_reads(repo: Repository, walk: Walk) -> None:
    repo.commit({"a.md": "# A\n\nlong enough to be found again\n", "e.md": "text", "b.md": "b"})
    repo.git("mv", "a.md", "sub.md")
    repo.commit({"e.md": "", "b.md": None, "CODEOWNERS": "* @ada\n"})
    repo.git("remote", "add", "origin", "https://github.com/acme/handbook.git")
    events, _ = walk(repo.folder)
    changes = [source_named("docs").parse(decode_envelope(json.dumps(event))) for event in events]
    assert all(isinstance(change, Changes) for change in changes)
    last = changes[1]
    assert isinstance(last, Changes)
    assert {draft.source_id for draft in last.drafts} >= {"handbook/sub.md", "handbook/CODEOWNERS"}
    assert {gone.source_id for gone in last.deletions} == {"handbook/a.md", "handbook/b.md", "handbook/e.md"}
    assert last.commit is not None
    assert (last.commit.store, last.commit.after) == ("handbook", repo.head())


def test_walking_again_gives_the_same_events(repo: Repository, walk: Walk) -> None:
    first = repo.commit({"a.md": "one"})
    repo.commit({"a.md": "two"})
    events, _ = walk(repo.folder)
    assert walk(repo.folder)[0] == events
    assert walk(repo.folder, since=first)[0] == events[1:]
    assert len({event["idempotencyKey"] for event in events}) == 2
    other = walk(repo.folder, store="other")[0]
    assert not {event["idempotencyKey"] for event in events} & {event["idempotencyKey"] for event in other}


def test_times_only_move_on_and_are_a_function_of_the_history(repo: Repository, walk: Walk) -> None:
    for number, seconds in enumerate([100, 300, 200, 300, 250, 400, 0]):
        repo.commit({"a.md": str(number)}, at=START_SECONDS + seconds)
    repo.commit({"a.md": "from the year 30,000"}, at=START_SECONDS)
    raw = repo.git("cat-file", "commit", "HEAD").replace(f" {START_SECONDS} ", " 900000000000 ")
    absurd = repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=f"{raw}\n".encode())
    repo.git("update-ref", "HEAD", absurd)
    events, _ = walk(repo.folder)
    at = [datetime.fromisoformat(event["occurredAt"]).timestamp() - START_SECONDS for event in events]
    assert [round(seconds, 3) for seconds in at] == [100, 300, 300.001, 300.002, 300.003, 400, 400.001, 400.002]
    assert walk(repo.folder, since="HEAD~3")[0] == events[-3:]
    assert events[2]["payload"]["files"][0]["changedAt"] == iso(START_SECONDS + 200)


def test_since_names_a_commit_in_any_way_that_git_knows(repo: Repository, walk: Walk) -> None:
    first = repo.commit({"a.md": "0"})
    repo.git("tag", "-a", "-m", "x", "v1")
    repo.git("branch", "old")
    second = repo.commit({"a.md": "1"})
    for since in (first, first[:10], "v1", "old", "refs/heads/old", "HEAD^"):
        events, report = walk(repo.folder, since=since)
        assert [event["payload"]["after"] for event in events] == [second]
        assert not report.is_empty
    events, report = walk(repo.folder, since="HEAD")
    assert (events, report.commits, report.is_empty) == ([], 0, False)
    for since in ("nope", "-v1", "--all", "v1:a.md", "", "0" * 40):
        with pytest.raises(NotFoundError, match="no commit"):
            walk(repo.folder, since=since)


def test_a_history_without_included_files_is_empty(repo: Repository, walk: Walk, objects: DirectoryObjectStore) -> None:
    repo.commit({"code.py": "1"})
    repo.commit({"code.py": "2"})
    events, report = walk(repo.folder)
    assert (events, report.commits, report.is_empty) == ([], 2, True)
    assert list(objects.list("workspaces/")) == []
    assert not walk(repo.folder, since="HEAD^")[1].is_empty, "no news is no fault"


def test_progress_counts_commits(repo: Repository, walk: Walk) -> None:
    for number in range(4):
        repo.commit({"a.md": str(number)})
    steps: list[tuple[int, int | None]] = []
    walk(repo.folder, on_progress=lambda done, *, total=None: steps.append((done, total)))
    assert sum(done for done, _ in steps) == 4
