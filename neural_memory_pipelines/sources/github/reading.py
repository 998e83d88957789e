"""Reading payloads: which object is where, and in which repository.

What the objects mean for the memory is decided in the modules of their events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.payloads import OWNER_AND_NAME, Repository, Thread
from neural_memory_pipelines.sources.reading import member, read_model, shown

SOURCE = "github"

_NUMBER = r"[1-9][0-9]{0,8}"
_API_URL = re.compile(
    rf"https?://[^/\s]+/(?:api/v3/)?repos/({OWNER_AND_NAME})(?:/(?:issues|pulls|discussions)/({_NUMBER})$|/|$)"
)
_HTML_URL = re.compile(
    rf"https?://[^/\s]+/({OWNER_AND_NAME})"
    rf"(?:/(?:issues|pull|discussions)/({_NUMBER})(?![0-9])|/(?:releases|commit)(?:/|$))"
)


class Reading(Protocol):
    """A payload, read: it knows the document that it is about, and what it changes."""

    @property
    def source_id(self) -> str | None:
        """The document that the payload is about; None if it is about none."""
        ...

    def changes(self, event: SourceEvent, verb: str) -> Changes | Skip:
        """Say what the event changes."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation is: an issue, pull request or discussion, and what the payload shows of it, if anything."""

    repository: str
    number: int
    thread: Thread | None = None

    @property
    def reference(self) -> str:
        """Name the conversation: owner/repo#N."""
        return f"{self.repository}#{self.number}"

    @property
    def about(self) -> str:
        """Name the conversation for people: with its title, where that is known."""
        return f"{self.reference}: {self.thread.headline}" if self.thread else self.reference


def is_bare(payload: Mapping[str, Any]) -> bool:
    """Tell a REST object from a webhook, which wraps its objects and has none of these keys itself."""
    return not payload.keys().isdisjoint({"id", "html_url", "title", "sha"})


def subject_of(payload: Mapping[str, Any], key: str) -> tuple[object, str]:
    """Find the object that a payload is about, and its path: below `key` in a webhook, else the payload itself.

    Raises:
        InvalidEventError: a webhook that lacks it.
    """
    if is_bare(payload):
        return payload, "payload"
    return member(payload, key, "payload"), f"payload.{key}"


def array_items(payload: Mapping[str, Any], *keys: str) -> list[tuple[object, str]]:
    """Read the first of the keys that holds an array, as (item, path); an empty list if none does."""
    for key in keys:
        if isinstance(items := payload.get(key), list):
            return [(item, f"payload.{key}[{at}]") for at, item in enumerate(items)]
    return []


def repository_named_by(addresses: Sequence[str | None]) -> str | None:
    """Name the repository that the first of the addresses within one is in; None if none of them is."""
    found = (_API_URL.match(address or "") or _HTML_URL.match(address or "") for address in addresses)
    return next((match[1] for match in found if match), None)


def repository_of(payload: Mapping[str, Any], addresses: Sequence[str | None], *, path: str) -> str:
    """Name the repository of a payload's object: as the payload says, else by the addresses of the object.

    Raises:
        InvalidEventError: neither tells it.
    """
    if payload.get("repository") is not None:
        return read_model(Repository, payload["repository"], "payload.repository").full_name
    if named := repository_named_by(addresses):
        return named
    raise InvalidEventError(
        f"{path}.html_url: expected the address of something in a repository, as url names none either, "
        f"got {shown(next((address for address in addresses if address), None))}"
    )


def place_of(payload: Mapping[str, Any], thread: Thread, *, path: str) -> Place:
    """Find out where an issue, pull request or discussion is.

    Raises:
        InvalidEventError: nothing tells its repository.
    """
    addresses = (thread.html_url, thread.url, thread.repository_url)
    return Place(repository_of(payload, addresses, path=path), thread.number, thread)


def place_of_address(addresses: Sequence[str | None], *, path: str, expected: str) -> Place:
    """Find out where a comment that came alone belongs.

    Raises:
        InvalidEventError: no address holds a repository and a number.
    """
    for address in addresses:
        found = _API_URL.match(address or "") or _HTML_URL.match(address or "")
        if found and found[2]:
            return Place(found[1], int(found[2]))
    raise InvalidEventError(
        f"{path}: expected the address of {expected}, as html_url names none either, got {shown(addresses[0])}"
    )
