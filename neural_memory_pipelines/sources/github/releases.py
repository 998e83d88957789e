"""The events of releases.

What a release contains is told by its own text; the pull requests in it are documents of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Changes, Deletion, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import url_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.importance import ImportanceSignals
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.tags import concerns_everyone, tags_of
from neural_memory_pipelines.sources.github.accounts import account_of
from neural_memory_pipelines.sources.github.code_payloads import Release
from neural_memory_pipelines.sources.github.documents import headed, spelled
from neural_memory_pipelines.sources.github.links import Text, repository_link, text_links
from neural_memory_pipelines.sources.github.observations import Told, observe
from neural_memory_pipelines.sources.github.reading import SOURCE, is_bare, repository_of, subject_of
from neural_memory_pipelines.sources.reading import read_model

_GONE_VERBS = frozenset({"deleted", "unpublished"})
_BREAKING = re.compile(r"^[ \t]*#{1,6}[ \t].{0,40}\bbreaking\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReleaseReading:
    """A release and its repository."""

    repository: str
    release: Release
    payload: Mapping[str, Any]

    @property
    def source_id(self) -> str:
        """The release: owner/repo@tag."""
        return f"{self.repository}@{self.release.tag_name}"

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Describe it; or say that it is gone. A draft is not public, and no document yet."""
        as_of = self._as_of(event)
        if verb in _GONE_VERBS:
            moment = max(as_of, event.occurred_at)
            return Changes(deletions=(Deletion(SOURCE, self.source_id, as_of=moment, reason=event.action),))
        if self.release.draft:
            return Skip(SkipReason.UNSUPPORTED_EVENT, "a release that is not published")
        renamed = self._former_id() if verb == "edited" else None
        left = (Deletion(SOURCE, renamed, as_of=as_of, reason=f"renamed to {self.source_id}"),) if renamed else ()
        return Changes(drafts=(self._draft(as_of),), deletions=left)

    def _as_of(self, event: SourceEvent) -> datetime:
        """Find when the description held: where the release does not say when it was changed, the event does."""
        release = self.release
        if release.updated_at is not None:
            return release.updated_at
        shown_at = None if is_bare(self.payload) else event.occurred_at
        known = [moment for moment in (release.created_at, release.published_at, shown_at) if moment]
        return max(known, default=event.occurred_at)

    def _former_id(self) -> str | None:
        """Name the release as it was called before its tag was changed."""
        changes = self.payload.get("changes")
        tag = changes.get("tag_name") if isinstance(changes, Mapping) else None
        former = tag.get("from") if isinstance(tag, Mapping) else None
        is_other = isinstance(former, str) and former not in {"", self.release.tag_name}
        return f"{self.repository}@{former}" if is_other else None

    def _draft(self, as_of: datetime) -> SourceDraft:
        release, author = self.release, account_of(self.release.author)
        title = " ".join((release.name or "").split()) or f"Release {release.tag_name}"
        head = headed(title, release.body)
        text = Text(head.text, self.source_id, self.repository, url=release.html_url, author=author, can_relate=False)
        occurred_at = release.published_at or release.created_at or as_of
        told = Told(title, release.body or "", self.source_id, self.repository, release.html_url, occurred_at)
        metadata: dict[str, Json] = {
            "repository": self.repository,
            "tag": release.tag_name,
            "published_at": spelled(release.published_at),
        }
        return SourceDraft(
            source=SOURCE,
            source_id=self.source_id,
            type="release",
            title=title,
            body=head.text,
            occurred_at=occurred_at,
            as_of=as_of,
            state="prerelease" if release.prerelease else "released",
            url=release.html_url,
            author=author,
            links=(*text_links(text), *self._discussion_links(), repository_link(self.repository)),
            metadata={key: value for key, value in metadata.items() if value is not None},
            observations=()
            if author and author.is_bot
            else (observe(told, kind="release", tags=self._tags(title), signals=self._signals(title)),),
        )

    def _tags(self, title: str) -> frozenset[str]:
        breaking = {"breaking-change"} if _BREAKING.search(self.release.body or "") else set()
        return tags_of(title, ()) | breaking | {"release"}

    def _signals(self, title: str) -> ImportanceSignals:
        return ImportanceSignals(
            labels=self._tags(title),
            participants=1,
            linked_incident_or_release=True,
            org_impact=concerns_everyone(title, ()),
        )

    def _discussion_links(self) -> Iterator[LinkDraft]:
        address = self.release.discussion_url or ""
        named = find_references(address)
        handle = named[0].handle if named else url_handle(address)
        if handle:
            yield LinkDraft(EdgeType.REFERENCES, NodeRef(NodeKind.DOCUMENT, handle), field="discussion_url")


def read_release(payload: Mapping[str, Any]) -> ReleaseReading:
    """Read the payload of an event of releases."""
    subject, path = subject_of(payload, "release")
    release = read_model(Release, subject, path)
    repository = repository_of(payload, (release.html_url, release.url), path=path)
    return ReleaseReading(repository, release, payload)
