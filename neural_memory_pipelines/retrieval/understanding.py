"""What a question asks: its words, the names and identifiers in it, and the documents that its filters let through.

Nothing is searched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.queries import ParsedQuery, parse_query
from neural_memory_pipelines.domain.query_filters import Filters
from neural_memory_pipelines.domain.query_names import NamedEntity, without_names
from neural_memory_pipelines.retrieval.answers import SearchRequest
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.filters import filter_condition
from neural_memory_pipelines.stores.postgres.identified import IdentifiedDocument, identified_documents
from neural_memory_pipelines.stores.postgres.known_names import authors_named, named_entities
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue

# Full text knows no stop words: a phrase of nothing else, such as "to be or not to be", is looked for in the text.
_PHRASE = """EXISTS (SELECT FROM knowledge_chunks phrase_c WHERE phrase_c.document_id = d.document_id
    AND phrase_c.superseded_at IS NULL AND CASE numnode(phraseto_tsquery('english', :phrase_{n}))
        WHEN 0 THEN strpos(lower(phrase_c.text), lower(:phrase_{n})) > 0
        ELSE phrase_c.search @@ phraseto_tsquery('english', :phrase_{n}) END)"""


@dataclass(frozen=True, slots=True)
class Understood:
    """A question, taken apart.

    Attributes:
        query: what stands in it.
        meaning: the words to embed: without the names of people.
        named: the persons, components and so on that it names.
        identified: the documents that its identifiers name, and those below them.
        condition, values: SQL on `knowledge_documents d`: what may be an answer.
        where: the part of that which a vector index can filter by.
        is_narrow: whether filters or phrases leave documents out.
    """

    query: ParsedQuery
    meaning: str
    named: tuple[NamedEntity, ...]
    identified: tuple[IdentifiedDocument, ...]
    condition: str
    values: Mapping[str, Any]
    where: Mapping[str, MetadataValue]
    is_narrow: bool

    @property
    def names_things_alone(self) -> bool:
        """Whether it asks for documents by their identifiers, and there are such."""
        return self.query.is_only_identifiers and bool(self.identified)


def understand(tx: Transaction, request: SearchRequest, *, now: datetime) -> Understood:
    """Take a question apart, by what the workspace knows.

    Raises:
        PermanentError: a filter means nothing.
        NotFoundError: nobody answers to an author.
    """
    query = parse_query(request.text, sources=SOURCES, now=now, reads_filters=request.reads_filters)
    filters = query.filters.merged_with(request.filters)
    authors = authors_named(tx, filters.authors) if filters.authors else ()
    condition, values = filter_condition(filters, authors)
    if not request.include_private:
        condition = f"d.privacy = '{Privacy.ORG}' AND {condition}"
    for n, phrase in enumerate(query.phrases):
        condition += f" AND {_PHRASE.format(n=n)}"
        values[f"phrase_{n}"] = phrase
    named = named_entities(tx, query.text)
    return Understood(
        query=query,
        meaning=without_names(query.text, named),
        named=tuple(named),
        identified=tuple(
            identified_documents(tx, query.identifiers, include_private=request.include_private)
            if query.identifiers
            else ()
        ),
        condition=condition,
        values=values,
        where=_where(filters, include_private=request.include_private),
        is_narrow=bool(filters) or bool(query.phrases),
    )


def _where(filters: Filters, *, include_private: bool) -> dict[str, MetadataValue]:
    where: dict[str, MetadataValue] = {} if include_private else {"privacy": str(Privacy.ORG)}
    for key, values in (("source", filters.sources), ("type", filters.types)):
        if len(values) == 1:
            where[key] = values[0]
    return where
