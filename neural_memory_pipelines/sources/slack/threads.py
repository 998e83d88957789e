"""Threads: put together from their messages, people and channel into documents.

Pure: the parts come from the store, in any number and with any gaps, and the same parts always give the same draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import TITLE_LIMIT_CHARS, Part, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.references import find_references
from neural_memory_pipelines.domain.relations import reference_links
from neural_memory_pipelines.domain.text import clip, first_paragraph
from neural_memory_pipelines.sources.slack.channels import ChannelState, read_channel
from neural_memory_pipelines.sources.slack.mrkdwn import Mention, Rendered, inert, own_words, plain, render
from neural_memory_pipelines.sources.slack.observations import Spoken, Talk, observe
from neural_memory_pipelines.sources.slack.people import SLACKBOT, SOURCE, Person, account_id, read_people
from neural_memory_pipelines.sources.slack.substance import has_substance
from neural_memory_pipelines.sources.slack.thread_messages import ThreadMessage, read_messages

MENTIONS_LIMIT = 200

_TITLE_SEARCH_CHARS = 2_000
_TITLE_SENTENCE_CHARS = 12
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]{0,2}(?=\s)")
_ADDRESS_END = re.compile(r"[\s,:]{1,8}(?:(?:and|&)[ \t]{1,4})?")
_CALL_FOR_ALL = re.compile(r"<!(?:channel|everyone)(?:\|[^<>]*)?>")


def assemble(source_id: str, parts: Sequence[Part], context: Sequence[Part]) -> SourceDraft | Skip:
    """Put a thread together.

    Args:
        source_id: "<channel id>/<time of the first message>".
        parts: its messages and people, in any order.
        context: what is known of its channel.

    Returns:
        The thread as a document, or why there is nothing to keep: its channel or all of its messages were deleted,
        only bots spoke, or nobody said anything of substance.
    """
    channel = read_channel(source_id.partition("/")[0], context)
    people = read_people(parts)
    messages = [message for message in read_messages(parts, people) if message.ts not in channel.gone]
    if channel.is_deleted or not messages:
        why = "its channel was deleted" if channel.is_deleted else "no message is left"
        return Skip(SkipReason.EMPTY, detail=f"{source_id}: {why}")
    spoken = [message for message in messages if not message.is_bot]
    if not spoken:
        return Skip(SkipReason.BOT_AUTHOR, detail=messages[0].name)
    if not any(has_substance(message.text, message.attachments, message.files) for message in spoken):
        return Skip(SkipReason.TRIVIAL, detail=source_id)
    return _Thread(source_id, channel, people, messages).draft(max(part.as_of for part in (*parts, *context)))


@dataclass(frozen=True, slots=True)
class _Thread:
    """A thread of substance on its way to a draft. `messages` are in order."""

    source_id: str
    channel: ChannelState
    people: Mapping[str, Person]
    messages: Sequence[ThreadMessage]

    def draft(self, as_of: datetime) -> SourceDraft:
        rendered = [self._rendered(message) for message in self.messages]
        title = self._title(rendered)
        body, mentions = self._body(title, rendered)
        author, accounts = self._accounts()
        return SourceDraft(
            source=SOURCE,
            source_id=self.source_id,
            type="thread" if len(self.messages) > 1 else "message",
            title=title,
            body=body,
            occurred_at=self.messages[-1].at,
            as_of=as_of,
            state="archived" if self.channel.is_archived else None,
            author=author,
            accounts=accounts,
            handles=tuple(handle for handle in self._handles() if handle != document_handle(SOURCE, self.source_id)),
            links=(*self._references(body), *self._mentions(mentions)),
            privacy=self.channel.privacy,
            metadata=self._metadata(),
            observations=observe(self._talk(title, rendered)),
        )

    def _rendered(self, message: ThreadMessage) -> Rendered:
        """Show a message with what hangs on it, without its head."""
        files = f"Files: {', '.join(inert(name) for name in message.files)}" if message.files else ""
        markdown, mentions = "", list[Mention]()
        for text in (message.text, *message.attachments):
            piece = render(text, self._name_of)
            if not piece.markdown.strip():
                continue
            markdown += "\n\n" if markdown else ""
            offset = len(markdown)
            mentions += [Mention(m.user_id, m.start + offset, m.end + offset) for m in piece.mentions]
            markdown += piece.markdown
        return Rendered("\n\n".join(filter(None, (markdown, files))), tuple(mentions))

    def _name_of(self, user_id: str, label: str | None) -> str:
        person = self.people.get(user_id)
        return (person.name if person else None) or label or user_id

    def _title(self, rendered: Sequence[Rendered]) -> str:
        """Name the thread by its channel and the first sentence in it."""
        for message in rendered:
            start = _unaddressed(message)[:_TITLE_SEARCH_CHARS]
            own = "\n\n".join(words for _, words in own_words(start))
            if words := plain(first_paragraph(own or start)).strip():
                end = _SENTENCE_END.search(words, _TITLE_SENTENCE_CHARS)
                return clip(f"{self.channel.label}: {words[: end.end()] if end else words}", TITLE_LIMIT_CHARS)
        return clip(f"{self.channel.label}: {self.messages[0].name}, {self.messages[0].at:%Y-%m-%d}", TITLE_LIMIT_CHARS)

    def _body(self, title: str, rendered: Sequence[Rendered]) -> tuple[str, list[Mention]]:
        """Write the messages below each other, each headed by who wrote it and when."""
        pieces, mentions = [f"# {title}"], list[Mention]()
        size = len(pieces[0])
        for message, shown in zip(self.messages, rendered, strict=True):
            head = f"\n\n**{_bold(message.name)}** ({message.at:%Y-%m-%d %H:%M} UTC):\n"
            offset = size + len(head)
            mentions += [Mention(m.user_id, m.start + offset, m.end + offset) for m in shown.mentions]
            pieces += [head, shown.markdown]
            size = offset + len(shown.markdown)
        return "".join(pieces), mentions

    def _accounts(self) -> tuple[Account | None, tuple[Account, ...]]:
        """Give the first person who spoke, if Slack says who that was, and all others who did or are named."""
        speakers = [message.account for message in self.messages]
        named = [person.account() for person in self.people.values() if person.name]
        author = next((account for account in speakers if account and not account.is_bot), None)
        found: dict[str, Account] = {}
        for account in (*speakers, *named):
            if account and (author is None or account.provider_id != author.provider_id):
                found.setdefault(account.provider_id, account)
        return author, tuple(found.values())

    def _handles(self) -> Iterator[str]:
        """Name the messages: a link to any of them is one to the thread."""
        for message in self.messages:
            yield document_handle(SOURCE, f"{self.channel.id}/{message.ts}")

    def _references(self, body: str) -> list[LinkDraft]:
        """Link what the messages refer to, each at the first place, but not the thread itself."""
        own = {document_handle(SOURCE, self.source_id), *self._handles()}
        messages_start = body.index("\n")
        said = (found for found in find_references(body) if found.start > messages_start)
        return reference_links(((found.handle, found.start, found.end) for found in said), own=own)

    def _mentions(self, mentions: Sequence[Mention]) -> list[LinkDraft]:
        """Link the people whom the thread names, each at the first place; bots are no people."""
        bots = {message.speaker.id for message in self.messages if message.speaker and message.is_bot} | {SLACKBOT}
        bots |= {person.id for person in self.people.values() if person.is_bot}
        first = {mention.user_id: mention for mention in reversed(mentions) if mention.user_id not in bots}
        return [
            LinkDraft(
                EdgeType.MENTIONS,
                NodeRef(NodeKind.PERSON, account_id(mention.user_id)),
                start=mention.start,
                end=mention.end,
            )
            for mention in list(reversed(first.values()))[:MENTIONS_LIMIT]
        ]

    def _metadata(self) -> dict[str, Json]:
        metadata: dict[str, Json] = {
            "channel": self.channel.id,
            "channel_name": self.channel.name,
            "participants": sorted(self._participants()),
            "message_count": len(self.messages),
        }
        return {key: value for key, value in metadata.items() if value is not None}

    def _participants(self) -> set[str]:
        return {message.speaker.id for message in self.messages if message.speaker and not message.is_bot}

    def _talk(self, title: str, rendered: Sequence[Rendered]) -> Talk:
        shown = zip(self.messages, rendered, strict=True)
        return Talk(
            source_id=self.source_id,
            title=title,
            messages=[Spoken(text.markdown, message.at) for message, text in shown if not message.is_bot],
            message_count=len(self.messages),
            participants=len(self._participants()),
            privacy=self.channel.privacy,
            is_for_all=any(_CALL_FOR_ALL.search(message.text) for message in self.messages if not message.is_bot),
        )


def _unaddressed(message: Rendered) -> str:
    """Leave out the names of those whom a message is addressed to, at its start."""
    start = 0
    for mention in message.mentions:
        if mention.start > start:
            break
        found = _ADDRESS_END.match(message.markdown, mention.end)
        start = found.end() if found else mention.end
    return message.markdown[start:]


def _bold(name: str) -> str:
    return inert(name.replace("*", ""))
