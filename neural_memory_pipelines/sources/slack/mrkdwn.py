"""Slack's markup, turned into markdown that means the same, with the places where it names people.

Knows no payload. What the text is about is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from neural_memory_pipelines.domain.blocks import Kind, scan_blocks

NameOf = Callable[[str, str | None], str]
"""Given the id of a user and the name that the markup itself carries, if any: the name to show."""

# While the marks of a text are turned, what must stay as it is waits under a number between these two.
_HELD, _END = "\ue000", "\ue001"
_RESERVED = re.compile(f"[{_HELD}{_END}]")
_PLACE = re.compile(f"{_HELD}([0-9]+){_END}")

_FENCE = re.compile(r"```(.*?)```", re.DOTALL)
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_TOKEN = re.compile(r"<([^<>\n]+)>")
_BOLD = re.compile(r"(?<![\w*])\*(?![\s*])([^*\n]*[^*\s])\*(?![\w*])")
_STRIKE = re.compile(r"(?<![\w~])~(?![\s~])([^~\n]*[^~\s])~(?![\w~])")
_BULLET = re.compile(r"^([ \t]*)[•◦▪]\uFE0E?[ \t]+", re.MULTILINE)
# What would begin a block of markdown where Slack shows plain words: headings, rules, fences.
_BLOCK_MARK = re.compile(r"^([ \t]*)(?=#{1,6}[ \t\n]|#{1,6}\Z|`{3}|~{3}|=+[ \t]*$|-+[ \t]*$)", re.MULTILINE)
_LABELLED = re.compile(r"\[((?:[^\[\]\\\n]|\\.){0,300})\]\([^()\n]{0,3000}\)")
_QUOTE_END = re.compile(r"^([ \t]*>[^\n]*)\n(?=[^>\n])", re.MULTILINE)
_PLAIN_MARKS = re.compile(r"\*\*|~~|`+|\\(?=[\[\]#!`~=-])")
_URL = re.compile(r"[a-z][a-z0-9+.-]{0,30}:", re.IGNORECASE)
_UNSAFE_IN_URL = {ord(sign): f"%{ord(sign):02X}" for sign in " <>`"}
_BLOCK_SIGNS = frozenset("#=-~>+*")
_BACKTICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that names a user: `markdown[start:end]`."""

    user_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as markdown, and who is named in it, in order."""

    markdown: str
    mentions: tuple[Mention, ...]


def render(text: str, name_of: NameOf) -> Rendered:
    """Turn a text of Slack into markdown.

    Source: https://docs.slack.dev/messaging/formatting-message-text
    """
    work = _Rendering(name_of)
    held = _FENCE.sub(work.hold_fence, _RESERVED.sub("\ufffd", text))
    held = _INLINE_CODE.sub(work.hold_code, held)
    held = _TOKEN.sub(work.hold_token, held)
    held = _BOLD.sub(r"**\1**", held)
    held = _STRIKE.sub(r"~~\1~~", held)
    held = unescape_text(held)
    held = _BULLET.sub(r"\1- ", _QUOTE_END.sub("\\1\n\n", held))
    held = _BLOCK_MARK.sub(r"\1\\", held).replace("<!--", "<\\!--")
    return work.release(held)


def plain(markdown: str) -> str:
    """Take the marks off a markdown text that `render` gave: links become their labels."""
    return _PLAIN_MARKS.sub("", _LABELLED.sub(r"\1", markdown))


def own_words(markdown: str) -> list[tuple[Kind, str]]:
    """List the paragraphs and list items of a text with their kind, without code and without what is quoted."""
    blocks = [
        (block.kind, _unquoted(markdown[block.start : block.content_end]))
        for block in scan_blocks(markdown)
        if block.kind in {Kind.PARAGRAPH, Kind.ITEM}
    ]
    return [(kind, words) for kind, words in blocks if words.strip()]


def unescape_text(text: str) -> str:
    """Put the three characters back that Slack escapes, and no other.

    "&amp;lt;" is "&lt;" as somebody typed it.
    """
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unquoted(words: str) -> str:
    return "\n".join(line for line in words.split("\n") if not line.lstrip().startswith(">"))


@dataclass(slots=True)
class _Rendering:
    """One text on its way to markdown. `held` are the finished pieces: markdown, and the user whom they name."""

    name_of: NameOf
    held: list[tuple[str, str | None, bool]] = field(default_factory=list)

    def hold_fence(self, match: re.Match[str]) -> str:
        code = unescape_text(_TOKEN.sub(self._bare, match[1])).strip("\n")
        if not code.strip():
            return match[0].replace("`", "'")
        fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(code)), default=0))
        return self._hold(f"{fence}\n{code}\n{fence}", is_block=True)

    def hold_code(self, match: re.Match[str]) -> str:
        return self._hold(f"`{unescape_text(_TOKEN.sub(self._bare, match[1]))}`")

    def hold_token(self, match: re.Match[str]) -> str:
        words, user_id = self._token(match[1])
        return self._hold(words, user_id)

    def release(self, text: str) -> Rendered:
        """Put the held pieces back, fences on lines of their own, and note where they name somebody."""
        out: list[str] = []
        mentions: list[Mention] = []
        size, fenced = 0, False

        def put(words: str) -> None:
            nonlocal size
            out.append(words)
            size += len(words)

        for at, piece in enumerate(_PLACE.split(text)):
            words, user_id, is_block = (piece, None, False) if at % 2 == 0 else self.held[int(piece)]
            if not words:
                continue
            if (is_block or fenced) and size and not out[-1].endswith("\n") and not words.startswith("\n"):
                put("\n")
            if user_id:
                mentions.append(Mention(user_id, size, size + len(words)))
            put(words)
            fenced = is_block
        return Rendered("".join(out), tuple(mentions))

    def _hold(self, words: str, user_id: str | None = None, *, is_block: bool = False) -> str:
        self.held.append((words, user_id, is_block))
        return f"{_HELD}{len(self.held) - 1}{_END}"

    def _bare(self, match: re.Match[str]) -> str:
        """Show a token within code, where nothing but the words of it can stand."""
        address, _, label = match[1].partition("|")
        return self._token(match[1])[0] if address[:1] in {"@", "#", "!"} else label or address

    def _token(self, token: str) -> tuple[str, str | None]:
        """Show what stands in angle brackets, and say whom it names."""
        token = _PLACE.sub(lambda place: " ".join(self.held[int(place[1])][0].split()), token)
        address, _, label = (unescape_text(part).strip() for part in token.partition("|"))
        sign, name = address[:1], address[1:]
        if sign == "@" and name:
            return f"@{inert(self.name_of(name, label.removeprefix('@') or None))}", name
        if sign == "#" and name:
            return f"#{inert(label.removeprefix('#') or name)}", None
        if sign == "!" and name:
            return inert(label or f"@{name.rpartition('^')[2]}"), None
        return _link(address, label), None


def inert(words: str) -> str:
    """Take from a name or label what would begin a block of markdown."""
    shown = words.replace("`", "'").replace("<!--", "<\\!--")
    return f"\\{shown}" if shown[:1] in _BLOCK_SIGNS else shown


def _link(address: str, label: str) -> str:
    scheme = address.partition(":")[0].lower()
    if scheme in {"mailto", "tel"} or not _URL.match(address):
        return inert(label or address.partition(":")[2] or address)
    url = address.translate(_UNSAFE_IN_URL)
    if not label or label == address:
        return url
    shown = inert(label).replace("[", "\\[").replace("]", "\\]")
    return f"[{shown}]({url.replace('(', '%28').replace(')', '%29')})"
