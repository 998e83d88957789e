"""What attachments, blocks and files of a message say, as text in Slack's own markup.

These objects have many forms and new ones appear: what is not understood is passed over, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from neural_memory_pipelines.domain.documents import storable

_DEPTH_LIMIT = 8
_GONE_FILE_MODES = frozenset({"tombstone", "hidden_by_limit"})
_UNFURL_KEYS = ("from_url", "original_url")
_URL = re.compile(r"https?://[^\s<>|]+")
_NOT_IN_BRACKETS = str.maketrans("<>|", "()/")
_STYLES = {"code": "`", "bold": "*", "italic": "_", "strike": "~"}


def attachment_text(attachment: Mapping[str, Any]) -> str:
    """Read an attachment: of an unfurled link its title and address alone, of any other all that a reader sees."""
    if is_unfurl(attachment):
        return _unfurl(attachment)
    title, link = _string(attachment, "title"), _string(attachment, "title_link")
    head = f"<{link}|{_label(title)}>" if title and _URL.fullmatch(link) else title
    fields = attachment.get("fields")
    lines = [
        _string(attachment, "pretext"),
        head,
        _string(attachment, "text"),
        *(_field(field) for field in _objects(fields)),
        blocks_text(_objects(attachment.get("blocks"))),
    ]
    return "\n".join(line for line in lines if line.strip()) or _string(attachment, "fallback")


def is_unfurl(attachment: Mapping[str, Any]) -> bool:
    """Tell what Slack added because the message holds a link; it repeats what stands elsewhere."""
    return any(_string(attachment, key) for key in _UNFURL_KEYS)


def attachment_texts(attachments: Sequence[Mapping[str, Any]] | None) -> list[str]:
    """Read the attachments of a message, those that say something."""
    texts = (attachment_text(attachment).strip() for attachment in attachments or ())
    return [text for text in texts if text]


def file_names(files: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the files of a message that are still there."""
    names = (
        " ".join((_string(file, "title") or _string(file, "name")).split())
        for file in files
        if file.get("mode") not in _GONE_FILE_MODES
    )
    return [name for name in names if name]


def blocks_text(blocks: Sequence[Mapping[str, Any]] | None) -> str:
    """Read the text of blocks, a line or more each."""
    pieces: list[str] = []
    for block in blocks or ():
        line = "".join(_pieces(block, _DEPTH_LIMIT))
        if line.strip():
            pieces.append(line.strip("\n"))
    return "\n".join(pieces)


def _pieces(element: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Give the texts of a block or element and of all within it, in order.

    Source: https://docs.slack.dev/reference/block-kit/blocks and .../blocks/rich-text-block
    """
    kind = element.get("type")
    if depth == 0 or not isinstance(kind, str):
        return
    if (leaf := _leaf(kind, element)) is not None:
        yield leaf
        return
    text = element.get("text")
    if isinstance(text, Mapping):
        yield from _pieces(text, depth - 1)
        yield "\n"
    below = [*_objects(element.get("fields")), *_objects(element.get("elements"))]
    opening, closing, between = _FRAMES.get(kind, ("", "", ""))
    for child in below:
        yield opening
        yield from _pieces(child, depth - 1)
        yield closing or between


_FRAMES = {
    "section": ("", "\n", ""),
    "context": ("", "", " "),
    "rich_text": ("", "\n", ""),
    "rich_text_list": ("- ", "\n", ""),
    "rich_text_preformatted": ("```", "```", ""),
}
"""What stands before, after and between the elements of a block."""


def _leaf(kind: str, element: Mapping[str, Any]) -> str | None:
    text = _string(element, "text")
    if kind in {"mrkdwn", "markdown"}:
        return text
    if kind == "plain_text":
        return _escaped(text)
    if kind == "text":
        return _styled(_escaped(text), element.get("style"))
    if kind == "link":
        url = _string(element, "url")
        return (f"<{url}|{_label(text)}>" if text else f"<{url}>") if _URL.fullmatch(url) else _escaped(text)
    return _mention(kind, element)


def _mention(kind: str, element: Mapping[str, Any]) -> str | None:
    if kind == "user":
        return f"<@{_label(_string(element, 'user_id'))}>"
    if kind == "channel":
        return f"<#{_label(_string(element, 'channel_id'))}>"
    if kind == "broadcast":
        return f"<!{_label(_string(element, 'range'))}>"
    if kind == "emoji":
        return f":{_label(_string(element, 'name'))}:"
    return None


def _styled(text: str, style: object) -> str:
    if not isinstance(style, Mapping) or not text.strip() or "\n" in text:
        return text
    inner = text.strip()
    for name, mark in _STYLES.items():
        if style.get(name) is True:
            inner = f"{mark}{inner}{mark}"
    before, _, after = text.partition(text.strip())
    return f"{before}{inner}{after}"


def _unfurl(attachment: Mapping[str, Any]) -> str:
    url = next(filter(None, (_string(attachment, key) for key in _UNFURL_KEYS)), "")
    if not _URL.fullmatch(url):
        return ""
    # The text of another message may come from a channel that fewer people may read: it stays where it was said.
    title = "" if attachment.get("is_msg_unfurl") else _label(_string(attachment, "title"))
    return f"<{url}|{title}>" if title else f"<{url}>"


def _field(field: Mapping[str, Any]) -> str:
    title, value = _string(field, "title"), _string(field, "value")
    return f"{title}: {value}" if title and value else title or value


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _string(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return storable(found) if isinstance(found, str) else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _label(text: str) -> str:
    """Make a text fit for the inside of angle brackets."""
    return " ".join(text.translate(_NOT_IN_BRACKETS).split())
