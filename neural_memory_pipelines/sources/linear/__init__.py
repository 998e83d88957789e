"""Linear: webhooks and API objects of issues, comments, projects and project updates, read into changes.

Pure: no network, no clock, no database. What a link leads to is resolved elsewhere, when all is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear.accounts import SYSTEM
from neural_memory_pipelines.sources.linear.documents import comment_draft, issue_draft
from neural_memory_pipelines.sources.linear.envelopes import (
    COMMENT,
    ISSUE,
    PROJECT,
    PROJECT_UPDATE,
    envelope_fields,
    kind_of,
)
from neural_memory_pipelines.sources.linear.observations import issue_signals
from neural_memory_pipelines.sources.linear.payloads import (
    Comment,
    CommentKey,
    Issue,
    IssueKey,
    Key,
    Project,
    ProjectUpdate,
)
from neural_memory_pipelines.sources.linear.places import (
    place_in,
    place_of,
    project_source_id,
    renames,
    update_source_id,
)
from neural_memory_pipelines.sources.linear.projects import project_draft, update_draft
from neural_memory_pipelines.sources.linear.reading import VERBS, Reading, open_payload

__all__ = ["envelope_fields", "kind_of", "parse", "subject"]


class _Kind(NamedTuple):
    parse: Callable[[Reading], Changes | Skip]
    source_id: Callable[[Reading], str]


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a Linear event.

    Args:
        event: its action is "<Type>.<action>", such as "Issue.update", with what the webhook sent, or
            "<Type>.observed" with an object as the GraphQL API returns it.

    Returns:
        The documents that it describes, those that are gone and those that were renamed, or why it yields nothing.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    name, _, verb = event.action.partition(".")
    if name not in _KINDS or verb not in VERBS:
        return Skip(SkipReason.UNSUPPORTED_EVENT, detail=event.action)
    return _KINDS[name].parse(open_payload(event))


def subject(event: SourceEvent) -> str | None:
    """Name the document that an event is about; None if it is of no supported kind or cannot be read."""
    name, _, verb = event.action.partition(".")
    if name not in _KINDS or verb not in VERBS:
        return None
    try:
        return _KINDS[name].source_id(open_payload(event))
    except InvalidEventError:
        return None


def _issue(reading: Reading) -> Changes:
    key = reading.read(IssueKey)
    moved = tuple(renames(key))
    if reading.is_gone(key):
        gone = _gone(reading, key, key.identifier)
        return Changes(deletions=(gone,), accounts=reading.accounts, renames=moved)
    issue = reading.read(Issue)
    comments = tuple(_comments_of(issue, reading))
    return Changes(
        drafts=(issue_draft(issue, reading), *(said for said in comments if isinstance(said, SourceDraft))),
        deletions=tuple(said for said in comments if isinstance(said, Deletion)),
        renames=moved,
    )


def _comments_of(issue: Issue, reading: Reading) -> Iterator[SourceDraft | Deletion]:
    """Describe the comments that came with their issue; those of bots are no documents."""
    place, signals = place_in(issue), issue_signals(issue)
    for comment in issue.comments:
        if comment.archived_at is not None:
            yield _gone(reading, comment, place.comment_id(comment))
        elif not comment.body.strip():
            yield Deletion(SYSTEM, place.comment_id(comment), comment.updated_at, "emptied")
        else:
            draft = comment_draft(comment, place, reading, teams=[issue.team], signals=signals)
            if not (draft.author and draft.author.is_bot):
                yield draft


def _comment(reading: Reading) -> Changes | Skip:
    key = reading.read(CommentKey)
    place = place_of(key, url=reading.url)
    source_id = place.comment_id(key)
    if reading.is_gone(key):
        return Changes(deletions=(_gone(reading, key, source_id),), accounts=reading.accounts)
    comment = reading.read(Comment)
    if not comment.body.strip():
        gone = Deletion(SYSTEM, source_id, reading.holds_at(comment.updated_at), "emptied")
        return Skip(SkipReason.EMPTY, detail=source_id, gone=(gone,))
    draft = comment_draft(comment, place, reading, teams=comment.teams)
    if draft.author and draft.author.is_bot:
        return Skip(SkipReason.BOT_AUTHOR, detail=draft.author.name)
    return Changes(drafts=(draft,))


def _project(reading: Reading) -> Changes:
    key = reading.read(Key)
    if reading.is_gone(key):
        return Changes(deletions=(_gone(reading, key, project_source_id(key.id)),), accounts=reading.accounts)
    return Changes(drafts=(project_draft(reading.read(Project), reading),))


def _project_update(reading: Reading) -> Changes | Skip:
    key = reading.read(Key)
    source_id = update_source_id(key.id)
    if reading.is_gone(key):
        return Changes(deletions=(_gone(reading, key, source_id),), accounts=reading.accounts)
    update = reading.read(ProjectUpdate)
    if not update.body.strip():
        gone = Deletion(SYSTEM, source_id, reading.holds_at(update.updated_at), "emptied")
        return Skip(SkipReason.EMPTY, detail=source_id, gone=(gone,))
    return Changes(drafts=(update_draft(update, reading),))


def _gone(reading: Reading, key: Key, source_id: str) -> Deletion:
    reason = "in the bin" if key.trashed else "archived" if key.archived_at else "removed"
    return Deletion(SYSTEM, source_id, reading.gone_at(key), reason)


def _comment_source_id(reading: Reading) -> str:
    key = reading.read(CommentKey)
    return place_of(key, url=reading.url).comment_id(key)


_KINDS = {
    ISSUE: _Kind(_issue, lambda reading: reading.read(IssueKey).identifier),
    COMMENT: _Kind(_comment, _comment_source_id),
    PROJECT: _Kind(_project, lambda reading: project_source_id(reading.read(Key).id)),
    PROJECT_UPDATE: _Kind(_project_update, lambda reading: update_source_id(reading.read(Key).id)),
}
