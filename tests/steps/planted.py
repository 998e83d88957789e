"""Events of all five sources with a secret, an address and a phone number in every place that holds words.

Each place gets values of its own, so that a value that is found again tells where it came through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId
from tests.sources import github_payloads as github
from tests.sources import linear_payloads as linear
from tests.sources import notion_payloads as notion

from .samples import envelope

EARLY, LATE = "2026-03-02T10:00:00Z", "2026-03-06T10:00:00Z"
_CHANNEL, _DIRECT = "C0SHOP", "D0SHOP"
_ROOT = "1772445600.000100"


@dataclass(frozen=True)
class Planted:
    """What stands in one place.

    `is_told` says that the words of the place reach the memory if nothing is redacted, `is_secret` that they hold the
    secret alone.
    """

    place: str
    secret: str
    email: str
    phone: str
    is_told: bool
    is_secret: bool

    @property
    def words(self) -> str:
        return f"the key {self.secret} or {self.email} or phone {self.phone} then"


@dataclass
class Plants:
    """All that was planted, by place. The values follow from the salt and the place alone."""

    salt: str
    by_place: dict[str, Planted] = field(default_factory=dict)

    def at(self, place: str, *, is_told: bool = True, is_secret: bool = False) -> Planted:
        digest = hashlib.sha256(f"{self.salt}/{place}".encode()).hexdigest()
        self.by_place[place] = Planted(
            place,
            secret="ghp_" + "".join(_letter(digest[n : n + 2]) for n in range(0, 64, 2)) + digest[:4],
            email=f"q{digest[:10]}@planted.example",
            # All numbers of 020 7946 0xxx are kept free for stories.
            phone=f"+44 20 7946 0{len(self.by_place):03}",
            is_told=is_told,
            is_secret=is_secret,
        )
        return self.by_place[place]

    def words(self, place: str, *, is_told: bool = True) -> str:
        return self.at(place, is_told=is_told).words


def _letter(pair: str) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[int(pair, 16) % 62]


def planted_lines(workspace: WorkspaceId, plants: Plants) -> tuple[list[bytes], list[bytes]]:
    """Write the events: first those that tell, then those that edit what the first told."""
    lines = [
        line
        for source in (_github, _linear, _notion, _slack, _docs, _broken)
        for line in source(_writer(workspace), plants)
    ]
    return [line for line in lines if LATE.encode() not in line], [line for line in lines if LATE.encode() in line]


_Write = Callable[..., bytes]


def _writer(workspace: WorkspaceId) -> _Write:
    def write(source: str, action: str, payload: Any, *, key: str, at: str = EARLY) -> bytes:
        return envelope(workspace, key=key, source=source, action=action, occurredAt=at, payload=payload)

    return write


def _github(write: _Write, plants: Plants) -> list[bytes]:
    words = plants.words
    author = {"name": words("github/commit author"), "email": plants.at("github/commit email", is_told=False).email}
    issue = github.an_issue(
        title=f"Carts vanish, {words('github/title')}",
        body=f"See #6.\n\n{words('github/body')}\n\n```\n{words('github/fence')}\n```\n",
        labels=[{"name": words("github/label")}],
        milestone={"title": words("github/milestone", is_told=False)},
    )
    edited = {**issue, "body": f"Decision: {words('github/edited body')}.", "updated_at": LATE}
    pull = github.a_pull_request(body=f"This PR fixes #5. {words('github/pull body')}")
    commit = github.a_pushed_commit(
        message=f"Keep carts\n\nFixes #5\n\n{words('github/commit message')}",
        author=author,
        committer=author,
        modified=[f"services/{plants.at('github/file path', is_told=False).secret}.py"],
    )
    comment = github.a_comment(body=f"Decision: {words('github/comment')}")
    discussion = github.a_discussion(title=words("github/discussion title"), body=words("github/discussion body"))
    release = github.a_release(name=words("github/release name"), body=f"Notes: {words('github/release body')}")
    review = github.a_review(body=f"Decision: {words('github/review')}")
    hook = github.webhook
    return [
        write("github", "issues.opened", hook(action="opened", issue=issue), key="gh-1"),
        write("github", "issues.edited", hook(action="edited", issue=edited), key="gh-2", at=LATE),
        write("github", "pull_request.opened", hook(action="opened", pull_request=pull), key="gh-3"),
        write("github", "issue_comment.created", hook(action="created", issue=edited, comment=comment), key="gh-4"),
        write(
            "github",
            "pull_request_review.submitted",
            hook(action="submitted", pull_request=pull, review=review),
            key="gh-5",
        ),
        write("github", "discussion.created", hook(action="created", discussion=discussion), key="gh-6"),
        write("github", "release.published", hook(action="published", release=release), key="gh-7"),
        write("github", "push", github.a_push(commit), key="gh-8"),
    ]


def _linear(write: _Write, plants: Plants) -> list[bytes]:
    words = plants.words
    actor = linear.ADA | {
        "name": words("linear/actor name"),
        "email": plants.at("linear/actor email", is_told=False).email,
        "url": f"{linear.APP}/profiles/{plants.at('linear/actor url', is_told=False).email}",
        "type": "user",
    }
    person = {
        **linear.BEN,
        "name": words("linear/person name"),
        "email": plants.at("linear/email", is_told=False).email,
    }
    issue = linear.an_issue(
        title=f"Tills, {words('linear/title')}",
        description=words("linear/description"),
        labels=[linear.a_label(words("linear/label"))],
        assignee=person,
        botActor={"id": "b", "name": words("linear/bot", is_told=False), "type": "integration"},
        url=f"{linear.APP}/issue/SHOP-5?by={plants.at('linear/url').email}&key={plants.at('linear/url').secret}",
        team=linear.TEAM | {"name": words("linear/team")},
    )
    comment = linear.a_comment(f"Decision: {words('linear/comment')}", user=person)
    project = linear.a_project(
        name=words("linear/project name"),
        description=words("linear/project description"),
        content=words("linear/project content"),
    )
    update = linear.an_update(words("linear/update"))
    found = [("Issue", issue), ("Comment", comment), ("Project", project), ("ProjectUpdate", update)]
    return [
        write("linear", f"{kind}.update", linear.webhook(kind, data, actor=actor), key=f"lin-{kind}")
        for kind, data in found
    ]


def _notion(write: _Write, plants: Plants) -> list[bytes]:
    words, at = plants.words, plants.at
    secret = at("notion/split by colour", is_secret=True).secret
    page = notion.page(
        properties={
            "Name": notion.titled(f"Plan, {words('notion/title')}"),
            "Notes": notion.prop("rich_text", notion.rich(words("notion/rich text"))),
            "Kind": notion.prop("select", {"id": "s", "name": words("notion/select"), "color": "red"}),
            "Site": notion.prop("url", f"https://x.example/?m={at('notion/url').email}&t={at('notion/url').secret}"),
            "Mail": notion.prop("email", at("notion/email property", is_told=False).email),
            "Call": notion.prop("phone_number", at("notion/phone property").phone),
            "Sum": notion.prop("formula", {"type": "string", "string": words("notion/formula")}),
            "Owner": notion.prop("people", [notion.ada(name=words("notion/person name"))]),
            f"Ask {at('notion/property name').email} for {at('notion/property name').secret}": notion.prop(
                "checkbox", True
            ),
        },
        url=f"https://www.notion.so/plan?m={at('notion/page url').email}&t={at('notion/page url').secret}",
    )
    red = notion.text(secret[14:])
    red["annotations"] = {**red["annotations"], "color": "red"}
    split = [notion.text(f"key {secret[:14]}"), red]
    blocks = [
        notion.paragraph(words("notion/paragraph")),
        notion.paragraph(*split),
        notion.block("code", words("notion/code"), language="shell"),
        notion.block("bookmark", url=f"https://x.example/{at('notion/bookmark').email}", caption=[]),
        notion.block("to_do", f"Decision: {words('notion/to do')}", checked=True),
    ]
    comment = notion.comment(words("notion/comment"), display_name={"type": "user", "resolved_name": "Ada"})
    return [
        write("notion", "page.content_updated", {"page": page, "blocks": blocks}, key="not-1"),
        write("notion", "comment.created", {"comment": comment}, key="not-2"),
    ]


def _slack_profile(plants: Plants) -> dict[str, Any]:
    words, at = plants.words, plants.at
    return {
        "name": "zoe",
        "real_name": f"Zoe {words('slack/real name')}",
        "display_name": words("slack/display name", is_told=False),
        "title": words("slack/profile title", is_told=False),
        "email": at("slack/profile email", is_told=False).email,
        "phone": at("slack/profile phone", is_told=False).phone,
    }


def _slack_message(plants: Plants, profile: dict[str, Any]) -> dict[str, Any]:
    words = plants.words
    return {
        "type": "message",
        "channel": _CHANNEL,
        "channel_type": "channel",
        "ts": _ROOT,
        "user": "U0ZOE",
        "user_profile": profile,
        "text": f"The till of the pier is broken, see the log. {words('slack/text', is_told=False)}",
        "attachments": [
            {
                "title": words("slack/attachment title"),
                "text": words("slack/attachment text"),
                "footer": words("slack/footer", is_told=False),
                "fields": [{"title": "Who", "value": words("slack/attachment field")}],
            }
        ],
        "files": [{"id": "F1", "mode": "hosted", "title": words("slack/file title")}],
    }


def _slack(write: _Write, plants: Plants) -> list[bytes]:
    words, at = plants.words, plants.at
    profile = _slack_profile(plants)
    message = _slack_message(plants, profile)
    split = at("slack/split in block", is_secret=True).secret
    rich = [{"type": "text", "text": f"Decision: use {split[:10]}"}, {"type": "text", "text": f"{split[10:]} now"}]
    reply = {
        **message,
        "ts": "1772445660.000100",
        "thread_ts": _ROOT,
        "text": "",
        "attachments": [],
        "files": [],
        "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": rich}]}],
    }
    edit = {
        "type": "message",
        "subtype": "message_changed",
        "channel": _CHANNEL,
        "channel_type": "channel",
        "ts": "1772445900.000100",
        "message": {**message, "text": f"Decision: call {words('slack/edited text')}", "attachments": []},
    }
    direct = {**message, "channel": _DIRECT, "channel_type": "im", "text": f"Decision: {words('slack/direct')}"}
    user = {"type": "user_change", "user": {"id": "U0YAN", "name": "yan", "profile": {**profile, "name": "yan"}}}
    body = {"type": "event_callback", "channel_name": words("slack/channel name")}
    return [
        write("slack", "message", {**body, "event_id": "Ev1", "event": message}, key="sl-1"),
        write("slack", "message", {**body, "event_id": "Ev2", "event": reply}, key="sl-2"),
        write("slack", "message", {**body, "event_id": "Ev3", "event": edit}, key="sl-3", at=LATE),
        write("slack", "message", {"type": "event_callback", "event_id": "Ev4", "event": direct}, key="sl-4"),
        write("slack", "user_change", {"type": "event_callback", "event_id": "Ev5", "event": user}, key="sl-5"),
    ]


def _docs(write: _Write, plants: Plants) -> list[bytes]:
    words, at = plants.words, plants.at
    front = (
        f"---\ntitle: {words('docs/front title')}\nauthor: Zoe <{at('docs/front author', is_told=False).email}>\n"
        f"contact: {words('docs/front contact', is_told=False)}\n---\n"
    )
    body = f"# {words('docs/heading')}\n\n{words('docs/body')}\n\n## Decision\n\nWe moor, {words('docs/decision')}.\n"
    author = {"name": words("docs/git name"), "email": at("docs/git email", is_told=False).email}
    path = f"notes/{at('docs/path', is_secret=True).secret}.md"
    page = {"store": "book", "path": path, "content": front + body, "changedAt": EARLY, "author": author}
    rst = f"Tides\n=====\n\nWrite to {at('docs/escaped').email.replace('@', chr(92) + '@')}, {words('docs/rst')}\n"
    owners = f"*  {at('docs/owner').email}\n/notes/ @acme/{words('docs/owners line')}\n"
    pushed = {
        "store": "book",
        "after": "c" * 40,
        "before": "b" * 40,
        "files": [
            {"status": "added", "path": "tides.rst", "content": rst, "changedAt": EARLY, "authors": [author]},
            {"status": "added", "path": "CODEOWNERS", "content": owners, "changedAt": EARLY},
        ],
    }
    edited = {**page, "content": f"# Notes\n\n{words('docs/edited')}\n", "changedAt": LATE}
    return [
        write("docs", "docs.upserted", page, key="doc-1"),
        write("docs", "docs.push", pushed, key="doc-2"),
        write("docs", "docs.upserted", edited, key="doc-3", at=LATE),
    ]


def _broken(write: _Write, plants: Plants) -> list[bytes]:
    at = plants.at
    words = plants.words("broken/body", is_told=False)
    time_ = plants.words("broken/time", is_told=False)
    issue = github.an_issue(number=77, title=words, updated_at=time_)
    page = notion.page(properties={at("broken/property", is_told=False).words: 7})
    names = [at("broken/source", is_told=False), at("broken/line", is_told=False)]
    return [
        write("github", "issues.edited", github.webhook(action="edited", issue=issue), key="br-1"),
        write("notion", "page.content_updated", {"page": page, "blocks": []}, key="br-2"),
        write(
            "docs", "docs.upserted", {"store": "book", "path": f"/{at('broken/path', is_told=False).words}"}, key="br-3"
        ),
        write(names[0].words, "issues.edited", {}, key="br-4"),
        json.dumps({"workspaceId": names[1].words}).encode()[:-3],
    ]
