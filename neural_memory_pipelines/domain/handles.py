"""Handles: the canonical spelling of the names by which texts point at documents.

A reference and the document that it means meet when both spell the same handle. Finding references is up to
`references.py`.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

# Fragments that name a thing of their own, and not a place within a page.
_OWN_FRAGMENT = re.compile(
    r"issuecomment-\d+|discussion_r\d+|pullrequestreview-\d+|discussioncomment-\d+|comment-[\w-]+"
)
_NOTION_HOST = re.compile(r"(?:^|\.)notion\.(?:so|site|com)$")
_NOTION_ID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$", re.IGNORECASE)
_SLACK_PATH = re.compile(r"/archives/([CDG][A-Z0-9]+)/p(\d{10})(\d{6})$")


def document_handle(source: str, source_id: str) -> str:
    """Spell the handle of the document that a source calls `source_id`: "github:acme/shop#12"."""
    return f"{source}:{source_id}".lower()


def url_handle(url: str) -> str | None:
    """Spell the handle of an address; None if it is none of the web.

    Scheme, "www.", query, trailing slash and case make no difference, and neither does a fragment that names a place
    within a page. Addresses of Notion and Slack, which come in many spellings, become handles of their documents.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    if _NOTION_HOST.search(host) and (found := _NOTION_ID.search(parts.path)):
        return f"notion:{'-'.join(found.groups())}".lower()
    if host.endswith(".slack.com") and (message := _SLACK_PATH.match(parts.path)):
        thread = parse_qs(parts.query).get("thread_ts", [f"{message[2]}.{message[3]}"])[0]
        return f"slack:{message[1]}/{thread}".lower()
    fragment = f"#{parts.fragment}" if _OWN_FRAGMENT.fullmatch(parts.fragment) else ""
    return f"url:{host}{unquote(parts.path).rstrip('/')}{fragment}".lower()
