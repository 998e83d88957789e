"""Which real files are labelled: drawn with a seed, and all files of a few rare shapes.

What the files state is in `labels/`; nothing here looks at what the pipeline finds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

SEED = 20261122
GITHUB_EVENTS = (
    "discussion",
    "discussion_comment",
    "issue_comment",
    "issues",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "release",
)
PAYLOADS_AN_EVENT = 3
PROPOSALS = 12
RARE_PROPOSALS_READ_WHOLE = 10
PAGES = 20

RARE_HEADERS = ("Superseded-By:", "Replaces:", "Requires:")
HEADERS_EXPLAINED = ("peps/pep-0001.rst", "peps/pep-0012.rst")
"""They show the rare headers in examples, which state nothing."""
HARD_TO_READ = ("peps/pep-0402.rst",)
"""It names itself, names another with an escaped number and across a line, and names one in a code block."""


def github_payloads(data: Path) -> list[str]:
    """Draw up to three payloads of each event, and take all of issues that moved to another repository."""
    draw = random.Random(SEED)
    folder = data / "github_webhooks"
    drawn: list[Path] = []
    for event in GITHUB_EVENTS:
        payloads = sorted((folder / event).glob("*.json"))
        drawn += draw.sample(payloads, min(PAYLOADS_AN_EVENT, len(payloads)))
    return _names(data, {*drawn, *(folder / "issues").glob("*transfer*.json")})


def proposals(data: Path) -> list[str]:
    """Take all proposals of which headers are labelled."""
    explained = (data / name for name in HEADERS_EXPLAINED)
    return _names(data, {*_drawn(_all_proposals(data), PROPOSALS), *_rare_proposals(data), *explained})


def proposals_read_whole(data: Path) -> list[str]:
    """Take those proposals of which the prose is labelled too."""
    drawn = [*_drawn(_all_proposals(data), PROPOSALS), *_drawn(_rare_proposals(data), RARE_PROPOSALS_READ_WHOLE)]
    return _names(data, {*drawn, *(data / name for name in HARD_TO_READ)})


def handbook_pages(data: Path) -> list[str]:
    """Draw pages, and take all that link to another by a plain relative path."""
    pages = sorted((data / "handbook_18f" / "pages").rglob("*.md"), key=str)
    return _names(data, {*_drawn(pages, PAGES), *(page for page in pages if _links_relatively(page))})


def _all_proposals(data: Path) -> list[Path]:
    return sorted((data / "peps").glob("pep-*.rst"))


def _rare_proposals(data: Path) -> list[Path]:
    return [path for path in _all_proposals(data) if _has_rare_header(path.read_text(encoding="utf-8"))]


def _has_rare_header(text: str) -> bool:
    return any(line.startswith(RARE_HEADERS) for line in text.splitlines())


def _links_relatively(page: Path) -> bool:
    text = page.read_text(encoding="utf-8")
    destinations = (piece.partition(")")[0].partition("#")[0] for piece in text.split("](")[1:])
    return any(place.endswith("/") and ":" not in place and "{" not in place for place in destinations)


def _drawn(paths: Sequence[Path], count: int) -> list[Path]:
    return random.Random(SEED).sample(paths, count)


def _names(data: Path, paths: Iterable[Path]) -> list[str]:
    return sorted(str(path.relative_to(data)) for path in paths)
