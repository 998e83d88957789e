"""What a source event says, in the system's own words: drafts of documents and observations.

Parsing lives in `sources/`, storing in `stores/`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.graph import LinkDraft
from neural_memory_pipelines.domain.ids import ContentHash, Json, hash_json
from neural_memory_pipelines.domain.importance import importance_of

TITLE_LIMIT_CHARS = 120
SUMMARY_LIMIT_CHARS = 320

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Privacy(StrEnum):
    """Who may see an observation."""

    ORG = "org"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class ObservationDraft:
    """One statement worth remembering on its own.

    `title` has at most 120 characters, `summary` at most 320; None where there is none to be had.
    `importance_factors` are the terms of the formula, already weighted, by name: see `importance.py`.
    """

    text: str
    occurred_at: datetime
    title: str | None = None
    summary: str | None = None
    importance_factors: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    subject_refs: tuple[str, ...] = ()
    privacy: Privacy = Privacy.ORG

    @property
    def importance(self) -> float:
        """The sum of the factors, cut to 0..1."""
        return importance_of(self.importance_factors)

    def content_hash(self, document_key: str) -> ContentHash:
        """Hash what the observation says and of which document, not when or how important."""
        return hash_json([document_key, self.text, self.title, self.summary])


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A document as one event describes it, whole.

    `body` is markdown or plain text. `occurred_at` is when it last changed for a reader; `as_of` orders two
    descriptions of the same document: the later one wins, in whatever order they arrive. `metadata` holds only
    what makes a new version when it changes; counters and timestamps that move by themselves stay out.

    Attributes:
        author: who wrote it; the AUTHORED_BY link follows from it.
        accounts: all other accounts that the event describes, such as assignees.
        parent: the source id of the document that this one belongs to and goes with, such as the issue of a comment.
        handles: names that the document answers to, beside its source id and its url (see `handles.py`).
        links: what it says about other documents and entities; spans are those of `body`.
        privacy: that of the document's chunks; observations have their own.
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
    author: Account | None = None
    accounts: tuple[Account, ...] = ()
    parent: str | None = None
    handles: tuple[str, ...] = ()
    links: tuple[LinkDraft, ...] = ()
    privacy: Privacy = Privacy.ORG
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
                self.parent,
                self.privacy,
                sorted(self.handles),
                [link.content_hash(self.body[link.start : link.end]) for link in self.links],
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
class PartDraft:
    """A part of a document that no single event describes whole, such as a message of a thread.

    The source puts the document together from the latest state of all its parts (`Source.assemble`).

    Attributes:
        source_id: the document's.
        part_id: the part's, within the document.
        as_of: orders two descriptions of the part.
        content: what `assemble` will need of it; None if the part was deleted.
        context_id: the source id whose parts hold for all of its documents, such as the channel of a thread. A part
            whose `context_id` is its own `source_id` is such a context, and makes no document by itself.
    """

    source: str
    source_id: str
    part_id: str
    as_of: datetime
    content: Mapping[str, Json] | None
    context_id: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The latest state of a part that was not deleted."""

    part_id: str
    as_of: datetime
    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Rename:
    """From `as_of` on, what the source called `old` is `new`: a prefix of source ids, such as a repository's name."""

    source: str
    old: str
    new: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A push of a store of documents: known by its commit, and by the delivery that brought it."""

    store: str
    after: str
    before: str | None = None
    delivery_id: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What an event changes. One event may describe several documents (a comment also carries its issue).

    `accounts` are those that the event describes beside the ones in its drafts.
    """

    drafts: tuple[SourceDraft, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    parts: tuple[PartDraft, ...] = ()
    accounts: tuple[Account, ...] = ()
    renames: tuple[Rename, ...] = ()
    commit: Commit | None = None

    @property
    def brings_facts(self) -> bool:
        """Whether there is something to keep even if no document changes."""
        return bool(self.accounts or self.renames or self.commit)


def storable(text: str) -> str:
    """Replace what a database cannot keep in a text: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return str(text)
    return _UNSTORABLE.sub("\ufffd", text)
