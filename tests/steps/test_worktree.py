"""Which files of a folder are read, with which text and time."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.worktree import (
    DEFAULT_INCLUDE,
    FileOnDisk,
    RefusedFile,
    folder_config,
    list_files,
    read_files,
)

FIRST = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = datetime(2026, 2, 2, 3, 4, 5, tzinfo=UTC)
TOUCHED = datetime(2026, 5, 5, tzinfo=UTC)


def git(folder: Path, *arguments: str, at: datetime = FIRST) -> None:
    moment = at.isoformat()
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a",
    }
    subprocess.run(
        ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments],
        check=True,
        capture_output=True,
        env=os.environ | identity | {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment},
    )


def commit(folder: Path, *, at: datetime = FIRST) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x", at=at)


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(target, (TOUCHED.timestamp(), TOUCHED.timestamp()))


def read(folder: Path, *include: str) -> dict[str, FileOnDisk | RefusedFile]:
    return {item.path: item for item in read_files(folder, list_files(folder, include or DEFAULT_INCLUDE))}


def times(folder: Path) -> dict[str, datetime]:
    return {path: item.changed_at for path, item in read(folder).items() if isinstance(item, FileOnDisk)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_unmodified_files_have_the_time_of_their_commit_and_modified_ones_their_own(tree: Path) -> None:
    write(tree, {"a.md": "1", "b.md": "1", "sub/c.md": "1"})
    commit(tree)
    write(tree, {"b.md": "second"})
    commit(tree, at=SECOND)
    write(tree, {"sub/c.md": "third", "new.md": "1"})
    assert times(tree) == {"a.md": FIRST, "b.md": SECOND, "sub/c.md": TOUCHED, "new.md": TOUCHED}
    assert times(tree / "sub") == {"c.md": TOUCHED}
    git(tree, "add", "-A")
    assert times(tree)["sub/c.md"] == TOUCHED, "what is only staged is not committed"


def test_names_with_odd_characters_keep_their_commit_time(tree: Path) -> None:
    names = ['we"ird.md', "new\nline.md", "tab\t.md", "ümläut.md", " lead.md", "back\\slash.md"]
    write(tree, dict.fromkeys(names, "1"))
    commit(tree)
    assert times(tree) == dict.fromkeys(names, FIRST)


def test_a_conflict_solved_in_a_merge_has_the_time_of_the_merge(tree: Path) -> None:
    write(tree, {"a.md": "1"})
    commit(tree)
    git(tree, "checkout", "-q", "-b", "side")
    write(tree, {"a.md": "side"})
    commit(tree)
    git(tree, "checkout", "-q", "main")
    write(tree, {"a.md": "the main one"})
    commit(tree)
    with pytest.raises(subprocess.CalledProcessError):
        git(tree, "merge", "-q", "side")
    write(tree, {"a.md": "both of them"})
    commit(tree, at=SECOND)
    assert times(tree) == {"a.md": SECOND}


def test_ignored_files_are_left_out_and_untracked_ones_are_not(tree: Path) -> None:
    write(tree, {".gitignore": "node_modules/\n", "node_modules/x/README.md": "x", "a.md": "a", ".github/b.md": "b"})
    assert sorted(read(tree)) == [".github/b.md", "a.md"]
    assert sorted(read(tree / "node_modules" / "x")) == ["README.md"], "a folder that is asked for by name"


def test_a_tree_without_commits_and_one_whose_index_names_missing_files(tree: Path) -> None:
    write(tree, {"a.md": "a", "gone.md": "g"})
    git(tree, "add", "-A")
    (tree / "gone.md").unlink()
    assert times(tree) == {"a.md": TOUCHED}
    commit(tree)
    (tree / "a.md").unlink()
    assert times(tree) == {}


def test_a_submodule_and_a_nested_repository_are_left_out_with_a_note(tree: Path, tmp_path: Path) -> None:
    for other in (tmp_path / "other", tree / "nested"):
        other.mkdir()
        git(other, "init", "-q")
        write(other, {"inner.md": "x"})
        commit(other)
    write(tree, {"a.md": "a"})
    git(tree, "submodule", "add", "-q", str(tmp_path / "other"), "sub")
    listing = list_files(tree, DEFAULT_INCLUDE)
    assert listing.paths == ("a.md",)
    assert len(listing.notes) == 1
    assert listing.notes[0].startswith("nested, sub: ")


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    write(tmp_path, {"outside/secret.md": "s"})
    write(tree, {"a.md": "a"})
    (tree / "link.md").symlink_to(tmp_path / "outside" / "secret.md")
    (tree / "folder").symlink_to(tmp_path / "outside")
    assert sorted(read(tree)) == ["a.md"]
    commit(tree)
    assert sorted(read(tree)) == ["a.md"]
    (tree / ".git").rename(tmp_path / "git")
    assert sorted(read(tree)) == ["a.md"], "nor in a plain folder"


def test_git_variables_of_a_hook_do_not_lead_astray(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"a.md": "a"})
    commit(tree)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert times(tree) == {"a.md": FIRST}


def test_no_program_that_the_repository_names_is_run(tree: Path, tmp_path: Path) -> None:
    write(tree, {"a.md": "a"})
    commit(tree)
    for key in ("core.fsmonitor", "diff.external", "core.pager"):
        git(tree, "config", key, f"touch {tmp_path / 'ran'}")
    write(tree, {"a.md": "modified"})
    assert times(tree) == {"a.md": TOUCHED}
    assert not (tmp_path / "ran").exists()


def test_without_git_a_work_tree_is_read_as_a_plain_folder_with_a_note(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree, {"a.md": "a", "sub/b.md": "b"})
    commit(tree)
    write(tmp_path, {"plain/a.md": "a"})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert times(tree / "sub") == {"b.md": TOUCHED}
    assert "no git program" in list_files(tree / "sub", DEFAULT_INCLUDE).notes[0]
    assert list_files(tmp_path / "plain", DEFAULT_INCLUDE).notes == ()


def test_a_plain_folder_gives_all_but_what_lies_in_hidden_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.md": "a",
            "x/b.txt": "b",
            "x/g.rst": "g",
            ".trash/c.md": "c",
            "x/.venv/d.md": "d",
            ".e.md": "e",
            "f.png": "f",
        },
    )
    (tmp_path / "empty.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    assert sorted(read(tmp_path)) == [".e.md", "a.md", "x/b.txt", "x/g.rst"]
    assert times(tmp_path)["a.md"] == TOUCHED


@pytest.mark.parametrize("is_tree", [True, False])
def test_who_owns_what_is_read_whatever_the_globs_say(tmp_path: Path, is_tree: bool) -> None:
    if is_tree:
        git(tmp_path, "init", "-q")
    places = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")
    write(tmp_path, dict.fromkeys((*places, "sub/CODEOWNERS", "a.md", "b.rst", "b.txt"), "* @ada"))
    listing = list_files(tmp_path, ["*.rst"])
    assert sorted(listing.paths) == [".github/CODEOWNERS", "CODEOWNERS", "b.rst", "docs/CODEOWNERS"]
    assert [note.partition(": ")[0] for note in listing.notes] == [
        ".github/CODEOWNERS, CODEOWNERS, docs/CODEOWNERS",
    ]
    chosen = list_files(tmp_path, ["CODEOWNERS", ".github/**", "docs/*"])
    assert (sorted(chosen.paths), chosen.notes) == (sorted(places), ())


def test_who_owns_what_is_not_read_through_links(tmp_path: Path) -> None:
    write(tmp_path, {"outside/CODEOWNERS": "* @ada", "folder/a.md": "a"})
    (tmp_path / "folder" / "CODEOWNERS").symlink_to(tmp_path / "outside" / "CODEOWNERS")
    (tmp_path / "folder" / ".github").symlink_to(tmp_path / "outside")
    assert list_files(tmp_path / "folder", DEFAULT_INCLUDE).paths == ("a.md",)


def test_text_is_read_as_utf8_and_what_is_no_text_is_refused(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "bom.md": b"\xef\xbb\xbfhello",
            "crlf.md": b"a\r\nb\r\n",
            "bad.md": b"caf\xe9 noir",
            "binary.md": b"\x89PNG\x00\x01",
            "utf16.md": "hello".encode("utf-16"),
            "big.md": b"x" * (10 * 1024 * 1024 + 1),
            "fits.md": b"x" * (10 * 1024 * 1024),
        },
    )
    found = read(tmp_path)
    texts = {path: item.text for path, item in found.items() if isinstance(item, FileOnDisk)}
    reasons = {path: item.reason for path, item in found.items() if isinstance(item, RefusedFile)}
    assert texts == {
        "bom.md": "hello",
        "crlf.md": "a\r\nb\r\n",
        "bad.md": "caf\ufffd noir",
        "fits.md": "x" * 10 * 1024 * 1024,
    }
    assert sorted(reasons) == ["big.md", "binary.md", "utf16.md"]
    assert "10,485,761 bytes" in reasons["big.md"]
    assert "UTF-16" in reasons["utf16.md"]


@pytest.mark.parametrize("is_tree", [True, False])
def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path, is_tree: bool) -> None:
    if is_tree:
        git(tmp_path, "init", "-q")
    name = os.fsdecode(b"caf\xe9.md")
    write(tmp_path, {name: "x", "a.md": "a"})
    listing = list_files(tmp_path, DEFAULT_INCLUDE)
    assert listing.paths == ("a.md",)
    assert list(listing.refused) == [name]


def test_a_file_that_vanishes_meanwhile_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "a", "b.md": "b"})
    listing = list_files(tmp_path, DEFAULT_INCLUDE)
    (tmp_path / "a.md").unlink()
    assert [item.path for item in read_files(tmp_path, listing)] == ["b.md"]


def test_the_configuration_names_the_store_and_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"lightfast.yml": "store: handbook\ninclude: ['docs/**/*.md', README.md]\n"})
    write(tmp_path, {"docs/a.md": "a", "README.md": "r", "docs/README.md": "d", "b.md": "b", "sub/README.md": "s"})
    config = folder_config(tmp_path)
    assert (config.store, config.is_named) == ("handbook", True)
    assert list_files(tmp_path, config.include).paths == ("README.md", "docs/README.md", "docs/a.md")
    assert folder_config(tmp_path, store="other").store == "other"
    assert folder_config(tmp_path / "docs").store == "docs", "only the file at the folder's root counts"
    assert not folder_config(tmp_path / "docs").is_named


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a: [", "not YAML"),
        (b"\xff\xfe", "not YAML"),
        (b"at: 2026-13-45 00:00:00", "not YAML"),
        (b"- a", "expected keys"),
        (b"include: docs", "include: expected a list"),
        (b"include: []", "include: expected a list"),
        (b"include: [1]", "include: expected a list"),
        (b"store: 7", "store: expected a name"),
        (b"store: a/b", "without slashes"),
        (b"store: ''", "without slashes"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(tmp_path: Path, text: bytes, says: str) -> None:
    write(tmp_path, {"lightfast.yml": text})
    with pytest.raises(PermanentError, match=says):
        folder_config(tmp_path)


def test_an_empty_configuration_is_none(tmp_path: Path) -> None:
    write(tmp_path, {"lightfast.yml": "# nothing\n"})
    assert folder_config(tmp_path).include == DEFAULT_INCLUDE


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "a"})
    with pytest.raises(NotFoundError, match="no such folder"):
        folder_config(tmp_path / "nope")
    with pytest.raises(NotFoundError, match="this is a file"):
        folder_config(tmp_path / "a.md")
    with pytest.raises(PermanentError, match="--store"):
        folder_config(Path("/"))
