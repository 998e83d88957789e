"""Takes the JSON of GitHub metadata backups apart into the objects of the REST API that it holds.

Knows the forms in which backups nest them, and neither files nor what an object means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_WRAPPED = ("issue", "pull", "pull_request")
"""The keys under which a backup that puts everything beside its issue or pull request keeps that."""

_ENDS = ("s", "s_data", "_data")
_COMMENTS = frozenset(
    {
        "comment_regular_data",
        *(f"{one}{end}" for one in ("comment", "issue_comment", "review_comment", "pull_comment") for end in _ENDS),
    }
)
_KEPT = {
    **{f"{one}{end}": f"{one}s" for one in ("event", "review") for end in _ENDS},
    **dict.fromkeys(("timeline", "timeline_data"), "timeline"),
}
"""The arrays that stay with their issue or pull request, and what they are called there."""

_BY_THEMSELVES = ("commented", "reviewed")
"""The events of a timeline that are objects of their own: comments and reviews."""

_LEFT_OUT = re.compile(r"/(label|milestone|hook)s/[^/]+$")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that is known and holds nothing for a memory."""

    kind: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is no object of the REST API, and why."""

    reason: str


def take_apart(value: object, *, repository: str | None = None) -> Iterator[Json | LeftOut | Unknown]:
    """Find the objects in one JSON value: issues and pull requests first, then their reviews and comments.

    Known are the forms of github-metadata-backup ({"issue": {...}, "events": [...]}), of github-backup (an issue with
    `comment_data`, `event_data`, ...), objects by themselves, and arrays of any of these.

    Args:
        value: what a file holds.
        repository: owner/name, for objects whose address is missing.
    """
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            yield from _take_apart(item, repository)
        else:
            yield Unknown(f"expected an object, got {type(item).__name__}")


def array_name(name: str) -> str | None:
    """Tell what a file such as 12-review-comments.json holds by the end of its name; None if that names no array."""
    spelled = name.lower().replace("-", "_")
    return spelled if spelled in _COMMENTS or spelled in _KEPT else None


def _take_apart(value: Json, repository: str | None) -> Iterator[Json | LeftOut | Unknown]:
    if kind := _left_out(value):
        yield LeftOut(kind)
        return
    if _is_part(value):
        yield _addressed_part(value, None)
        return
    wrapped = next((value[key] for key in _WRAPPED if isinstance(value.get(key), dict)), None)
    main = value if _is_object(value) else wrapped
    arrays = {key: items for key, items in value.items() if _is_array(key, items)}
    if main is None and not arrays:
        yield Unknown("neither an issue or pull request of the REST API nor a comment: its keys name none")
        return
    yield from _family(main, arrays, repository=repository)


def _family(main: Json | None, arrays: Mapping[str, list[Any]], *, repository: str | None) -> Iterator[Json | Unknown]:
    """Give an issue or pull request with the arrays that stay with it, and then its reviews and comments."""
    if main is not None and "createdAt" in main and "created_at" not in main:
        yield Unknown("an object of the GraphQL API: only those of the REST API can be read")
        return
    address = _address(main, repository) if main is not None else None
    comments = [item for key, items in arrays.items() if key in _COMMENTS for item in items]
    kept = {_KEPT[key]: items for key, items in arrays.items() if key in _KEPT}
    if main is not None:
        yield _with_arrays(main, kept, address)
    parts = [*kept.get("reviews", ()), *comments]
    parts += [event for key in ("timeline", "events") for event in kept.get(key, ()) if _is_part(event)]
    given: set[str] = set()
    for part in parts:
        if not isinstance(part, dict):
            yield Unknown(f"among comments and reviews: expected an object, got {type(part).__name__}")
            continue
        found = _addressed_part(part, address)
        name = str(found.get("html_url") or found.get("url") or id(part))
        if name not in given:
            given.add(name)
            yield found


def _with_arrays(main: Json, kept: Mapping[str, list[Any]], address: str | None) -> Json:
    plain = {key: value for key, value in main.items() if not _is_array(key, value)}
    # Where the API has their number, some programs put the comments themselves.
    plain |= {key: len(main[key]) for key in ("comments", "review_comments") if isinstance(main.get(key), list)}
    if address is not None and not plain.get("html_url"):
        plain["html_url"] = address
    return plain | {key: [item for item in items if not _is_comment(item)] for key, items in kept.items()}


def _address(main: Json, repository: str | None) -> str | None:
    """Give the address of an issue or pull request, made up from the repository's name where there is none."""
    address, number = main.get("html_url"), main.get("number")
    if isinstance(address, str) and address:
        return address
    if repository is None or main.get("url") or not isinstance(number, int):
        return None
    is_pull = main.get("pull_request") is not None or "head" in main or "merged_at" in main
    return f"https://github.com/{repository}/{'pull' if is_pull else 'issues'}/{number}"


def _addressed_part(part: Json, address: str | None) -> Json:
    """Strip what only a timeline adds from a comment or review, and give it an address where it has none."""
    plain = {key: value for key, value in part.items() if key not in {"event", "actor", "commit_url"}}
    for key in ("url", "html_url", "created_at", "commit_id"):
        if plain.get(key, "") is None:
            del plain[key]
    if address is None or "url" in plain or "html_url" in plain or "id" not in plain:
        return plain
    if "submitted_at" in plain:
        name = "pullrequestreview-"
    else:
        name = "discussion_r" if "diff_hunk" in plain or "pull_request_review_id" in plain else "issuecomment-"
    return plain | {"html_url": f"{address.partition('#')[0]}#{name}{plain['id']}"}


def _is_object(value: Json) -> bool:
    """Tell an object of the API, which has an address or a number, from what a backup put around some."""
    return any(isinstance(value.get(key), str | int) for key in ("html_url", "url", "number", "node_id"))


def _is_array(key: str, value: object) -> bool:
    return isinstance(value, list) and (key in _COMMENTS or key in _KEPT)


def _is_part(event: object) -> bool:
    return isinstance(event, dict) and event.get("event") in _BY_THEMSELVES


def _is_comment(event: object) -> bool:
    return isinstance(event, dict) and event.get("event") == "commented"


def _left_out(value: Json) -> str | None:
    if found := _LEFT_OUT.search(str(value.get("url"))):
        return f"{found[1]}s"
    if isinstance(value.get("event"), str) and not _is_part(value):
        return "events without their issue"
    if "last_backup" in value:
        return "states of a backup"
    return "lists of attachments" if isinstance(value.get("attachments"), list) else None
