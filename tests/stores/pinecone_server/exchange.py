"""One request and one answer, as handlers and tests see them. HTTP itself is in `app`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .limits import check_name
from .refusals import RefusalError
from .state import DEFAULT_NAMESPACE, Index


@dataclass(slots=True)
class RecordedRequest:
    """A request that arrived, with the status of its answer: None while there is none, or if it was cut off.

    Attributes:
        path: the vendor's path, without what tells the indexes apart here.
        body: parsed JSON, or None.
    """

    method: str
    path: str
    index: str | None
    namespace: str | None
    body_bytes: int
    body: Any
    query: tuple[tuple[str, str], ...] = ()
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A data call on an index that exists."""

    index: Index
    body: dict[str, Any]
    query: tuple[tuple[str, str], ...]
    path_parameters: Mapping[str, str]

    @property
    def namespace(self) -> str:
        """The namespace that the body, the query or else nothing names: the default one."""
        name = self.body.get("namespace") or self.parameter("namespace") or DEFAULT_NAMESPACE
        return check_name("Namespace", name)

    def parameter(self, name: str) -> str | None:
        """Return the last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number."""
        text = self.parameter(name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            raise RefusalError(400, f"{name} must be a number, got {text!r}") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler gives back."""

    body: Mapping[str, Any] | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
