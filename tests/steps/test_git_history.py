"""The history of a clone reaches the inbox: a push for each commit, as pushes happened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.documents import Changes
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps import git_history
from neural_memory_pipelines.steps.git_history import HistoryReport, ingest_git_history
from neural_memory_pipelines.steps.git_repository import github_name
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

from .git_repositories import ADA, BEN, START_SECONDS, Repository

WORKSPACE = WorkspaceId("acme")
HOUR = 3600

Event = dict[str, Any]


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "handbook")


@pytest.fixture
def walk(objects: DirectoryObjectStore) -> Callable[..., tuple[list[Event], HistoryReport]]:
    def walk_history(folder: Path, since: str = "root", **options: Any) -> tuple[list[Event], HistoryReport]:
        report = ingest_git_history(
            folder, since=since, workspace=WORKSPACE, organization_id="org", objects=objects, **options
        )
        return take(objects), report

    return walk_history


Walk = Callable[..., tuple[list[Event], HistoryReport]]


def take(objects: DirectoryObjectStore) -> list[Event]:
    """Empty the inbox and read its events."""
    found = []
    for info in list(objects.list(f"inbox/{WORKSPACE}/")):
        found += [json.loads(line) for line in objects.get(info.key).splitlines()]
        objects.delete(info.key)
    return found


def plain(folder: Path, objects: DirectoryObjectStore) -> IngestReport:
    report = ingest_docs(folder, workspace=WORKSPACE, organization_id="org", objects=objects)
    take(objects)
    return report


def counts(report: IngestReport) -> tuple[int, int, int]:
    return report.put, report.removed, report.unchanged


def told(event: Event) -> list[tuple[str, ...]]:
    """Status, path, and previous path or content of each file of a push."""
    return [
        (file["status"], file["path"], *(file[key] for key in ("previousPath", "content") if key in file))
        for file in event["payload"]["files"]
    ]


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


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


def test_renames_are_told_and_those_across_the_border_of_what_is_included(repo: Repository, walk: Walk) -> None:
    long = "\n".join(f"line {number} of a text" for number in range(40))
    repo.commit({"a.md": long, "in.md": f"in {long}", "out.rs": f"out {long}"})
    for old, new in (("a.md", "deep/b.md"), ("in.md", "in.rs"), ("out.rs", "out.md")):
        (repo.folder / new).parent.mkdir(exist_ok=True)
        repo.git("mv", old, new)
    repo.commit({"deep/b.md": f"{long}\none more"})
    events, _ = walk(repo.folder)
    assert sorted(told(events[1])) == [
        ("added", "out.md", f"out {long}"),
        ("removed", "in.md"),
        ("renamed", "deep/b.md", "a.md", f"{long}\none more"),
    ]


def test_what_is_no_text_is_refused_by_path_and_commit(repo: Repository, walk: Walk) -> None:
    first = repo.commit(
        {
            "binary.md": b"\x89PNG\0",
            "utf16.md": "text".encode("utf-16"),
            "big.md": b"x" * (10 * 1024 * 1024 + 1),
            "z.md": b"\xef\xbb\xbfcaf\xe9",
            os.fsdecode(b"caf\xe9.md"): "x",
        }
    )
    second = repo.commit({"binary.md": "text now"})
    long = "".join(f"line {number}\n" for number in range(30))
    repo.commit({"was.md": long})
    repo.git("mv", "was.md", "is.md")
    last = repo.commit({"is.md": long.encode() + b"\0"})
    events, report = walk(repo.folder)
    assert [told(event) for event in events] == [
        [("added", "z.md", "caf\ufffd")],
        [("modified", "binary.md", "text now")],
        [("added", "was.md", long)],
        [("removed", "was.md")],
    ]
    faults = dict(fault.split(": ", 1) for fault in report.faults)
    assert set(faults) == {
        *(f"{name}@{first}" for name in ("binary.md", "utf16.md", "big.md", os.fsdecode(b"caf\xe9.md"))),
        f"is.md@{last}",
    }
    assert "10,485,761 bytes" in faults[f"big.md@{first}"]
    assert "UTF-16" in faults[f"utf16.md@{first}"]
    assert f"binary.md@{second}" not in faults


def test_links_submodules_and_modes_are_no_changes_of_files(repo: Repository, walk: Walk, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"inner.md": "x"})
    (repo.folder / "link.md").symlink_to("a.md")
    repo.git("submodule", "add", "-q", str(other.folder), "sub.md")
    repo.commit({"a.md": "a", "b.md": "b"})
    (repo.folder / "a.md").chmod(0o755)
    repo.commit()
    (repo.folder / "b.md").unlink()
    (repo.folder / "b.md").symlink_to("a.md")
    (repo.folder / "link.md").unlink()
    repo.commit({"link.md": "a file now"})
    events, report = walk(repo.folder)
    assert [told(event) for event in events] == [
        [("added", "a.md", "a"), ("added", "b.md", "b")],
        [("removed", "b.md"), ("added", "link.md", "a file now")],
    ]
    assert (report.commits, report.faults) == (3, [])


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


def test_a_folder_without_a_history_says_what_to_do(repo: Repository, walk: Walk, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match="a repository without a commit"):
        walk(repo.folder)
    repo.commit({"a.md": "0"})
    repo.commit({"a.md": "1"})
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.folder}", str(tmp_path / "shallow"))
    for name, words in (
        ("plain", "not a git repository"),
        ("nope", "no such folder"),
        ("file", "this is a file"),
        ("shallow", "git fetch --unshallow"),
    ):
        with pytest.raises(PermanentError, match=words):
            walk(tmp_path / name)


def test_without_a_git_program_it_says_so(
    repo: Repository, walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a.md": "0"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError, match="install git"):
        walk(repo.folder)


def test_a_missing_object_is_told(repo: Repository, walk: Walk) -> None:
    repo.commit({"a.md": "0"})
    blob = repo.git("rev-parse", "HEAD:a.md")
    (repo.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(PermanentError, match=f"object {blob} is missing"):
        walk(repo.folder)


def test_no_program_of_the_repository_runs_and_no_setting_changes_the_answer(
    repo: Repository, walk: Walk, tmp_path: Path
) -> None:
    long = "\n".join(f"line {number}" for number in range(30))
    repo.commit({"z.md": long, "b.md": "b", ".gitattributes": "*.md diff=spy filter=spy\n"})
    repo.git("mv", "z.md", "y.md")
    repo.commit({"b.md": "c"})
    expected, _ = walk(repo.folder)
    ran = f"touch {tmp_path / 'ran'}"
    for key, value in (
        *((key, ran) for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.spy.textconv")),
        *((key, ran) for key in ("diff.spy.command", "filter.spy.smudge", "filter.spy.clean", "gpg.program")),
        *(
            ("log.showSignature", "true"),
            ("diff.renames", "false"),
            ("diff.orderFile", "order"),
            ("diff.relative", "1"),
        ),
        *(("log.showRoot", "false"), ("log.mailmap", "true"), ("i18n.logOutputEncoding", "latin1")),
        *(("color.ui", "always"), ("core.quotePath", "true"), ("diff.noprefix", "true"), ("core.abbrev", "7")),
    ):
        repo.git("config", key, value)
    repo.write({"order": "y.md\n", ".mailmap": "Somebody Else <else@example.com> <ada@example.com>\n"})
    hook = repo.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{ran}\n")
    hook.chmod(0o755)
    assert walk(repo.folder)[0] == expected
    assert not (tmp_path / "ran").exists()


def test_variables_of_a_hook_and_replaced_commits_do_not_lead_astray(
    repo: Repository, walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a.md": "0"})
    repo.commit({"a.md": "1"})
    expected, _ = walk(repo.folder)
    repo.git("replace", "HEAD", "HEAD^")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert walk(repo.folder)[0] == expected


def test_a_partial_clone_does_not_ask_its_remote(repo: Repository, walk: Walk, tmp_path: Path) -> None:
    repo.commit({"a.md": "0"})
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    repo.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repo.folder}", str(clone))
    subprocess.run(
        ["git", "-C", str(clone), "config", "remote.origin.uploadpack", f"touch {tmp_path / 'ran'}"], check=True
    )
    with pytest.raises(PermanentError, match="partial clone"):
        walk(clone)
    assert not (tmp_path / "ran").exists()


def test_an_object_that_git_itself_misses_is_told(repo: Repository, walk: Walk) -> None:
    long = "\n".join(f"line {number}" for number in range(30))
    repo.commit({"a.md": long})
    repo.git("mv", "a.md", "b.md")
    repo.commit({"b.md": f"{long}\nmore"})
    blob = repo.git("rev-parse", "HEAD^:a.md")
    (repo.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(PermanentError, match=f"git log failed: fatal: .*{blob}.*partial clone"):
        walk(repo.folder, since="HEAD^")


def test_names_may_hold_any_bytes(repo: Repository, walk: Walk) -> None:
    names = ['we"ird.md', "new\nline.md", "tab\t.md", "ümläut.md", " lead.md", "back\\slash.md", "\x01mark.md", ":x.md"]
    repo.commit(dict.fromkeys(names, "1"))
    repo.commit(dict.fromkeys(names, None))
    events, report = walk(repo.folder)
    assert sorted(path for _, path, _ in told(events[0])) == sorted(names)
    assert sorted(told(events[1])) == sorted(("removed", name) for name in names)
    assert report.faults == []


def test_the_configuration_of_head_says_what_is_included(repo: Repository, walk: Walk) -> None:
    repo.commit({"docs/a.md": "a", "b.md": "b", "CODEOWNERS": "* @ada", "x/CODEOWNERS": "* @ben", "c.rst": "c"})
    repo.commit({"lightfast.yml": "store: guide\ninclude: ['docs/**/*.md', c.rst]\n"})
    repo.write({"lightfast.yml": "not committed: ["})
    events, _ = walk(repo.folder)
    assert [told(event) for event in events] == [
        [("added", "CODEOWNERS", "* @ada"), ("added", "c.rst", "c"), ("added", "docs/a.md", "a")]
    ]
    assert events[0]["payload"]["store"] == "guide"
    repo.commit({"lightfast.yml": "include: 7\n"})
    with pytest.raises(PermanentError, match=r"lightfast\.yml of HEAD: include"):
        walk(repo.folder)


def test_a_folder_of_a_repository_and_a_bare_one(repo: Repository, walk: Walk, tmp_path: Path) -> None:
    repo.commit({"top.md": "t", "guide/a.md": "a", "guide/code.py": "1", "guide/lightfast.yml": "include: ['*.md']\n"})
    long = "\n".join(f"line {number}" for number in range(30))
    repo.commit({"moved.md": long})
    repo.git("mv", "moved.md", "guide/moved.md")
    repo.commit()
    repo.git("remote", "add", "origin", "git@github.com:acme/docs.git")
    events, report = walk(repo.folder / "guide")
    assert [told(event) for event in events] == [[("added", "a.md", "a")], [("added", "moved.md", long)]]
    assert (report.commits, events[0]["payload"]["store"]) == (3, "guide")
    assert events[0]["payload"]["files"][0]["url"] == "https://github.com/acme/docs/blob/main/guide/a.md"
    repo.git("clone", "-q", "--bare", str(repo.folder), str(tmp_path / "bare.git"))
    events, _ = walk(tmp_path / "bare.git", store="handbook")
    assert [len(event["payload"]["files"]) for event in events] == [2, 1, 1]
    assert told(events[2]) == [("renamed", "guide/moved.md", "moved.md", long)]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://github.com/acme/shop", "acme/shop"),
        ("https://ada:secret@github.com/acme/shop.git/", "acme/shop"),
        ("git@github.com:acme/shop.js.git", "acme/shop.js"),
        ("ssh://git@github.com/acme/shop.git", "acme/shop"),
        ("ssh://git@github.com:22/acme/shop.git", "acme/shop"),
        ("git://github.com/acme/shop", "acme/shop"),
        ("https://gitlab.com/acme/shop.git", None),
        ("https://github.com.evil.example/acme/shop", None),
        ("https://github.com/acme", None),
        ("../shop", None),
        ("", None),
    ],
)
def test_the_remote_tells_the_repository(address: str, name: str | None) -> None:
    assert github_name(address) == name


def test_an_address_is_given_where_a_branch_of_github_is_checked_out(repo: Repository, walk: Walk) -> None:
    repo.git("checkout", "-q", "-b", "feature/ä 1".replace(" ", "_"))
    repo.commit({"a b#.md": "a"})
    repo.git("remote", "add", "origin", "https://token@github.com/acme/shop.git")
    (event,), _ = walk(repo.folder)
    assert event["payload"]["repository"] == "acme/shop"
    assert event["payload"]["files"][0]["url"] == "https://github.com/acme/shop/blob/feature/%C3%A4_1/a%20b%23.md"
    assert "token" not in json.dumps(event)
    repo.git("checkout", "-q", "--detach")
    (event,), _ = walk(repo.folder)
    assert (event["payload"]["ref"], "url" in event["payload"]["files"][0]) == (None, False)


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


def test_a_repository_that_is_gone_between_is_an_error_and_no_hang(
    repo: Repository, tmp_path: Path, walk: Walk
) -> None:
    repo.commit({"a.md": "a"})
    shutil.rmtree(repo.folder / ".git" / "objects" / "pack", ignore_errors=True)
    (repo.folder / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    with pytest.raises(PermanentError, match="without a commit"):
        walk(repo.folder)
