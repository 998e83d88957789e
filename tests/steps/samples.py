"""Small inputs that the tests of the pipeline build their cases from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text

CHANGED_AT = "2026-02-01T08:00:00Z"
_CHANGED_AT_SECONDS = int(datetime(2026, 2, 1, 8, tzinfo=UTC).timestamp())


def prose(topic: str, *, sentences: int = 14) -> str:
    """Write a paragraph that no other topic has; 14 sentences are about one chunk of the hashed embedder."""
    return " ".join(
        f"{topic.capitalize()} rule {number} tells the {topic} crew what to check on round {number}."
        for number in range(1, sentences + 1)
    )


def guide(*topics: str, title: str = "Guide") -> str:
    """Write a page with one section for each topic, each long enough to be a chunk of its own."""
    return f"# {title}\n\n" + "\n\n".join(f"## {topic.capitalize()}\n\n{prose(topic)}" for topic in topics) + "\n"


DECISION = "## Decision\n\nWe moor all ferries at the northern pier, as the southern one silts up every winter.\n"


def write_docs(folder: Path, files: Mapping[str, str]) -> Path:
    """Make a folder hold exactly these files. When a file was changed depends on its content alone."""
    for old in folder.rglob("*"):
        if old.is_file() and old.relative_to(folder).as_posix() not in files:
            old.unlink()
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        changed_at_seconds = _CHANGED_AT_SECONDS + int(hash_text(content)[:4], 16)
        os.utime(file, (changed_at_seconds, changed_at_seconds))
    return folder


def issue(number: int, *, body: str = "The nightly job empties them.", updated: str = "2026-03-02T10:00:00Z") -> Any:
    """Describe an issue as GitHub's REST API does."""
    return {
        "id": 1000 + number,
        "number": number,
        "title": f"Carts vanish at midnight ({number})",
        "body": body,
        "state": "open",
        "html_url": f"https://github.com/acme/shop/issues/{number}",
        "url": f"https://api.github.com/repos/acme/shop/issues/{number}",
        "user": {"login": "ada", "id": 7, "type": "User"},
        "labels": [{"name": "bug"}],
        "comments": 1,
        "created_at": "2026-03-01T09:00:00Z",
        "updated_at": updated,
    }


def issue_comment(number: int, comment: int, *, action: str = "created", updated: str = "2026-03-02T10:00:00Z") -> Any:
    """Describe a webhook about a comment on an issue."""
    return {
        "action": action,
        "repository": {"full_name": "acme/shop"},
        "issue": issue(number, updated=updated),
        "comment": {
            "id": comment,
            "body": "Decision: carts are kept for a week.",
            "html_url": f"https://github.com/acme/shop/issues/{number}#issuecomment-{comment}",
            "issue_url": f"https://api.github.com/repos/acme/shop/issues/{number}",
            "user": {"login": "ben", "id": 8, "type": "User"},
            "created_at": "2026-03-01T09:00:00Z",
            "updated_at": updated,
        },
    }


def envelope(workspace: WorkspaceId, *, key: str, **fields: Any) -> bytes:
    """Write an envelope of a GitHub issue; `fields` replace those of the envelope, as it is spelled in JSON."""
    return json.dumps(
        {
            "workspaceId": workspace,
            "organizationId": "org",
            "source": "github",
            "action": "issues.edited",
            "occurredAt": "2026-03-02T10:00:00Z",
            "idempotencyKey": key,
            "payload": issue(1),
            **fields,
        }
    ).encode()


def page_event(workspace: WorkspaceId, *, key: str, path: str, content: str | None, at: str = CHANGED_AT) -> bytes:
    """Write an envelope of a page of documentation; `content` None says that it was removed."""
    payload: dict[str, Any] = {"store": "handbook", "path": path}
    if content is not None:
        payload |= {"content": content, "changedAt": CHANGED_AT}
    action = "docs.removed" if content is None else "docs.upserted"
    return envelope(workspace, key=key, source="docs", action=action, occurredAt=at, payload=payload)


def slack_message(workspace: WorkspaceId, *, user: str, name: str, email: str, ts: str) -> bytes:
    """Write an envelope of a message in a channel."""
    profile = {"name": name.split(maxsplit=1)[0].lower(), "real_name": name, "email": email}
    message = {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "ts": ts,
        "user": user,
        "text": "The till of the northern pier is broken again, see the log of last night.",
        "user_profile": profile,
    }
    payload = {"type": "event_callback", "event_id": f"Ev{ts}", "event": message, "channel_name": "till"}
    return envelope(workspace, key=ts, source="slack", action="message", payload=payload)
