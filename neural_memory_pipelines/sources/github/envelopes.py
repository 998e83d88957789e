"""What a payload that comes without an envelope is, and the fields of the envelope it needs.

Reading the payload itself happens in `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github.reading import is_bare
from neural_memory_pipelines.sources.github.repositories import VERBS as REPOSITORY_VERBS
from neural_memory_pipelines.sources.protocol import EnvelopeFields
from neural_memory_pipelines.sources.reading import read_time

_WEBHOOKS: tuple[tuple[frozenset[str], str, tuple[str, ...]], ...] = (
    # Those with more keys stand first: a review also carries its pull request.
    (frozenset({"comment", "issue"}), "issue_comment", ("comment",)),
    (frozenset({"comment", "pull_request"}), "pull_request_review_comment", ("comment",)),
    # Reviews do not tell when they were changed, but change their pull request.
    (frozenset({"review", "pull_request"}), "pull_request_review", ("review", "pull_request")),
    (frozenset({"thread", "pull_request"}), "pull_request_review_thread", ("pull_request",)),
    (frozenset({"comment", "discussion"}), "discussion_comment", ("comment",)),
    (frozenset({"discussion"}), "discussion", ("discussion",)),
    (frozenset({"release"}), "release", ("release",)),
    (frozenset({"pull_request"}), "pull_request", ("pull_request",)),
    (frozenset({"issue"}), "issues", ("issue",)),
    (frozenset({"ref", "before", "after", "commits"}), "push", ("repository",)),
)
"""The keys that tell a webhook's event, the event, and the keys of the objects whose times tell when it happened."""

_REPOSITORY_KEYS = frozenset(
    {"action", "repository", "sender", "organization", "installation", "enterprise", "changes"}
)

_ADDRESSES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"#issuecomment-[0-9]+$|/issues/comments/[0-9]+$"), "issue_comment"),
    (re.compile(r"#discussion_r[0-9]+$|/pulls/comments/[0-9]+$"), "pull_request_review_comment"),
    (re.compile(r"#pullrequestreview-[0-9]+$"), "pull_request_review"),
    (re.compile(r"#discussioncomment-[0-9]+$"), "discussion_comment"),
    (re.compile(r"/discussions/[0-9]+$"), "discussion"),
    (re.compile(r"/releases/(?:tag/[^/#]+|[0-9]+)$"), "release"),
    (re.compile(r"/commits?/[0-9a-f]{40,64}$"), "commit"),
    (re.compile(r"/pulls?/[0-9]+$"), "pull_request"),
    (re.compile(r"/issues/[0-9]+$"), "issues"),
)
"""What the address of a bare REST object tells of it."""

_LATEST_SECONDS = 2**33
_TIMES = ("updated_at", "created_at", "submitted_at", "published_at", "timestamp")


def kind_of(payload: object) -> str | None:
    """Name the event that a payload belongs to ("issues", "pull_request", "issue_comment", ...), None if unknown."""
    if not isinstance(payload, Mapping):
        return None
    if is_bare(payload):
        return _kind_of_object(payload)
    found = next((event for keys, event, _ in _WEBHOOKS if keys <= payload.keys()), None)
    if found is None and "repository" in payload and payload.keys() <= _REPOSITORY_KEYS:
        # A verb that is no string cannot be looked up.
        verb = payload.get("action")
        return "repository" if isinstance(verb, str) and verb in REPOSITORY_VERBS else None
    return found


def envelope_fields(payload: Mapping[str, Any]) -> EnvelopeFields:
    """Derive the envelope of a payload from the payload alone, so that wrapping it twice gives the same event.

    Raises:
        InvalidEventError: the payload is of no known kind, or its object has no time.
    """
    kind = kind_of(payload)
    if kind is None:
        raise InvalidEventError(
            "payload: expected a GitHub webhook or an object of its REST API (an issue, pull request, discussion, "
            "comment, review, release or commit); the keys of this one name neither"
        )
    verb = payload.get("action", None if kind == "push" else "observed")
    if verb is not None and not isinstance(verb, str):
        raise InvalidEventError("payload.action: expected a string such as 'opened'")
    try:
        key = f"github:{hash_json(payload)}"
    except (RecursionError, ValueError, TypeError) as error:
        raise InvalidEventError(f"payload: cannot be spelled as JSON: {error}") from error
    return EnvelopeFields(
        action=f"{kind}.{verb}" if verb else kind, occurred_at=_occurred_at(payload, kind), idempotency_key=key
    )


def _kind_of_object(payload: Mapping[str, Any]) -> str | None:
    for key in ("html_url", "url"):
        address = payload.get(key)
        for pattern, event in _ADDRESSES:
            if isinstance(address, str) and pattern.search(address):
                return "pull_request" if event == "issues" and "pull_request" in payload else event
    return None


def _occurred_at(payload: Mapping[str, Any], kind: str) -> datetime:
    """Find the latest of the times that a payload's objects name."""
    if kind == "push":
        return _pushed_at(payload)
    moments: list[datetime] = []
    path = "payload"
    for subject, path in _subjects(payload, kind):
        if not isinstance(subject, Mapping):
            raise InvalidEventError(f"{path}: expected an object")
        moments += [read_time(subject[name], f"{path}.{name}") for name in _TIMES if subject.get(name) is not None]
    if not moments:
        raise InvalidEventError(f"{path}.{_TIMES[0]}: required, but missing, and so is {_TIMES[1]}")
    return max(moments)


def _pushed_at(payload: Mapping[str, Any]) -> datetime:
    """Find when a push happened: pushes, and they alone, spell it as seconds since 1970."""
    repository = payload.get("repository")
    seconds = repository.get("pushed_at") if isinstance(repository, Mapping) else None
    if type(seconds) is int and 0 <= seconds < _LATEST_SECONDS:
        return datetime.fromtimestamp(seconds, UTC)
    return read_time(seconds, "payload.repository.pushed_at")


def _subjects(payload: Mapping[str, Any], kind: str) -> Iterator[tuple[object, str]]:
    if kind == "repository":
        yield payload["repository"], "payload.repository"
    elif not is_bare(payload):
        keys = next(keys for _, event, keys in _WEBHOOKS if event == kind)
        yield from ((payload[key], f"payload.{key}") for key in keys if payload.get(key) is not None or key == keys[0])
    elif kind == "commit":
        core = payload.get("commit")
        signature = core.get("committer") or core.get("author") if isinstance(core, Mapping) else None
        date = signature.get("date") if isinstance(signature, Mapping) else None
        yield {"timestamp": date}, "payload.commit.committer"
    else:
        yield payload, "payload"
