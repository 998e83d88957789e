"""Transfers: where an issue or discussion went to, and where one came from.

Webhooks show the other side under `changes`, often cut short. Of any other event, `changes` says nothing that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from neural_memory_pipelines.sources.github.payloads import Repository, Thread
from neural_memory_pipelines.sources.github.reading import Place
from neural_memory_pipelines.sources.models import Model
from neural_memory_pipelines.sources.reading import read_model
from neural_memory_pipelines.sources.times import utc_time

_WHOLE_KEYS = frozenset({"number", "title", "user", "html_url", "created_at", "updated_at"})

_ThreadT = TypeVar("_ThreadT", bound=Thread)


class _Transfer(Model):
    """Where an issue or a discussion went. What arrived there is read on its own, for it may be cut short."""

    new_issue: dict[str, Any] | None = None
    new_discussion: dict[str, Any] | None = None
    new_repository: Repository | None = None


class _Arrival(Model):
    """Where an issue came from."""

    old_issue: dict[str, Any] | None = None
    old_repository: Repository | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something came from: its former source id and address, and when it was last changed there."""

    source_id: str
    url: str
    updated_at: datetime | None


def read_destination(
    payload: Mapping[str, Any], model: type[_ThreadT], *, key: str
) -> tuple[tuple[_ThreadT, Place] | None, str]:
    """Read where something went: what it is there, when the payload holds all of it, and the words to say so.

    Args:
        payload: a webhook's.
        model: what went.
        key: where `changes` shows it, such as "new_issue".

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    if payload.get("changes") is None:
        return None, "transferred"
    transfer = read_model(_Transfer, payload["changes"], "payload.changes")
    arrived = getattr(transfer, key) or {}
    address = arrived.get("html_url")
    reason = f"transferred to {address}" if isinstance(address, str) else "transferred"
    if transfer.new_repository is None or not arrived.keys() >= _WHOLE_KEYS:
        return None, reason
    thread = read_model(model, arrived, f"payload.changes.{key}")
    return (thread, Place(transfer.new_repository.full_name, thread.number, thread)), reason


def read_origin(payload: Mapping[str, Any]) -> Origin | None:
    """Read where a newly opened issue came from; None if it is new indeed, or its origin is cut short.

    Raises:
        InvalidEventError: a field is wrong; the message gives its path.
    """
    if payload.get("changes") is None:
        return None
    arrival = read_model(_Arrival, payload["changes"], "payload.changes")
    old = arrival.old_issue or {}
    number, address = old.get("number"), old.get("html_url")
    if arrival.old_repository is None or type(number) is not int or not 0 < number < 10**9:
        return None
    source_id = f"{arrival.old_repository.full_name}#{number}"
    return Origin(source_id, address if isinstance(address, str) else "", utc_time(old.get("updated_at")))
