"""Who owns what, as a table of a page states it: a column names components, another their owners.

Only what is plain is stated: a cell that says more than names says nothing. Files of rules are read in `ownership.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeRef
from neural_memory_pipelines.domain.text import Section
from neural_memory_pipelines.sources.docs.ownership_cells import (
    CELL_LIMIT_CHARS,
    components_of,
    owners_of,
    plain_words,
)
from neural_memory_pipelines.sources.docs.pages import Page
from neural_memory_pipelines.sources.docs.tables import Row, Table, find_tables

LINKS_LIMIT = 2_000

# Of several columns that fit, one of the first kind is meant; of several of one kind, none.
_COMPONENTS = (
    re.compile(r"components?(?: names?)?"),
    re.compile(r"(?:services?|systems?|areas?|packages?|modules?|repositor(?:y|ies))(?: names?)?"),
)
_OWNERS = (re.compile(r"owners?|owned by"), re.compile(r"maintainers?|maintained by|responsible"))
_REPOSITORY = re.compile(r"repositor(?:y|ies).*")
_NUMBERING = re.compile(r"#|no\.?|nr\.?|")
# A table with such a column is about work to do, events or money, and its owners are those of that.
_OTHER_SUBJECT = re.compile(
    r"\b(?:actions?|alerts?|bugs?|budget|changes?|costs?|deadline|decisions?|deliverables?|due|eta|events?|findings?|"
    r"incidents?|issues?|milestones?|price|questions?|risks?|spend|steps?|tasks?|tests?|tickets?|to-?dos?|work)\b"
)
# What stands below such a heading does not hold, or not any more.
_NOT_IN_FORCE = re.compile(
    r"\b(?:archived?|before|changes|change ?log|deprecated|drafts?|examples?|former(?:ly)?|history|historical|old|past|"
    r"previous(?:ly)?|proposals?|proposed|retired|samples?|superseded|templates?|until)\b",
    re.IGNORECASE,
)


def table_links(page: Page) -> Iterator[LinkDraft]:
    """Find the owners that the tables of a page state, each with the row that states it.

    A component's key is the one that labels and titles give it. When an owner became one is not read: an edge holds
    since the first version of the page that states it.
    """
    found = (
        link
        for table in find_tables(page.body)
        if not _NOT_IN_FORCE.search(_headings(page.sections, table.start))
        for link in _links(table)
    )
    yield from islice(found, LINKS_LIMIT)


def _headings(sections: Sequence[Section], position: int) -> str:
    at = bisect_right(sections, position, key=lambda section: section.start)
    return "\n".join(sections[at - 1].path) if at else ""


def _links(table: Table) -> Iterator[LinkDraft]:
    header = [plain_words(cell[:CELL_LIMIT_CHARS]).lower().replace("(s)", "") for cell in table.header]
    part, owner = _column(header, _COMPONENTS), _column(header, _OWNERS)
    if part is None or owner is None or any(map(_OTHER_SUBJECT.search, header)):
        return
    before = [name for at, name in enumerate(header[:part]) if at != owner and not _NUMBERING.fullmatch(name)]
    if not all(any(kind.fullmatch(name) for kind in _COMPONENTS) for name in before):
        return  # The first column says what a row is about.
    are_repositories = _REPOSITORY.fullmatch(header[part]) is not None
    for row in table.rows:
        if len(row.cells) > max(part, owner):
            parts = components_of(row.cells[part], are_repositories=are_repositories)
            yield from _stated(row, parts, owners_of(row.cells[owner]))


def _column(header: Sequence[str], kinds: Iterable[re.Pattern[str]]) -> int | None:
    for kind in kinds:
        found = [at for at, name in enumerate(header) if kind.fullmatch(name)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _stated(row: Row, parts: Sequence[NodeRef], owners: Sequence[NodeRef]) -> Iterator[LinkDraft]:
    for part in parts:
        for owner in owners:
            yield LinkDraft(EdgeType.OWNED_BY, owner, part, row.start, row.end)
