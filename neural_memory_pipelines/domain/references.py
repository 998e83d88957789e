"""References: the places in a text that name another document, found by rule.

Only prose counts: what stands in code or in a comment that no reader sees names nothing. What a reference means for
the two documents is up to the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.domain.prose import BLANK, Prose, read_prose

_ADDRESS_LIMIT_CHARS = 2_000
_OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
_NAME = r"[A-Za-z0-9_.-]{1,100}"
_NUMBER = r"[1-9][0-9]{0,8}"
_SHA = r"[0-9a-f]{40}"
# Whole words: an underscore at the end may be emphasis.
_WORD_START = r"(?<![^\W_])(?<![^\W_]_)(?<![/.&#@-])(?<!\]\()"
_WORD_END = r"(?!_*[^\W_])"
_URL_CHARS = rf"[^\s<>()\[\]{{}}\"`|\\^{BLANK}]+"
_REFERENCE = re.compile(
    rf"(?P<url>https?://(?:{_URL_CHARS}|\({_URL_CHARS}\))+)"
    rf"|{_WORD_START}(?P<repository>{_OWNER}/{_NAME})?(?:\#(?P<number>{_NUMBER})|@(?P<at>{_SHA})){_WORD_END}"
    rf"|{_WORD_START}(?:GH-(?P<gh>{_NUMBER})|(?P<ticket>[A-Z][A-Z0-9]{{1,9}}-[1-9][0-9]{{0,6}}(?!\.[0-9]))"
    rf"|(?P<sha>{_SHA})){_WORD_END}(?!-)"
)
_LINK = re.compile(r"(?<![!\\])\[(?P<label>[^\[\]]{1,300})\]\([ \t]{0,8}<?(?P<address>https?://)", re.IGNORECASE)
_HINT = re.compile(r"#[1-9]|://|[A-Z0-9]-[1-9]|[0-9a-f]{40}")
_TRAILING_MARKS = "?!.,:;*_~'\""
# "docs/setup.md#3" is a place in a file.
_FILE_NAME = re.compile(r"\.(?:adoc|html?|md|mdx|rst|txt)$", re.IGNORECASE)
_NOT_A_TICKET = re.compile(
    r"(?:AES|ANSI|ARM|BASE|BCP|BIP|BLAKE|COVID|CP|CRC|CVE|CWE|DDR|DES|ECDSA|ECMA|EIP|ERC|ES|FIPS|FY|GPT|HMAC|HTTP|IA|IEC"
    r"|IEEE|IPV|ISO|JDK|JEP|JSR|MD|MPEG|NIST|PDP|PEP|PKCS|PYTHON|RFC|RIPEMD|RSA|SHA[23]?|SSE|SSL|TLS|UCS|U?INT|USB|UTC|UTF"
    r"|WIN|WINDOWS|X86|[HQ][1-4])-[0-9]+"
)
_GITHUB_URL = re.compile(
    rf"https?://(?:www\.)?github\.com/(?P<repository>{_OWNER}/{_NAME})/"
    rf"(?:(?:issues|pull|discussions)/(?P<number>{_NUMBER})(?:[/?][^#]*)?(?:\#(?P<fragment>.*))?"
    rf"|commit/(?P<sha>{_SHA})(?:[/?#].*)?"
    rf"|releases/tag/(?P<tag>[^/?#]+)(?:[?#].*)?)$",
    re.IGNORECASE,
)
_OWN_FRAGMENT = re.compile(
    r"(?P<kind>issuecomment-|(?:discussion_)?r|pullrequestreview-|discussioncomment-)(?P<id>[1-9][0-9]{0,18})$"
)
_PART_OF_FRAGMENT: Mapping[str, str] = {
    "issuecomment-": "comment",
    "discussion_r": "review-comment",
    "r": "review-comment",
    "pullrequestreview-": "review",
    "discussioncomment-": "discussion-comment",
}
_LINEAR_URL = re.compile(
    r"https?://linear\.app/[\w.-]+/issue/(?P<ticket>[A-Z][A-Z0-9]{0,9}-[1-9][0-9]{0,6})(?:/[^#]*)?(?:#(?!comment-).*)?$",
    re.IGNORECASE,
)
_CLOSABLE_URL = re.compile(
    rf"https?://[^\s/]+/(?:{_OWNER}/{_NAME}/(?:issues|pull)/{_NUMBER}/?$|[\w.-]+/issue/[A-Z][A-Z0-9]{{0,9}}-[1-9])",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"(?<![^\W_])(?<!-)(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]{1,8}\Z", re.IGNORECASE)
_CLOSING_ENDS = (":", "d", "D", "e", "E", "s", "S", "x", "X")
_CLOSING_REACH_CHARS = 24


@dataclass(frozen=True, slots=True)
class Reference:
    """A place that names another document.

    Attributes:
        handle: of what is named, see `handles.py`; "linear:<ticket>" for ABC-12, which may name nothing at all.
        start, end: where it stands in the text, in characters, without the keyword.
        closes: it stands after a closing keyword, as GitHub defines them.
        source_id: what is named in the spelling of the text ("Acme/Shop#12"); "" for an address of no known source.
    """

    handle: str
    start: int
    end: int
    closes: bool = False
    source_id: str = field(default="", compare=False)


def find_references(markdown: str, *, repository: str | None = None) -> tuple[Reference, ...]:
    """Find the references of a text, in order, without overlaps.

    Found are `#12`, `GH-12`, `owner/repo#12`, `owner/repo@<sha>` and a full sha, as GitHub links them; tickets such as
    `ABC-12`, unless they begin like a well-known standard (UTF-8); and addresses, of which those of GitHub's threads,
    comments, commits and releases and of Linear's issues become handles of their documents.

    A reference closes if one of GitHub's keywords stands right before it, in the author's own words: for `#12`,
    `owner/repo#12`, addresses of issues and pull requests, and tickets (Linear reads the same keywords).

    Args:
        markdown: the text; code, fences and HTML comments are passed over. In the words of a link to an address of the
            web, only what the address means too is a reference: "[#12](https://tracker.example/12)" is no issue 12.
        repository: owner/repo that a bare number or sha belongs to; None where such a thing names nothing.

    Source: https://docs.github.com/en/issues/tracking-your-work-with-issues, "Linking a pull request to an issue";
        https://docs.github.com/en/get-started/writing-on-github, "Autolinked references and URLs".
    """
    if not _HINT.search(markdown):
        return ()
    prose = read_prose(markdown)
    found: list[Reference] = []
    for match in _REFERENCE.finditer(prose.text):
        reference = (
            _of_url(match, prose, repository=repository)
            if match["url"]
            else _of_name(match, prose, repository=repository)
        )
        if reference is not None:
            found.append(reference)
    return tuple(_without_other_names(found, prose.text) if "](" in prose.text else found)


def _without_other_names(found: list[Reference], text: str) -> list[Reference]:
    """Leave out what the words of a link name if its address says that they mean something else."""
    by_start = {reference.start: reference.handle for reference in found}
    links = _LINK.finditer(text)
    link = next(links, None)
    kept: list[Reference] = []
    for reference in found:
        while link and link.end("label") <= reference.start:
            link = next(links, None)
        is_within = link is not None and link.start("label") <= reference.start
        if link is None or not is_within or by_start.get(link.start("address")) == reference.handle:
            kept.append(reference)
    return kept


def _of_name(match: re.Match[str], prose: Prose, *, repository: str | None) -> Reference | None:
    start, end = match.span()
    if ticket := match["ticket"]:
        if _NOT_A_TICKET.fullmatch(ticket):
            return None
        return Reference(document_handle("linear", ticket), start, end, _closes(prose, start), ticket)
    named = match["repository"]
    if named and _FILE_NAME.search(named):
        return None
    named = _own_spelling(named, repository)
    sha, number = match["at"] or match["sha"], match["number"] or match["gh"]
    if named is None or (match["at"] and not match["repository"]):
        return None
    source_id = f"{named}@{sha}" if sha else f"{named}#{number}"
    closes = match["number"] is not None and _closes(prose, start)
    return Reference(document_handle("github", source_id), start, end, closes, source_id)


def _of_url(match: re.Match[str], prose: Prose, *, repository: str | None) -> Reference | None:
    start = match.start()
    # The address of a markdown link ends where the link says; any other leaves out the marks of its sentence.
    is_destination = prose.text[max(start - 3, 0) : start].endswith(("](", "](<", "]( "))
    address = match["url"] if is_destination else match["url"].rstrip(_TRAILING_MARKS)
    if len(address) > _ADDRESS_LIMIT_CHARS:
        return None
    handle, source_id = _named_by(address, repository=repository)
    if handle is None:
        return None
    closes = _CLOSABLE_URL.match(address) is not None and _closes(prose, start)
    return Reference(handle, start, start + len(address), closes, source_id)


def _named_by(address: str, *, repository: str | None) -> tuple[str | None, str]:
    """Spell the handle of an address and the source id behind it."""
    if found := _GITHUB_URL.match(address):
        source_id = _github_source_id(found, repository=repository)
        return document_handle("github", source_id), source_id
    if found := _LINEAR_URL.match(address):
        return document_handle("linear", found["ticket"]), found["ticket"].upper()
    return url_handle(address), ""


def _github_source_id(found: re.Match[str], *, repository: str | None) -> str:
    named = _own_spelling(found["repository"], repository)
    if found["sha"]:
        return f"{named}@{found['sha']}"
    if found["tag"]:
        return f"{named}@{unquote(found['tag'])}"
    part = _OWN_FRAGMENT.match(found["fragment"] or "")
    below = f"/{_PART_OF_FRAGMENT[part['kind']]}/{part['id']}" if part else ""
    return f"{named}#{found['number']}{below}"


def _own_spelling(named: str | None, repository: str | None) -> str | None:
    # GitHub does not tell cases apart in names; our ids do.
    is_own = repository is not None and (named is None or named.lower() == repository.lower())
    return repository if is_own else named


def _closes(prose: Prose, start: int) -> bool:
    before = prose.own[max(start - _CLOSING_REACH_CHARS, 0) : start]
    # Few references stand after a word with such an end: the pattern is asked for those alone.
    return before.rstrip(" \t").endswith(_CLOSING_ENDS) and _CLOSING.search(before) is not None
