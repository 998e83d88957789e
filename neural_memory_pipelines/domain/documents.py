"""What a source event says, in the system's own words: drafts of documents and observations.

Parsing lives in `sources/`, storing in `stores/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import ContentHash, Json, hash_json

TITLE_LIMIT_CHARS = 120
SUMMARY_LIMIT_CHARS = 320

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Privacy(StrEnum):
    """Who may see an observation."""

    ORG = "org"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Author:
    """The person or account behind a document, as the source names it."""

    provider_id: str
    name: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class ObservationDraft:
    """One statement worth remembering on its own.

    `title` has at most 120 characters, `summary` at most 320; None where there is none to be had.
    `importance` lies in 0..1.
    """

    text: str
    occurred_at: datetime
    title: str | None = None
    summary: str | None = None
    importance: float = 0.0
    tags: tuple[str, ...] = ()
    subject_refs: tuple[str, ...] = ()
    privacy: Privacy = Privacy.ORG

    def content_hash(self, document_key: str) -> ContentHash:
        """Hash what the observation says and of which document, not when or how important."""
        return hash_json([document_key, self.text, self.title, self.summary])


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A document as one event describes it, whole.

    `body` is markdown or plain text. `occurred_at` is when it last changed for a reader; `as_of` orders two
    descriptions of the same document: the later one wins, in whatever order they arrive. `metadata` holds only
    what makes a new version when it changes; counters and timestamps that move by themselves stay out.
    """

    source: str
    source_id: str
    type: str
    title: str
    body: str
    occurred_at: datetime
    as_of: datetime
    summary: str | None = None
    state: str | None = None
    url: str | None = None
    author: Author | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    observations: tuple[ObservationDraft, ...] = ()

    @property
    def key(self) -> str:
        """Name the document within its workspace."""
        return f"{self.source}/{self.source_id}"

    def content_hash(self) -> ContentHash:
        """Hash all that makes a version: a draft with the same hash is no change."""
        author = [self.author.provider_id, self.author.name] if self.author else None
        observations: list[Json] = [
            [o.text, o.title, o.summary, sorted(o.tags), sorted(o.subject_refs), o.privacy] for o in self.observations
        ]
        return hash_json(
            [
                self.type,
                self.title,
                self.body,
                self.summary,
                self.state,
                self.url,
                author,
                dict(self.metadata),
                observations,
            ]
        )


@dataclass(frozen=True, slots=True)
class Deletion:
    """A document that its source no longer has."""

    source: str
    source_id: str
    as_of: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """An event that was understood and yields nothing; `gone` are documents that it leaves without content."""

    reason: SkipReason
    detail: str = ""
    gone: tuple[Deletion, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What an event changes. One event may describe several documents (a comment also carries its issue)."""

    drafts: tuple[SourceDraft, ...] = ()
    deletions: tuple[Deletion, ...] = ()


def storable(text: str) -> str:
    """Replace what a database cannot keep in a text: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return str(text)
    return _UNSTORABLE.sub("\ufffd", text)
