"""The kinds of things that are traced, and what is read of each. How they are laid out as a tree is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from neural_memory_pipelines.domain.ids import Json


class Kind(StrEnum):
    """What an id may stand for, from what was made last down to what came in."""

    PROFILE = "profile"
    """An entity with its profile, if it has one; the id is the entity's."""
    SUMMARY = "summary"
    CLUSTER = "cluster"
    OBSERVATION = "observation"
    RELATIONSHIP = "relationship"
    CHUNK = "chunk"
    DOCUMENT = "document"
    DESCRIPTION = "description"
    """What one event says of a document, or of a part of it."""
    RAW = "raw artifact"
    VECTOR = "vector"
    """A vector id, whichever indexes know it."""
    ENTRY = "vector entry"
    """A vector in the ledger: at one embedding version, in one index."""
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that has an id; `key` is unique among its kind."""

    kind: Kind
    key: str


@dataclass(frozen=True, slots=True)
class NodeRow:
    """What is there under a key.

    Attributes:
        key: unique among its kind.
        id: what people call it by; the key, where that is not put together.
        name: where it is from, such as "github acme/shop#12"; may be empty.
        words: its title or first words, redacted as all text in Postgres is; may be empty.
        is_private: whether only some may read it. Of a raw artifact: unless a document that all may read is all that it
            describes.
        is_deleted: whether its source deleted what it says.
        facts: what else is known, times as ISO 8601 in UTC; nulls are left out.
    """

    key: str
    id: str
    name: str
    words: str
    is_private: bool
    is_deleted: bool
    facts: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Links:
    """Where an edge leads from one node.

    `keys` are the first and `positions` theirs; `total` is how many there are of those that may be shown, and `hidden`
    how many only some may read.
    """

    keys: tuple[str, ...]
    positions: tuple[float, ...]
    total: int
    hidden: int
