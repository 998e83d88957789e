"""Docs: files of a folder or git repository, read into changes.

Pure: which files there are, and what changed since the last time, is found elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from neural_memory_pipelines.domain.documents import Changes, Commit, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.sources.docs.drafts import TextFile, page_draft
from neural_memory_pipelines.sources.docs.names import SOURCE
from neural_memory_pipelines.sources.docs.ownership import codeowners_draft, is_codeowners
from neural_memory_pipelines.sources.docs.pages import read_page
from neural_memory_pipelines.sources.docs.payloads import (
    File,
    FileContent,
    FileStatus,
    GitAuthor,
    Push,
    PushedFile,
)
from neural_memory_pipelines.sources.reading import read_model

__all__ = ["PUSHED", "REMOVED", "SOURCE", "UPSERTED", "parse", "subject"]

UPSERTED = "docs.upserted"
REMOVED = "docs.removed"
PUSHED = "docs.push"

_EMPTIED = "emptied"


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a docs event.

    Args:
        event: its action is docs.upserted, with the file's content in the payload, docs.removed, without, or
            docs.push, with all files that changed between two commits.

    Returns:
        One draft or one deletion, or those of a push; a Skip for another action and for a file without text.

    Raises:
        InvalidEventError: a field of the payload is missing or wrong; names it.
    """
    if event.action == REMOVED:
        file = read_model(File, event.payload, "payload")
        return Changes(deletions=(_gone(file.source_id, event.occurred_at, "removed from the store"),))
    if event.action == PUSHED:
        return _pushed(read_model(Push, event.payload, "payload"), as_of=event.occurred_at)
    if event.action != UPSERTED:
        return Skip(
            SkipReason.UNSUPPORTED_EVENT, f"action {event.action!r}: expected {UPSERTED}, {REMOVED} or {PUSHED}"
        )
    text = _text_file(read_model(FileContent, event.payload, "payload"), as_of=event.occurred_at)
    draft = _draft(text)
    if draft is None:
        gone = _gone(text.source_id, event.occurred_at, _EMPTIED)
        return Skip(SkipReason.EMPTY, f"{text.source_id} has no text", gone=(gone,))
    return Changes(drafts=(draft,))


def subject(event: SourceEvent) -> str | None:
    """Name the file that an event is about, without reading its content.

    Returns:
        None if the payload does not say, and for a push, which is about many.
    """
    store, path = event.payload.get("store"), event.payload.get("path")
    is_one_file = event.action != PUSHED and isinstance(store, str) and isinstance(path, str)
    return f"{store}/{path}" if is_one_file else None


def _pushed(push: Push, *, as_of: datetime) -> Changes:
    drafts: dict[str, SourceDraft] = {}
    gone: dict[str, Deletion] = {}
    for file in push.files:
        source_id = f"{push.store}/{file.path}"
        draft = _draft(text) if (text := _pushed_text(push, file, as_of=as_of)) else None
        if draft:
            drafts[source_id] = draft
        else:
            reason = "removed from the store" if file.status is FileStatus.REMOVED else _EMPTIED
            gone[source_id] = _gone(source_id, as_of, reason)
        if file.status is FileStatus.RENAMED and file.previous_path != file.path:
            before = f"{push.store}/{file.previous_path}"
            gone[before] = _gone(before, as_of, f"renamed to {file.path}")
    commit = Commit(push.store, push.after.lower(), push.before, push.delivery_id, push.ref)
    # A path that one file left and another took is there.
    deletions = (deletion for source_id, deletion in gone.items() if source_id not in drafts)
    return Changes(drafts=tuple(drafts.values()), deletions=tuple(deletions), commit=commit)


def _pushed_text(push: Push, file: PushedFile, *, as_of: datetime) -> TextFile | None:
    """Give the text of a pushed file; None for one that is gone or no text."""
    if file.status is FileStatus.REMOVED or file.content is None or "\0" in file.content or file.changed_at is None:
        return None
    return TextFile(
        store=push.store,
        path=file.path,
        content=file.content,
        changed_at=file.changed_at,
        as_of=as_of,
        url=file.url,
        repository=push.repository,
        git_authors=tuple(_git_authors(file)),
    )


def _text_file(file: FileContent, *, as_of: datetime) -> TextFile:
    return TextFile(
        store=file.store,
        path=file.path,
        content=file.content,
        changed_at=file.changed_at,
        as_of=as_of,
        url=file.url,
        repository=file.repository,
        git_authors=tuple(_git_authors(file)),
    )


def _git_authors(file: FileContent | PushedFile) -> Iterator[GitAuthor]:
    if file.author:
        yield file.author
    yield from file.authors


def _draft(file: TextFile) -> SourceDraft | None:
    """Describe a file; None for one without text."""
    if is_codeowners(file.path):
        return codeowners_draft(file) if file.content.strip() else None
    page = read_page(file.path, file.content)
    return page_draft(file, page) if page.body.strip() else None


def _gone(source_id: str, as_of: datetime, reason: str) -> Deletion:
    return Deletion(SOURCE, source_id, as_of, reason)
