"""Small git repositories with fixed times and people, for tests of what is read from them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

START_SECONDS = 1_700_000_000
"""The time of the first commit (2023-11-14T22:13:20Z); each further one is an hour later."""

ADA = ("Ada Lovelace", "ada@example.com")
BEN = ("Ben Bitdiddle", "ben@example.com")

_QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


class Repository:
    """A repository whose commits get one hour each."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.seconds = START_SECONDS - 3600
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)

    def git(self, *arguments: str, at: int | None = None, author: tuple[str, str] = ADA, stdin: bytes = b"") -> str:
        """Run git as a person, at a time."""
        moment = f"{self.seconds if at is None else at} +0200"
        person = {
            **{"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1], "GIT_AUTHOR_DATE": moment},
            **{"GIT_COMMITTER_NAME": "Committer", "GIT_COMMITTER_EMAIL": "c@example.com"},
            "GIT_COMMITTER_DATE": moment,
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), "-c", "protocol.file.allow=always", *arguments],
            check=True,
            capture_output=True,
            input=stdin,
            env=os.environ | _QUIET | person,
        )
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files into the work tree; None removes one."""
        for path, text in files.items():
            target = self.folder / path
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(
        self,
        files: Mapping[str, str | bytes | None] | None = None,
        *,
        at: int | None = None,
        author: tuple[str, str] = ADA,
        message: str = "a commit",
    ) -> str:
        """Commit the work tree, after writing files; gives the hash."""
        self.write(files or {})
        self.seconds += 3600
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, at=at, author=author)
        return self.head()

    def merge(self, branch: str, *, author: tuple[str, str] = ADA) -> str:
        """Merge a branch as hosts do, without fast-forward."""
        self.seconds += 3600
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch, author=author)
        return self.head()

    def head(self) -> str:
        """Give the hash of the commit that is checked out."""
        return self.git("rev-parse", "HEAD")
