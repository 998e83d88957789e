"""The draft of a page: title, people, metadata, links and observations of one file.

Files that say who owns what are drafted in `ownership.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, SourceDraft
from neural_memory_pipelines.domain.handles import document_handle, url_handle
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.prose import read_prose
from neural_memory_pipelines.domain.text import clip, first_paragraph
from neural_memory_pipelines.sources.docs.front_matter import FrontMatter
from neural_memory_pipelines.sources.docs.links import (
    Linking,
    author_links,
    body_links,
    front_matter_links,
    mentioned_people,
)
from neural_memory_pipelines.sources.docs.names import SOURCE, Place, place_of
from neural_memory_pipelines.sources.docs.observations import observe_page
from neural_memory_pipelines.sources.docs.ownership_tables import table_links
from neural_memory_pipelines.sources.docs.pages import Page, is_rst
from neural_memory_pipelines.sources.docs.payloads import GitAuthor
from neural_memory_pipelines.sources.docs.people import account_named, account_of_commit, distinct, split_names

HEADINGS_LIMIT = 50

_DOCUMENT_TITLE_LIMIT_CHARS = 300
_HANDLES_LIMIT = 32
_INDEX_NAMES = frozenset({"index", "readme", "_index"})
_AUTHOR_KEYS = ("author", "authors", "owner", "owners")
_PEOPLE_KEYS = frozenset({*_AUTHOR_KEYS, "sponsor", "editor", "editors", "delegate", "pep_delegate", "bdfl_delegate"})
_DATE_KEYS = ("updated", "last_updated", "updated_at", "last_modified", "lastmod", "date")
_OTHER_NAMES = ("permalink", "slug", "aliases", "alias", "redirect_from")
_ADDRESS = re.compile(r"[\w.+-]{1,64}(?:@| at )[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file of a store, as a payload describes it. Times are aware UTC."""

    store: str
    path: str
    content: str
    changed_at: datetime
    as_of: datetime
    url: str | None = None
    repository: str | None = None
    git_authors: tuple[GitAuthor, ...] = ()

    @property
    def source_id(self) -> str:
        """Name the document."""
        return f"{self.store}/{self.path}"


def page_draft(file: TextFile, page: Page) -> SourceDraft:
    """Describe a page."""
    title = _title(file.path, page)
    place = place_of(file.store, file.path, title=title)
    title = _numbered_title(title, page.front, place)
    handles = tuple(dict.fromkeys((*place.own_handles(), *_other_names(page.front, place))))[:_HANDLES_LIMIT]
    own = frozenset({*handles, document_handle(SOURCE, file.source_id), *_address_handles(file.url)})
    linking = Linking(place, own, file.repository)
    authors, field = _authors(file, page.front)
    people = distinct([*authors, *git_accounts(file)])
    links = [*front_matter_links(page.front, linking), *author_links(authors[1:], field=field)]
    links += table_links(page)
    prose = read_prose(page.body).text
    links += body_links(page.body, linking, prose=prose)
    if not is_rst(file.path):  # where an at sign begins a decorator
        links += mentioned_people(prose)
    state = page.front.word("status")
    summary = page.front.word("description", "summary") or first_paragraph(page.body)
    return SourceDraft(
        source=SOURCE,
        source_id=file.source_id,
        type="doc",
        title=title,
        body=page.body,
        occurred_at=file.changed_at,
        as_of=file.as_of,
        summary=clip(summary, SUMMARY_LIMIT_CHARS) or None,
        state=state,
        url=file.url,
        author=authors[0] if authors else None,
        accounts=people[1:] if authors else people,
        handles=handles,
        links=tuple(links),
        metadata=_metadata(file, page),
        observations=tuple(
            observe_page(
                page,
                source_id=file.source_id,
                title=title,
                state=state,
                occurred_at=_said_at(file, page.front),
                links=links,
            )
        ),
    )


def _said_at(file: TextFile, front: FrontMatter) -> datetime:
    """Tell when a page came to say what it decides or sums up: at the date that it bears, if that is not to come.

    The file changes for other reasons too: a link is mended, or the folder is copied.
    """
    told = front.moment(*_DATE_KEYS)
    return told if told is not None and told <= file.changed_at else file.changed_at


def git_accounts(file: TextFile) -> tuple[Account, ...]:
    """List those whom commits name as authors of the file, bots among them."""
    return distinct(account_of_commit(author) for author in file.git_authors)


def _authors(file: TextFile, front: FrontMatter) -> tuple[tuple[Account, ...], str]:
    """Find who wrote the page, and the field that says so: the front matter, else the commits.

    A bot that touched a file has not written it.
    """
    for key in _AUTHOR_KEYS:
        named = distinct(account_named(name) for text in front.texts(key) for name in split_names(text))
        if named:
            return named, f"frontmatter.{key}"
    return tuple(account for account in git_accounts(file) if not account.is_bot), "authors"


def _title(path: str, page: Page) -> str:
    """Choose a title: the front matter's, else the first H1, else the file's name made readable."""
    named = page.front.values.get("title")
    if isinstance(named, str | int | float) and str(named).strip():
        return clip(str(named), _DOCUMENT_TITLE_LIMIT_CHARS)
    for section in page.sections:
        if section.level == 1 and section.heading:
            return clip(section.heading, _DOCUMENT_TITLE_LIMIT_CHARS)
    file = PurePosixPath(path)
    stem = file.parent.name if file.stem.lower() in _INDEX_NAMES and file.parent.name else file.stem
    words = re.sub(r"[-_\s]+", " ", stem).strip() or file.name
    return clip(words[0].upper() + words[1:], _DOCUMENT_TITLE_LIMIT_CHARS)


def _numbered_title(title: str, front: FrontMatter, place: Place) -> str:
    """Put the number of a document before its title where a field of its own holds it, as `PEP: 8` does."""
    for word in place.series.words if place.series else ():
        if place.series and front.texts(word) == [str(place.series.number)]:
            return clip(f"{word.upper()} {place.series.number}: {title}", _DOCUMENT_TITLE_LIMIT_CHARS)
    return title


def _other_names(front: FrontMatter, place: Place) -> Iterator[str]:
    """List the handles of the addresses that the front matter gives to the page."""
    for key in _OTHER_NAMES:
        for text in front.texts(key):
            handle = url_handle(text) or place.linked(text)
            if handle is not None:
                yield handle


def _address_handles(url: str | None) -> tuple[str, ...]:
    handle = url_handle(url) if url else None
    return (handle,) if handle else ()


def _metadata(file: TextFile, page: Page) -> dict[str, Json]:
    headings = [f"{'#' * section.level} {section.heading}" for section in page.sections if section.heading]
    metadata: dict[str, Json] = {
        "store": file.store,
        "path": file.path,
        "slug": page.front.word("slug") or str(PurePosixPath(file.path).with_suffix("")).lower(),
        "headings": [clip(heading, TITLE_LIMIT_CHARS) for heading in headings[:HEADINGS_LIMIT]],
        "frontmatter": _without_addresses(page.front.scalars()),
    }
    if page.front.error:
        metadata["frontmatter_error"] = page.front.error
    if page.note:
        metadata["rst_error"] = page.note
    return metadata


def _without_addresses(scalars: Mapping[str, Json]) -> dict[str, Json]:
    # Where people are named, an address beside the name says nothing more about the page.
    return {
        key: _ADDRESS.sub("", value).replace("<>", "").strip()
        if isinstance(value, str) and key.lower().replace("-", "_") in _PEOPLE_KEYS
        else value
        for key, value in scalars.items()
    }
