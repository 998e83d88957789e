"""Docs: files of a folder or git repository, read into changes.

Pure: which files there are, and what changed since the last time, is found elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import (
    SUMMARY_LIMIT_CHARS,
    TITLE_LIMIT_CHARS,
    Changes,
    Deletion,
    ObservationDraft,
    Skip,
    SourceDraft,
)
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.importance import ImportanceSignals, importance_factors
from neural_memory_pipelines.domain.text import Section, clip, clip_passage, first_paragraph, sections
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.front_matter import FrontMatter, read_front_matter
from neural_memory_pipelines.sources.times import utc_time

SOURCE = "docs"
UPSERTED = "docs.upserted"
REMOVED = "docs.removed"

HEADINGS_LIMIT = 50
OBSERVATION_LIMIT_CHARS = 2_000

_DOCUMENT_TITLE_LIMIT_CHARS = 300
_INDEX_NAMES = frozenset({"index", "readme", "_index"})

_KIND_OF_HEADING = {
    "decision": "decision",
    "decisions": "decision",
    "decision outcome": "decision",
    "outcome": "outcome",
    "outcomes": "outcome",
    "resolution": "outcome",
    "summary": "summary",
    "tl;dr": "summary",
    "tldr": "summary",
    "root cause": "root-cause",
    "root causes": "root-cause",
    "status": "status",
}
"""The headings below which a statement stands that is worth remembering by itself, and what its tag is."""

_NUMBERING = re.compile(r"(?:\d+(?:\.\d+)*[.):]?|[ivx]+[.)])\s+")


def _relative_path(value: str) -> str:
    if value.startswith("/") or "\0" in value or {"", ".", ".."} & set(value.split("/")):
        raise ValueError("expected a path relative to the store, such as guides/install.md")
    return value


def _plain_text(value: object) -> object:
    # A checkout on Windows is no other text; no database stores NUL in a text.
    return value.replace("\r\n", "\n").replace("\0", "\ufffd") if isinstance(value, str) else value


def _utc(value: object) -> datetime:
    moment = utc_time(value)
    if moment is None:
        raise ValueError("expected an ISO 8601 time with an offset")
    return moment


class _File(BaseModel):
    """What every event says: which file it is about."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)

    store: str = Field(pattern=r"^[^/]+$")
    path: Annotated[str, AfterValidator(_relative_path)]
    revision: int | None = Field(default=None, ge=0)

    @property
    def source_id(self) -> str:
        return f"{self.store}/{self.path}"


class _FileContent(_File):
    content: Annotated[str, BeforeValidator(_plain_text)]
    changed_at: Annotated[datetime, PlainValidator(_utc)] = Field(alias="changedAt")
    commit: str | None = None
    url: str | None = None


_FileT = TypeVar("_FileT", bound=_File)


@dataclass(frozen=True, slots=True)
class _Page:
    """A file's text, parted."""

    front: FrontMatter
    body: str
    sections: tuple[Section, ...]


def parse(event: SourceEvent) -> Changes | Skip:
    """Read a docs event.

    Args:
        event: its action is docs.upserted, with the file's content in the payload, or docs.removed, without.

    Returns:
        One draft or one deletion; a Skip for another action and for a file without text.

    Raises:
        InvalidEventError: a field of the payload is missing or wrong; names it.
    """
    if event.action == REMOVED:
        file = _read(_File, event.payload)
        return Changes(deletions=(Deletion(SOURCE, file.source_id, event.occurred_at, "removed from the store"),))
    if event.action != UPSERTED:
        return Skip(SkipReason.UNSUPPORTED_EVENT, f"action {event.action!r}: expected {UPSERTED} or {REMOVED}")
    content = _read(_FileContent, event.payload)
    page = _page(content.content)
    if not page.body.strip():
        gone = Deletion(SOURCE, content.source_id, event.occurred_at, "emptied")
        return Skip(SkipReason.EMPTY, f"{content.source_id} has no text", gone=(gone,))
    return Changes(drafts=(_draft(content, page, as_of=event.occurred_at),))


def subject(event: SourceEvent) -> str | None:
    """Name the file that an event is about, without reading its content; None if the payload does not say."""
    store, path = event.payload.get("store"), event.payload.get("path")
    return f"{store}/{path}" if isinstance(store, str) and isinstance(path, str) else None


def _read(model: type[_FileT], payload: Mapping[str, Any]) -> _FileT:
    try:
        return model.model_validate(dict(payload))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise InvalidEventError(
            "; ".join(f"payload.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        ) from None


def _page(content: str) -> _Page:
    front, body = read_front_matter(content)
    return _Page(front, body.strip("\n"), tuple(sections(body)))


def _draft(file: _FileContent, page: _Page, *, as_of: datetime) -> SourceDraft:
    title = _title(file.path, page)
    changed_at = file.changed_at
    state = page.front.word("status")
    author = page.front.word("owner", "author")
    summary = page.front.word("description", "summary") or first_paragraph(page.body)
    return SourceDraft(
        source=SOURCE,
        source_id=file.source_id,
        type="doc",
        title=title,
        body=page.body,
        occurred_at=changed_at,
        as_of=as_of,
        summary=clip(summary, SUMMARY_LIMIT_CHARS) or None,
        state=state,
        url=file.url,
        author=Account(provider_id=f"docs:{author}", name=author) if author else None,
        metadata=_metadata(file, page),
        observations=tuple(_observations(file.source_id, page, title=title, state=state, occurred_at=changed_at)),
    )


def _title(path: str, page: _Page) -> str:
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


def _metadata(file: _FileContent, page: _Page) -> dict[str, Json]:
    headings = [f"{'#' * section.level} {section.heading}" for section in page.sections if section.heading]
    metadata: dict[str, Json] = {
        "store": file.store,
        "path": file.path,
        "slug": page.front.word("slug") or str(PurePosixPath(file.path).with_suffix("")).lower(),
        "headings": [clip(heading, TITLE_LIMIT_CHARS) for heading in headings[:HEADINGS_LIMIT]],
        "frontmatter": page.front.scalars(),
    }
    if page.front.error:
        metadata["frontmatter_error"] = page.front.error
    return metadata


def _observations(
    source_id: str, page: _Page, *, title: str, state: str | None, occurred_at: datetime
) -> Iterator[ObservationDraft]:
    """Take one observation from each section whose heading says that it holds a decision, an outcome or the like."""
    seen: set[tuple[str, str]] = set()
    for section in page.sections:
        heading = section.heading.strip().rstrip(":").rstrip()
        kind = _KIND_OF_HEADING.get(_bare_heading(heading))
        text = clip_passage(section.text, OBSERVATION_LIMIT_CHARS)
        if kind is None or not text or (heading, text) in seen:
            continue
        seen.add((heading, text))
        yield ObservationDraft(
            text=text,
            occurred_at=occurred_at,
            title=clip(f"{title}: {heading}", TITLE_LIMIT_CHARS),
            summary=clip(first_paragraph(section.text), SUMMARY_LIMIT_CHARS) or None,
            importance_factors=_importance(kind, page.front.labels("tags", "labels")),
            tags=tuple(dict.fromkeys((kind, *_state_tag(state)))),
            subject_refs=(source_id,),
        )


def _bare_heading(heading: str) -> str:
    """Reduce a heading to its words: no numbering, no emphasis, no colon, lower case."""
    plain = re.sub(r"[*_`]+", "", heading).strip().lower()
    return " ".join(_NUMBERING.sub("", plain, count=1).rstrip(" :.").split())


def _state_tag(state: str | None) -> tuple[str, ...]:
    tag = re.sub(r"\W+", "-", (state or "").lower()).strip("-")
    return (tag,) if tag else ()


def _importance(kind: str, labels: frozenset[str]) -> dict[str, float]:
    signals = ImportanceSignals(labels=labels | {kind}, linked_incident_or_release=kind == "root-cause")
    return importance_factors(SOURCE, "decision" if kind == "decision" else "page", signals)
