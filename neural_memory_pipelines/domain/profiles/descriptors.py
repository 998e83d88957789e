"""What describes an entity in words and counts: keywords, whom and what it has to do with, what it did and when.

Counting is up to the readers of the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.ids import EntityId, Json

HOURS = 24

_ACTS = {
    "AUTHORED_BY": "authored",
    "ASSIGNED_TO": "assigned",
    "OWNED_BY": "owns",
    "REVIEWED_BY": "reviewed",
    "PART_OF": "holds",
    "TOUCHES_COMPONENT": "touched by",
}


@dataclass(frozen=True, slots=True)
class Related:
    """An entity that another has to do with, and in how many pieces of work both take part.

    A piece of work is a document with what goes with it, such as an issue with its comments.
    """

    entity_id: EntityId
    name: str
    works: int
    owns: bool = False

    def spelled(self) -> dict[str, Json]:
        """Spell it as JSON."""
        return {"entity_id": self.entity_id, "name": self.name, "works": self.works, "owns": self.owns}


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an entity has to do with how many documents of a type, by an edge."""

    edge: str
    document_type: str
    documents: int

    @property
    def said(self) -> str:
        """Say it in words, such as "authored pull_request"."""
        return f"{_ACTS.get(self.edge, self.edge.lower())} {self.document_type}"

    def spelled(self) -> dict[str, Json]:
        """Spell it as JSON."""
        return {"edge": self.edge, "type": self.document_type, "documents": self.documents, "said": self.said}


@dataclass(frozen=True, slots=True)
class Descriptors:
    """What describes an entity; all lists with what counts most first.

    Attributes:
        keywords: of its observations, against those of the other entities of its kind.
        collaborators: persons who take part in the same work.
        components: what it owns, then what it touches.
        repositories, projects, teams: where its work lies.
        owners: who owns it.
        contributions: by type of edge and of document.
        active_hours: observations by hour of the day in `timezone`; those whose time has no hour are left out.
        first_seen_at, last_seen_at: of its observations (aware).
    """

    keywords: tuple[str, ...]
    collaborators: tuple[Related, ...]
    components: tuple[Related, ...]
    repositories: tuple[Related, ...]
    projects: tuple[Related, ...]
    teams: tuple[Related, ...]
    owners: tuple[Related, ...]
    contributions: tuple[Contribution, ...]
    active_hours: tuple[int, ...]
    timezone: str
    first_seen_at: datetime
    last_seen_at: datetime

    def spelled(self) -> dict[str, Json]:
        """Spell them as JSON."""
        return {
            "keywords": list(self.keywords),
            **{name: [item.spelled() for item in getattr(self, name)] for name in _LISTS},
            "active_hours": list(self.active_hours),
            "timezone": self.timezone,
            "first_seen_at": self.first_seen_at.isoformat(),
            "last_seen_at": self.last_seen_at.isoformat(),
        }


_RELATED = ("collaborators", "components", "repositories", "projects", "teams", "owners")
_LISTS = (*_RELATED, "contributions")


def read_descriptors(spelled: Mapping[str, Any]) -> Descriptors:
    """Read descriptors from JSON as `Descriptors.spelled` gives it."""
    related = {
        name: tuple(Related(EntityId(item["entity_id"]), item["name"], item["works"], item["owns"]) for item in items)
        for name, items in spelled.items()
        if name in _RELATED
    }
    return Descriptors(
        keywords=tuple(spelled["keywords"]),
        **related,
        contributions=tuple(
            Contribution(item["edge"], item["type"], item["documents"]) for item in spelled["contributions"]
        ),
        active_hours=tuple(spelled["active_hours"]),
        timezone=spelled["timezone"],
        first_seen_at=datetime.fromisoformat(spelled["first_seen_at"]),
        last_seen_at=datetime.fromisoformat(spelled["last_seen_at"]),
    )
