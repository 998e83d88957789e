"""What a description of a document does to what is stored, and what follows from a document's history.

Pure decisions; `steps/apply.py` carries them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from neural_memory_pipelines.domain.ids import ContentHash

_IDENTIFIER = re.compile(r"(?<![\w/])#\d{1,7}\b|\b[A-Z][A-Z0-9]{1,9}-\d{1,7}\b")
# Most texts have none: looking for two characters first is several times quicker than for the whole pattern.
_IDENTIFIER_HINT = re.compile(r"[#-][0-9]")
_IDENTIFIER_LIMIT = 32


class Outcome(StrEnum):
    """What becomes of one description of a document."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """What is known of a document before an event is applied.

    `is_hidden` says that it went with its parent; what it says is kept and comes back with the parent.
    """

    content_hash: ContentHash
    as_of: datetime
    as_of_event: str
    is_deleted: bool
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class DescriptionRecord:
    """One description in a document's history; `part_id` is empty for one of the whole document."""

    event_key: str
    as_of: datetime
    deletes: bool
    content_hash: ContentHash
    raw_pointer: str
    part_id: str = ""
    link_ids: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[datetime, bool, str]:
        """Order descriptions of one document: the greatest holds, in whatever order they arrived."""
        return rank(self.as_of, self.event_key, deletes=self.deletes)


def rank(as_of: datetime, event_key: str, *, deletes: bool) -> tuple[datetime, bool, str]:
    """Order two descriptions of one document by time; at the same time a deletion holds, then the greater key."""
    return as_of, deletes, event_key


def decide(
    stored: StoredDocument | None, *, content_hash: ContentHash, as_of: datetime, event_key: str, deletes: bool
) -> Outcome:
    """Decide what a draft (or, with `deletes`, a deletion) does to the stored document.

    The description of the greatest rank holds, in whatever order they arrive. An event that is read again counts as
    the description that it was.
    """
    if stored is None:
        return Outcome.WRITTEN
    is_same_event = event_key == stored.as_of_event
    if not is_same_event and rank(as_of, event_key, deletes=deletes) < rank(
        stored.as_of, stored.as_of_event, deletes=stored.is_deleted
    ):
        return Outcome.OUTDATED
    if deletes:
        return Outcome.UNCHANGED if stored.is_deleted else Outcome.WRITTEN
    is_live = not (stored.is_deleted or stored.is_hidden)
    return Outcome.UNCHANGED if is_live and stored.content_hash == content_hash else Outcome.WRITTEN


def version_of(history: Iterable[DescriptionRecord]) -> int:
    """Count the versions of a document: its first description and each that differs from the one before.

    Of a document that is put together from parts, each state of each part counts.
    """
    records = sorted(history, key=lambda record: record.rank)
    if any(record.part_id for record in records):
        return len({(record.part_id, record.content_hash, record.deletes) for record in records if record.part_id})
    return 1 + sum(
        (before.content_hash, before.deletes) != (after.content_hash, after.deletes)
        for before, after in pairwise(records)
    )


def link_spans(history: Iterable[DescriptionRecord]) -> dict[str, tuple[datetime, datetime | None]]:
    """Tell from when to when a document stated each of its links.

    Returns:
        By link id, the time of the first description that states it, and that of the first one after the last that
        does; None while the latest states it.
    """
    records = sorted(history, key=lambda record: record.rank)
    first: dict[str, datetime] = {}
    last: dict[str, int] = {}
    for position, record in enumerate(records):
        for link in record.link_ids:
            first.setdefault(link, record.as_of)
            last[link] = position
    return {
        link: (since, records[last[link] + 1].as_of if last[link] + 1 < len(records) else None)
        for link, since in first.items()
    }


def gone_since(history: Iterable[DescriptionRecord]) -> datetime | None:
    """Tell since when a document is deleted: as of the first of the deletions that nothing contradicts later.

    Returns:
        None if the description of the greatest rank is no deletion.
    """
    since: datetime | None = None
    for record in sorted(history, key=lambda record: record.rank, reverse=True):
        if not record.deletes:
            break
        since = record.as_of
    return since


def identifiers(text: str) -> list[str]:
    """List the identifiers in a text (#123, ABC-12), each once, in order, at most 32."""
    if not _IDENTIFIER_HINT.search(text):
        return []
    return list(dict.fromkeys(_IDENTIFIER.findall(text)))[:_IDENTIFIER_LIMIT]
