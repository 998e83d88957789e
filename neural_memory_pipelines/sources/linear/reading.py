"""Reading events: which object one is about, who acted, and whether the object is still there.

What the objects mean for the memory is decided in `documents.py`, `links.py` and `observations.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.sources.linear.accounts import actor_account
from neural_memory_pipelines.sources.linear.neighbours import Actor
from neural_memory_pipelines.sources.linear.payloads import Key
from neural_memory_pipelines.sources.reading import member, read_model, read_object

OBSERVED = "observed"
REMOVE = "remove"
RESTORE = "restore"
VERBS = frozenset({"create", "update", REMOVE, RESTORE, OBSERVED})

_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload, opened.

    Attributes:
        verb: one of `VERBS`.
        occurred_at: when the event happened.
        subject: the object that it is about.
        path: where that stands, for messages.
        url: the object's address, as far as the payload around it says.
        accounts: who acted, if the payload says so.
        comes_back: the event brings back what was archived or in the bin.
    """

    verb: str
    occurred_at: datetime
    subject: Mapping[str, Any]
    path: str
    url: str | None
    accounts: tuple[Account, ...]
    comes_back: bool

    def read(self, model: type[_ModelT]) -> _ModelT:
        """Read the object.

        Raises:
            InvalidEventError: a field is missing or wrong; the message gives its path.
        """
        return read_model(model, self.subject, self.path)

    def is_gone(self, key: Key) -> bool:
        """Tell whether the event takes the object away: it was removed, archived, or put into the bin."""
        return self.verb == REMOVE or (self.verb != RESTORE and (key.is_put_away or bool(key.trashed)))

    def gone_at(self, key: Key) -> datetime:
        """Tell from when on the object is gone. Archiving need not touch an object's own time of update."""
        return max(moment for moment in (self.occurred_at, key.updated_at, key.archived_at) if moment is not None)

    def holds_at(self, updated_at: datetime) -> datetime:
        """Tell as of when the object's description holds. Coming back need not touch its own time of update."""
        return max(updated_at, self.occurred_at) if self.comes_back else updated_at


def open_payload(event: SourceEvent) -> Reading:
    """Find the object that an event is about, be it in a webhook or bare, as the API returns it.

    Raises:
        InvalidEventError: there is none, or who acted cannot be read.
    """
    payload, verb = read_object(event.payload, "payload"), event.action.partition(".")[2]
    if is_bare(payload):
        return Reading(verb, event.occurred_at, payload, "payload", None, (), verb == RESTORE)
    subject = read_object(member(payload, "data", "payload"), "payload.data")
    actor, url = payload.get("actor"), payload.get("url")
    who = actor_account(read_model(Actor, actor, "payload.actor")) if actor is not None else None
    return Reading(
        verb=verb,
        occurred_at=event.occurred_at,
        subject=subject,
        path="payload.data",
        url=url if isinstance(url, str) else None,
        accounts=(who,) if who else (),
        comes_back=verb == RESTORE or _was_away(payload.get("updatedFrom")),
    )


def is_bare(payload: Mapping[str, Any]) -> bool:
    """Tell an object of the API from a webhook, which wraps its object and has no id of its own."""
    return "data" not in payload and "id" in payload


def _was_away(updated_from: object) -> bool:
    return isinstance(updated_from, Mapping) and bool(updated_from.get("archivedAt") or updated_from.get("trashed"))
