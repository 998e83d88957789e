"""Reads a repository's history: its commits, the files that each changed, and who wrote what a merge brought.

Reads what git lists, not the files. What becomes of a commit is up to `git_history.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from neural_memory_pipelines.steps.git_commands import git_fields

IsChosen = Callable[[str], bool]

_MARK = b"\x01"
_FIELDS = ("%H", "%P", "%ct", "%an", "%ae", "%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x01)")
# Whatever the configuration says, the same history must give the same changes.
_CHANGES = ("--raw", "-z", "-r", "--no-abbrev", "-M", "-l1000", "-O/dev/null", "--no-textconv", "--no-ext-diff")
_LOG = (
    *("--topo-order", "--reverse", "--diff-merges=first-parent", "--root", "--no-notes", "--no-mailmap"),
    *("--encoding=UTF-8", f"--format=%x01{'%x00'.join(_FIELDS)}"),
)
_FILE_MODES = frozenset({b"100644", b"100755"})
_LAST_SECOND = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Signature:
    """A person as a commit names one."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. `committed_at` is aware UTC; `authors` begins with its author, co-authors follow."""

    sha: str
    parents: tuple[str, ...]
    committed_at: datetime
    authors: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit changed against its first parent.

    Attributes:
        old_path: where it was, relative to the folder; None if no chosen file was there.
        new_path: where it is; None if none is there now.
        blob: the hash of its content now; empty without `new_path`.
    """

    old_path: str | None
    new_path: str | None
    blob: str


@dataclass(frozen=True, slots=True)
class Step:
    """A commit of a chain and its changes.

    `written_by` tells, of a merge, which commits off the chain each new path's content comes from, the last one last.
    """

    commit: Commit
    changes: Sequence[FileChange]
    written_by: Mapping[str, Sequence[Commit]]


def push_times(folder: Path, revision: str) -> dict[str, datetime]:
    """Say when each commit of a first-parent chain was pushed, from its root on (aware UTC).

    No clone knows that. It is taken to be the time of the commit, or 1 ms after its predecessor's where the clock of
    the committer stood behind: later commits are later, and the same history gives the same times everywhere.
    """
    with git_fields(folder, "rev-list", "--first-parent", "--timestamp", revision) as fields:
        lines = b"".join(fields).decode().splitlines()
    times: dict[str, datetime] = {}
    moment = datetime.fromtimestamp(0, UTC)
    for line in reversed(lines):
        seconds, sha = line.split()
        moment = max(_moment(seconds), moment + timedelta(milliseconds=1))
        times[sha] = moment
    return times


@contextmanager
def log_steps(
    folder: Path, revisions: Sequence[str], *, prefix: str, chain: Iterable[str], is_chosen: IsChosen
) -> Iterator[Iterator[Step]]:
    """Walk a first-parent chain, oldest commit first, as git lists it.

    Args:
        folder: in the repository.
        revisions: what git is to list, such as ("v1..HEAD",).
        prefix: the folder's path in the repository, with a slash at its end; empty at the top.
        chain: the hashes of the commits to give; others are only asked who wrote what a merge brought.
        is_chosen: tells which paths, relative to the folder, matter.
    """
    on_chain = frozenset(chain)
    with git_fields(folder, "log", *_LOG, *_CHANGES, _relative(prefix), *revisions, "--") as fields:
        yield _steps(_read_log(fields, is_chosen), on_chain)


def tree_changes(folder: Path, old: str, new: str, *, prefix: str, is_chosen: IsChosen) -> list[FileChange]:
    """Compare two commits, whatever lies between them."""
    with git_fields(folder, "diff-tree", *_CHANGES, _relative(prefix), old, new, "--") as fields:
        return [change for field in fields if (change := _change(field, fields, is_chosen))]


class Writers:
    """Remembers who wrote which file, by commits that come oldest first.

    A commit is forgotten once it was asked for: it belongs to the first merge that brought it into the chain.
    """

    def __init__(self) -> None:
        self._commits: dict[str, tuple[int, Commit, frozenset[str]]] = {}
        self._count = 0

    def add(self, commit: Commit, changes: Iterable[FileChange]) -> None:
        """Remember a commit and the files whose content it left."""
        # A merge on a side branch changed, against its first parent, what others wrote.
        is_merge = len(commit.parents) > 1
        paths = () if is_merge else (change.new_path for change in changes if change.new_path is not None)
        self._commits[commit.sha] = self._count, commit, frozenset(paths)
        self._count += 1

    def take(self, heads: Iterable[str]) -> dict[str, list[Commit]]:
        """Say who wrote each file, in the commits that can be reached from these; oldest first."""
        reached: list[tuple[int, Commit, frozenset[str]]] = []
        waiting = list(heads)
        while waiting:
            if (found := self._commits.pop(waiting.pop(), None)) is not None:
                reached.append(found)
                waiting += found[1].parents
        by_path: dict[str, list[Commit]] = {}
        for _, commit, paths in sorted(reached, key=lambda item: item[0]):
            for path in paths:
                by_path.setdefault(path, []).append(commit)
        return by_path


def _steps(commits: Iterator[tuple[Commit, list[FileChange]]], on_chain: frozenset[str]) -> Iterator[Step]:
    aside = Writers()
    for commit, changes in commits:
        if commit.sha not in on_chain:
            aside.add(commit, changes)
            continue
        yield Step(commit, changes, aside.take(commit.parents[1:]))


def _read_log(fields: Iterator[bytes], is_chosen: IsChosen) -> Iterator[tuple[Commit, list[FileChange]]]:
    commit: Commit | None = None
    changes: list[FileChange] = []
    for field in fields:
        if field.startswith(_MARK):
            if commit is not None:
                yield commit, changes
            commit, changes = _commit([field[1:], *islice(fields, len(_FIELDS) - 1)]), []
        elif change := _change(field, fields, is_chosen):
            changes.append(change)
    if commit is not None:
        yield commit, changes


def _commit(fields: Sequence[bytes]) -> Commit:
    sha, parents, seconds, name, email, trailers = (field.decode("utf-8", "replace") for field in fields)
    authors = [Signature(name, email)]
    for trailer in filter(None, trailers.split("\x01")):
        co_author, _, rest = trailer.partition("<")
        authors.append(Signature(co_author.strip(), rest.partition(">")[0].strip()))
    return Commit(sha, tuple(parents.split()), _moment(seconds), tuple(dict.fromkeys(authors)))


def _change(header: bytes, fields: Iterator[bytes], is_chosen: IsChosen) -> FileChange | None:
    """Read a raw change, ":<old mode> <new mode> <old blob> <new blob> <status>", and the one or two paths after it."""
    # git parts a commit's line from its changes by a newline.
    old_mode, new_mode, old_blob, new_blob, status = header.lstrip(b"\n").removeprefix(b":").split()
    first = next(fields).decode("utf-8", "surrogateescape")
    second = next(fields).decode("utf-8", "surrogateescape") if status[:1] in b"RC" else first
    # Links and submodules are no files: what becomes one is gone.
    old_path = first if old_mode in _FILE_MODES and is_chosen(first) else None
    new_path = second if new_mode in _FILE_MODES and is_chosen(second) else None
    is_same = old_path == new_path and (old_path is None or old_blob == new_blob)  # only its mode changed
    return None if is_same else FileChange(old_path, new_path, new_blob.decode() if new_path is not None else "")


def _relative(prefix: str) -> str:
    return f"--relative={prefix}" if prefix else "--no-relative"


def _moment(seconds: str) -> datetime:
    # A commit may claim any number of seconds; one that no calendar knows says nothing.
    value = int(seconds)
    return datetime.fromtimestamp(value if 0 <= value < _LAST_SECOND else 0, UTC)
