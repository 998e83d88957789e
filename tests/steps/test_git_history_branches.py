"""Branches of a git history that were merged, rewritten or set back."""

from __future__ import annotations

from datetime import datetime

from .git_pushes import HOUR, Walk, iso, told
from .git_repositories import ADA, BEN, START_SECONDS, Repository


def test_a_merge_is_one_push_and_its_files_are_the_work_of_those_who_wrote_them(repo: Repository, walk: Walk) -> None:
    repo.commit({"main.md": "m", "both.md": "0"})
    repo.git("checkout", "-q", "-b", "side")
    side = repo.commit({"side.md": "one"}, author=BEN)
    trailers = "more\n\nCo-authored-by: Cleo <cleo@example.com>\nCo-authored-by: Ada Lovelace <ada@example.com>"
    again = repo.commit({"side.md": "two", "both.md": "1"}, author=BEN, message=trailers)
    repo.git("checkout", "-q", "main")
    repo.commit({"main.md": "n"})
    repo.git("checkout", "-q", "side")
    repo.merge("main", author=BEN)  # brings others' work onto the side branch
    last = repo.commit({"last.md": "l"}, author=BEN)
    repo.git("checkout", "-q", "main")
    merge = repo.merge("side")
    events, report = walk(repo.folder)
    assert (report.commits, report.put) == (3, 3)
    assert events[2]["payload"]["after"] == merge
    files = {file["path"]: file for file in events[2]["payload"]["files"]}
    assert set(files) == {"side.md", "both.md", "last.md"}
    ben = {"name": BEN[0], "email": BEN[1]}
    cleo, ada = {"name": "Cleo", "email": "cleo@example.com"}, {"name": ADA[0], "email": ADA[1]}
    assert (files["side.md"]["author"], files["side.md"]["authors"]) == (ben, [ben, cleo, ada])
    assert (files["side.md"]["commit"], files["side.md"]["changedAt"]) == (again, iso(START_SECONDS + 2 * HOUR))
    assert (files["last.md"]["commit"], files["last.md"]["author"]) == (last, ben)
    assert "authors" not in files["last.md"]
    assert side not in {file["commit"] for file in files.values()}


def test_what_a_merge_itself_wrote_is_the_mergers_work(repo: Repository, walk: Walk) -> None:
    repo.commit({"a.md": "0"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit({"b.md": "b"}, author=BEN)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "side")
    merge = repo.commit({"a.md": "changed while merging"})
    events, _ = walk(repo.folder)
    files = {file["path"]: (file["commit"], file["author"]["name"]) for file in events[1]["payload"]["files"]}
    assert files["a.md"] == (merge, ADA[0])
    assert files["b.md"][1] == BEN[0]


def test_a_rewritten_history_is_one_forced_push(repo: Repository, walk: Walk) -> None:
    base = repo.commit({"kept.md": "k", "a.md": "a"})
    lost = repo.commit({"lost.md": "l", "a.md": "old"}, at=START_SECONDS + 99 * HOUR)
    repo.git("tag", "before")
    repo.git("reset", "-q", "--hard", base)
    repo.commit({"new.md": "n"}, author=BEN)
    head = repo.commit({"new.md": "n again", "code.py": "1"})
    events, report = walk(repo.folder, since="before")
    assert (report.commits, report.put, report.files) == (2, 1, 3)
    assert sorted(told(events[0])) == [
        ("added", "new.md", "n again"),
        ("modified", "a.md", "a"),
        ("removed", "lost.md"),
    ]
    payload = events[0]["payload"]
    assert (payload["before"], payload["after"], payload["forced"]) == (lost, head, True)
    assert datetime.fromisoformat(events[0]["occurredAt"]).timestamp() == START_SECONDS + 99 * HOUR + 0.001
    assert {file["path"]: file["author"]["name"] for file in payload["files"]}["new.md"] == ADA[0]
    ordinary, _ = walk(repo.folder)
    assert events[0]["idempotencyKey"] not in {event["idempotencyKey"] for event in ordinary}


def test_a_branch_that_was_set_back_is_a_forced_push_too(repo: Repository, walk: Walk) -> None:
    first = repo.commit({"a.md": "a"})
    second = repo.commit({"a.md": "b", "b.md": "b"})
    repo.git("reset", "-q", "--hard", first)
    events, report = walk(repo.folder, since=second)
    assert [told(event) for event in events] == [[("modified", "a.md", "a"), ("removed", "b.md")]]
    assert events[0]["payload"]["after"] == first
    assert datetime.fromisoformat(events[0]["occurredAt"]).timestamp() == START_SECONDS + HOUR + 0.001
    assert report.commits == 0
