"""E-mail addresses, as they stand in texts, links and version control.

What only looks like one is left: remotes of git, mentions, versions of packages, names of files, accounts on hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neural_memory_pipelines.domain.redaction.spans import Span

EMAIL = "email"

_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"
_LOCAL_CHARS = rf"[{_LETTER}0-9._%+'-]"
_MAX_LOCAL_CHARS = 64  # RFC 5321, 4.5.3.1.1
# The last label is shaped like a top-level domain, reserved ones (RFC 2606) included.
_DOMAIN = (
    rf"(?:[{_LETTER}0-9-]{{1,63}}\.){{1,8}}(?:[A-Za-z]{{2,24}}|xn--[A-Za-z0-9-]{{2,59}})"
    rf"(?![{_LETTER}0-9])(?!-[A-Za-z0-9])"
)
_BOT_MARK = "[bot]"  # as in "dependabot[bot]@users.noreply.github.com"
_AT_DOMAIN = re.compile(rf"@({_DOMAIN})")
_ESCAPED_AT_DOMAIN = re.compile(rf"%40({_DOMAIN})")
_REVERSED_LOCAL = re.compile(rf"{_LOCAL_CHARS}{{1,{_MAX_LOCAL_CHARS}}}")
# "<ada at acme.example>", as archives of mailing lists write it; "ada [at] acme [dot] example".
_ARCHIVED = re.compile(rf"<({_LOCAL_CHARS}{{1,64}} at {_DOMAIN})>")
_DOT = r" ?(?:\.|[(\[] ?dot ?[)\]]) ?"
_BRACKETED = re.compile(rf"[(\[]at[)\]] ?[{_LETTER}0-9-]{{1,63}}(?:{_DOT}[{_LETTER}0-9-]{{2,63}}){{1,6}}")
_VERSION = re.compile(r"v?\d+\.\d|\d+x\.")
# Endings of files and units that no domain has; those that are countries too (py, rs, sh, md) count as domains.
_NO_DOMAIN = re.compile(
    r"png|jpe?g|gif|svg|webp|ico|css|json|txt|html?|ya?ml|[cm]?js|[jt]sx|lock|t?gz|whl|jar|xml|toml|ini|cfg|exe|dll"
    r"|patch|diff|log|sql|service|socket|timer|mount|target|slice|scope",
    re.IGNORECASE,
)
_PATH_OF_REMOTE = re.compile(r":(?!//)(?:[\w.~-]{1,100}/|[\w.-]{1,100}\.git\b|/)")
_USER_OF_LINK = re.compile(r"://[^\s/?#@]{0,128}:\Z")
_REMOTE_SHELL = re.compile(r"\b(?:ssh|scp|sftp|mosh|ssh-copy-id|autossh)(?:[ \t]+-\w+(?:[ \t]+[^\s@-]\S*)?)*[ \t]+\Z")
_REACH_BACK_CHARS = 160


def find_emails(text: str) -> Iterator[Span]:
    """Find the addresses of a text: local part, "@" (also as "%40", "(at)" or, in angle brackets, " at "), domain."""
    if "@" in text:
        yield from _addresses(text, _AT_DOMAIN)
    if "%40" in text:
        yield from _addresses(text, _ESCAPED_AT_DOMAIN)
    if " at " in text:
        yield from (Span(*found.span(1), EMAIL) for found in _ARCHIVED.finditer(text))
    if "(at)" in text or "[at]" in text:
        yield from _bracketed(text)


def _addresses(text: str, at_domain: re.Pattern[str]) -> Iterator[Span]:
    for found in at_domain.finditer(text):
        start = _local_start(text, found.start())
        if start < found.start() and _is_address(text, start, found):
            yield Span(start, found.end(), EMAIL)


def _local_start(text: str, end: int) -> int:
    """Find where the local part that ends there begins; `end` itself if there is none."""
    before = text[max(0, end - _MAX_LOCAL_CHARS) : end]
    bot = before.endswith(_BOT_MARK)
    local = _REVERSED_LOCAL.match(before[::-1], len(_BOT_MARK) if bot else 0)
    if local is None:
        return end
    spelled = before[len(before) - local.end() :]
    return end - len(spelled.lstrip("'.-%"))


def _is_address(text: str, start: int, found: re.Match[str]) -> bool:
    domain = found[1]
    if text.endswith(("//", "@"), 0, start) or _USER_OF_LINK.search(text, max(0, start - _REACH_BACK_CHARS), start):
        return False  # the account in an address of the web, or a handle such as @ada@social.example
    if _VERSION.match(domain) or _NO_DOMAIN.fullmatch(domain.rpartition(".")[2]) or not _has_labels(domain):
        return False
    if text.startswith("(", found.end()) or _PATH_OF_REMOTE.match(text, found.end()):
        return False  # a call in code; a remote such as git@host:path
    return not _REMOTE_SHELL.search(text, max(0, start - _REACH_BACK_CHARS), start)


def _has_labels(domain: str) -> bool:
    return not any(label.startswith("-") or label.endswith("-") for label in domain.split("."))


def _bracketed(text: str) -> Iterator[Span]:
    for found in _BRACKETED.finditer(text):
        end = found.start() - text.endswith(" ", 0, found.start())
        start = _local_start(text, end)
        if start < end:
            yield Span(start, found.end(), EMAIL)
