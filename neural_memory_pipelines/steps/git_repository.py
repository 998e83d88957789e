"""Opens a clone whose history is to be read: where it is, what it is called, and which revision a user means.

Refuses what has no history to give, with words that say what to do. Walking the history is `git_log.py`'s part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.git_commands import first_fault, has_git, run_git

ROOT = "root"
"""The revision before the first commit: what is asked for to get the whole history."""

_GITHUB = re.compile(
    r"(?:https?://(?:[^/@]*@)?|git://|ssh://(?:[^/@]*@)?|[^/@:]+@)(?:www\.)?github\.com(?::[0-9]+/|[/:])"
    r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/?",
    re.IGNORECASE,
)
_BRANCH = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Repository:
    """A clone, or a folder in its work tree.

    Attributes:
        folder: as the user named it.
        prefix: the folder's path in the repository, with a slash at its end; empty at the top.
        head: the hash of the commit that is checked out.
        ref: the branch that is checked out, such as refs/heads/main; None if none is.
        name: owner/repository on GitHub; None if it does not come from there.
    """

    folder: Path
    prefix: str
    head: str
    ref: str | None
    name: str | None

    def url(self, path: str) -> str | None:
        """Give the address of a file on GitHub, as its branch shows it."""
        if self.name is None or self.ref is None or not self.ref.startswith(_BRANCH):
            return None
        return (
            f"https://github.com/{self.name}/blob/{quote(self.ref.removeprefix(_BRANCH))}/{quote(self.prefix + path)}"
        )


def open_repository(folder: Path) -> Repository:
    """Open a clone.

    Args:
        folder: its work tree, a folder in that, or a bare repository.

    Raises:
        NotFoundError: there is no such folder.
        PermanentError: there is no git program, no repository, no commit, or a shallow clone.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: {'this is a file, expected a folder' if folder.exists() else 'no such folder'}")
    if not has_git():
        raise PermanentError("there is no git program here: install git to read a history")
    known = run_git(folder, "rev-parse", "--is-shallow-repository", "--show-prefix")
    if known.returncode != 0:
        raise PermanentError(f"{folder}: no history can be read here: {first_fault(known.stderr)}")
    shallow, prefix = known.stdout.decode("utf-8", "surrogateescape").split("\n", 1)
    if shallow == "true":
        raise PermanentError(
            f"{folder}: a shallow clone, whose history was cut: run `git fetch --unshallow` in it first"
        )
    head = run_git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head.returncode != 0:
        raise PermanentError(f"{folder}: a repository without a commit")
    branch = run_git(folder, "symbolic-ref", "--quiet", "HEAD")
    remote = run_git(folder, "remote", "get-url", "origin")
    return Repository(
        folder=folder,
        prefix=prefix.removesuffix("\n"),
        head=_line(head.stdout),
        ref=_line(branch.stdout) or None,
        name=github_name(_line(remote.stdout)),
    )


def resolve_commit(repository: Repository, revision: str) -> str:
    """Look up the hash of the commit that a user names: by hash, tag, branch, or what else git understands.

    Raises:
        NotFoundError: git knows no such commit.
    """
    # What begins with a hyphen would be an option to git, and names no commit.
    found = (
        None
        if revision.startswith("-")
        else run_git(repository.folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    )
    if found is None or found.returncode != 0:
        raise NotFoundError(
            f"{repository.folder}: no commit {revision!r}: expected a hash, tag or branch, or {ROOT} for all history"
        )
    return _line(found.stdout)


def is_ancestor(repository: Repository, commit: str) -> bool:
    """Tell whether the history of HEAD holds a commit.

    Raises:
        PermanentError: git failed.
    """
    answer = run_git(repository.folder, "merge-base", "--is-ancestor", commit, repository.head)
    if answer.returncode not in {0, 1}:
        raise PermanentError(f"{repository.folder}: git merge-base failed: {first_fault(answer.stderr)}")
    return answer.returncode == 0


def chain_since(repository: Repository, since: str | None) -> list[str]:
    """List the first-parent commits of HEAD that `since` does not hold, oldest first; None is before the first.

    Raises:
        PermanentError: git failed.
    """
    revisions = [repository.head, *([f"^{since}"] if since else [])]
    listed = run_git(repository.folder, "rev-list", "--first-parent", "--reverse", *revisions)
    if listed.returncode != 0:
        raise PermanentError(f"{repository.folder}: git rev-list failed: {first_fault(listed.stderr)}")
    return listed.stdout.decode().split()


def committed_file(repository: Repository, path: str) -> bytes | None:
    """Read a file as HEAD has it, by its path relative to the folder; None if there is none."""
    found = run_git(repository.folder, "cat-file", "blob", f"{repository.head}:{repository.prefix}{path}")
    return found.stdout if found.returncode == 0 else None


def github_name(address: str) -> str | None:
    """Read owner/repository from the address of a remote; None if it is not on github.com."""
    found = _GITHUB.fullmatch(address)
    return found[1] if found else None


def _line(output: bytes) -> str:
    return output.decode("utf-8", "surrogateescape").strip()
