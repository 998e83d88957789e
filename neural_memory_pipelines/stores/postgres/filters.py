"""Filters of a search as a condition on documents.

What filters mean is in `domain/query_filters.py`; who an author is, `known_names.authors_named` finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.query_filters import Filters

_AUTHOR = """EXISTS (SELECT FROM document_entities filter_a WHERE filter_a.document_id = d.document_id
    AND filter_a.role = 'author' AND filter_a.entity_id = ANY(CAST(:filter_authors AS text[])))"""


def filter_condition(filters: Filters, authors: Sequence[EntityId] = ()) -> tuple[str, dict[str, Any]]:
    """Write filters as SQL.

    Args:
        filters: what was asked for.
        authors: who `filters.authors` are; any of them. Needed where the filters name any.

    Returns:
        A condition on `knowledge_documents d` ("TRUE" if there is nothing to filter), and its parameters, whose names
        begin with `filter_`.
    """
    assert bool(filters.authors) == bool(authors), "the authors of a filter are resolved before it is used"
    given: tuple[tuple[str, str, Any], ...] = (
        ("filter_sources", "d.source = ANY(CAST(:filter_sources AS text[]))", list(filters.sources)),
        ("filter_types", "d.type = ANY(CAST(:filter_types AS text[]))", list(filters.types)),
        ("filter_authors", _AUTHOR, list(authors)),
        ("filter_after_at", "d.occurred_at >= :filter_after_at", filters.after_at),
        ("filter_before_at", "d.occurred_at < :filter_before_at", filters.before_at),
    )
    conditions = [condition for _, condition, value in given if value]
    return " AND ".join(conditions) or "TRUE", {name: value for name, _, value in given if value}
