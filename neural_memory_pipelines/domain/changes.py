"""What a description of a document does to what is stored. Pure decisions; `steps/persist.py` carries them out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    """What is known of a document before an event is applied."""

    content_hash: ContentHash
    as_of: datetime
    is_deleted: bool


def decide(stored: StoredDocument | None, *, content_hash: ContentHash, as_of: datetime, deletes: bool) -> Outcome:
    """Decide what a draft (or, with `deletes`, a deletion) does to the stored document.

    The later `as_of` wins, in whatever order two descriptions arrive. Of two with the same `as_of`, the one that
    is processed last wins.
    """
    if stored is None:
        return Outcome.WRITTEN
    if as_of < stored.as_of:
        return Outcome.OUTDATED
    if deletes:
        return Outcome.UNCHANGED if stored.is_deleted else Outcome.WRITTEN
    if stored.content_hash == content_hash and not stored.is_deleted:
        return Outcome.UNCHANGED
    return Outcome.WRITTEN


def identifiers(text: str) -> list[str]:
    """List the identifiers in a text (#123, ABC-12), each once, in order, at most 32."""
    if not _IDENTIFIER_HINT.search(text):
        return []
    return list(dict.fromkeys(_IDENTIFIER.findall(text)))[:_IDENTIFIER_LIMIT]
