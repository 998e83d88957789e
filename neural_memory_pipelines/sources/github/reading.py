"""Reading payloads: which object is where, in which repository, and what exactly is wrong with a bad one.

What the objects mean for the memory is decided in `documents.py` and `observations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.payloads import (
    OWNER_AND_NAME,
    Comment,
    Issue,
    PullRequest,
    Repository,
    time_of,
)

ISSUES = "issues"
PULL_REQUEST = "pull_request"
ISSUE_COMMENT = "issue_comment"
SUPPORTED_EVENTS = frozenset({ISSUES, PULL_REQUEST, ISSUE_COMMENT})

_API_URL = re.compile(rf"https?://[^/]+/(?:api/v3/)?repos/({OWNER_AND_NAME})(?:/issues/([0-9]{{1,18}})$|/|$)")
_HTML_URL = re.compile(rf"https?://[^/]+/({OWNER_AND_NAME})/(?:issues|pull)/([0-9]{{1,18}})(?![0-9])")

_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload, read: the issue, the comment or both, and where they live.

    `issue` is None for a comment that came alone.
    """

    repository: str
    number: int
    issue: Issue | None
    comment: Comment | None = None

    @property
    def reference(self) -> str:
        """Name the issue or pull request: owner/repo#N."""
        return f"{self.repository}#{self.number}"


def is_bare(payload: Mapping[str, Any]) -> bool:
    """Tell a REST object from a webhook, which wraps its objects and has none of these keys itself."""
    return "id" in payload or "html_url" in payload or "title" in payload


def read_payload(event: str, payload: object) -> Reading:
    """Read the payload of a supported event, be it a webhook or a bare REST object.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    if not isinstance(payload, Mapping):
        raise InvalidEventError(f"payload: expected an object, got {_json_type(payload)}")
    bare = is_bare(payload)
    if event == ISSUE_COMMENT and bare:
        return _comment_alone(read_model(Comment, payload, "payload"))
    key = "pull_request" if event == PULL_REQUEST else "issue"
    subject, path = (payload, "payload") if bare else (_member(payload, key), f"payload.{key}")
    issue = read_model(_issue_model(event, subject), subject, path)
    if event != ISSUE_COMMENT:
        return _located(payload, issue=issue, path=path)
    comment = read_model(Comment, _member(payload, "comment"), "payload.comment")
    return _located(payload, issue=issue, comment=comment, path=path)


def read_model(model: type[_ModelT], value: object, path: str) -> _ModelT:
    """Read one object of a payload.

    Raises:
        InvalidEventError: a field is missing or wrong; the message gives its path.
    """
    if not isinstance(value, Mapping):
        raise InvalidEventError(f"{path}: expected an object, got {_json_type(value)}")
    try:
        return model.model_validate(value if isinstance(value, dict) else dict(value))
    except ValidationError as error:
        raise InvalidEventError(_explain(error, path)) from error


def read_time(value: object, path: str) -> datetime:
    """Read an ISO 8601 time with an offset.

    Raises:
        InvalidEventError: it is something else.
    """
    try:
        return time_of(value)
    except ValueError as error:
        raise InvalidEventError(f"{path}: expected {error}, got {_shown(value)}") from error


def _member(payload: Mapping[str, Any], key: str) -> object:
    if key not in payload:
        raise InvalidEventError(f"payload.{key}: required, but missing")
    return payload[key]


def _issue_model(event: str, subject: object) -> type[Issue]:
    keys = subject if isinstance(subject, Mapping) else {}
    return PullRequest if "head" in keys or (event == PULL_REQUEST and "pull_request" not in keys) else Issue


def _located(payload: Mapping[str, Any], *, issue: Issue, path: str, comment: Comment | None = None) -> Reading:
    if "repository" in payload:
        repository = read_model(Repository, payload["repository"], "payload.repository").full_name
        return Reading(repository, issue.number, issue, comment)
    for url in (issue.url, issue.repository_url):
        if found := _API_URL.match(url or ""):
            return Reading(found[1], issue.number, issue, comment)
    if found := _HTML_URL.match(issue.html_url):
        return Reading(found[1], issue.number, issue, comment)
    raise InvalidEventError(
        f"{path}.html_url: expected the address of an issue or pull request, as url names no "
        f"repository either, got {_shown(issue.html_url)}"
    )


def _comment_alone(comment: Comment) -> Reading:
    found = _API_URL.match(comment.issue_url or "")
    if not found or not found[2]:
        found = _HTML_URL.match(comment.html_url)
    if not found:
        raise InvalidEventError(
            f"payload.issue_url: expected the address of an issue, as html_url names none either, "
            f"got {_shown(comment.issue_url)}"
        )
    return Reading(found[1], int(found[2]), None, comment)


_EXPECTED = {
    "int_type": "an integer",
    "string_type": "a string",
    "string_unicode": "a string without lone surrogates",
    "string_too_short": "a string that is not empty",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def _explain(error: ValidationError, root: str) -> str:
    first = error.errors(include_url=False)[0]
    path = root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
    if first["type"] == "missing":
        return f"{path}: required, but missing"
    if first["type"] in _EXPECTED:
        return f"{path}: expected {_EXPECTED[first['type']]}, got {_json_type(first['input'])}"
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{path}: expected {expected}, got {_shown(first['input'])}"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a fraction", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def _shown(value: object) -> str:
    """Show a scalar as it is, cut short, and name the type of anything else."""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return ascii(value if not isinstance(value, str) else value[:60])
    return _json_type(value)
