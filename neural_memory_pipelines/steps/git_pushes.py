"""Tells a branch's history as pushes: one for each commit, or a single one where history was rewritten.

Which commits, files and times; reading the files' content and putting events is `git_history.py`'s part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neural_memory_pipelines.steps.git_log import (
    Commit,
    FileChange,
    IsChosen,
    Step,
    log_steps,
    push_times,
    tree_changes,
)
from neural_memory_pipelines.steps.git_repository import Repository, chain_since, is_ancestor


@dataclass(frozen=True, slots=True)
class Push:
    """What one push brought.

    Attributes:
        before: the commit that the branch was at; None for its first.
        head: the commit that it is at since.
        at: when (aware UTC).
        changes: the chosen files that differ between the two.
        written_by: for new paths, the commits that their content comes from, the last one last; else it is `head`.
        commits: how many commits of the branch it stands for.
        forced: whether `before` is no longer in the branch's history.
    """

    before: str | None
    head: Commit
    at: datetime
    changes: Sequence[FileChange]
    written_by: Mapping[str, Sequence[Commit]]
    commits: int = 1
    forced: bool = False

    def writers(self, path: str) -> Sequence[Commit]:
        """Say which commits the content of a file comes from, the last one last."""
        return self.written_by.get(path) or (self.head,)


def read_pushes(repository: Repository, since: str | None, *, is_chosen: IsChosen) -> Iterator[Push]:
    """Tell the history of HEAD since a commit (None: from the first on), oldest push first, also empty pushes.

    Raises:
        PermanentError: git failed.
    """
    times = push_times(repository.folder, repository.head)
    if since is not None and not is_ancestor(repository, since):
        yield _forced_push(repository, since, at=times[repository.head], is_chosen=is_chosen)
        return
    revisions = [repository.head, *([f"^{since}"] if since else [])]
    for step in _steps(repository, revisions, chain_since(repository, since), is_chosen):
        before = next(iter(step.commit.parents), None)
        yield Push(before, step.commit, times[step.commit.sha], step.changes, step.written_by)


def _forced_push(repository: Repository, since: str, *, at: datetime, is_chosen: IsChosen) -> Push:
    """Compare a commit that is no longer in the history with HEAD."""
    (head,) = _steps(repository, ["--max-count=1", repository.head], [repository.head], is_chosen)
    chain = chain_since(repository, since)
    # What the new history never touched is what it was before the old one changed it: nobody's work but HEAD's.
    written: dict[str, Sequence[Commit]] = {}
    for step in _steps(repository, [repository.head, f"^{since}"], chain, is_chosen):
        written |= dict.fromkeys((change.new_path for change in step.changes if change.new_path), (step.commit,))
        written |= step.written_by
    return Push(
        before=since,
        head=head.commit,
        # It must be later than all that was pushed before the history was rewritten.
        at=max(at, push_times(repository.folder, since)[since] + timedelta(milliseconds=1)),
        changes=tree_changes(repository.folder, since, repository.head, prefix=repository.prefix, is_chosen=is_chosen),
        written_by=written,
        commits=len(chain),
        forced=True,
    )


def _steps(
    repository: Repository, revisions: Sequence[str], chain: Sequence[str], is_chosen: IsChosen
) -> Iterator[Step]:
    with log_steps(repository.folder, revisions, prefix=repository.prefix, chain=chain, is_chosen=is_chosen) as steps:
        yield from steps
