"""Git histories that cannot be walked say why, and neither programs nor settings of a repository lead astray."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from neural_memory_pipelines.errors import PermanentError

from .git_pushes import Walk
from .git_repositories import Repository


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


def test_a_repository_that_is_gone_between_is_an_error_and_no_hang(
    repo: Repository, tmp_path: Path, walk: Walk
) -> None:
    repo.commit({"a.md": "a"})
    shutil.rmtree(repo.folder / ".git" / "objects" / "pack", ignore_errors=True)
    (repo.folder / ".git" / "HEAD").write_text("ref: refs/heads/none\n")
    with pytest.raises(PermanentError, match="without a commit"):
        walk(repo.folder)
