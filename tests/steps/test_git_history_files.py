"""Which files the pushes of a git history tell of, by which names, and with which text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import PermanentError

from .git_pushes import Walk, told
from .git_repositories import Repository


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
