"""The words that state relations, and references as links."""

from __future__ import annotations

import re

import pytest

from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.relations import (
    REFERENCES_LIMIT,
    RELATION_WORDS,
    Relation,
    document_node,
    reference_links,
    relation_of,
)

_WORDS = re.compile(RELATION_WORDS, re.IGNORECASE)


@pytest.mark.parametrize(
    ("words", "relation"),
    [
        ("Duplicate of", Relation(EdgeType.DUPLICATES)),
        ("dupe of", Relation(EdgeType.DUPLICATES)),
        ("duplicates", Relation(EdgeType.DUPLICATES)),
        ("blocked by", Relation(EdgeType.BLOCKED_BY)),
        ("Blocked\non", Relation(EdgeType.BLOCKED_BY)),
        ("blocks", Relation(EdgeType.BLOCKED_BY, is_reversed=True)),
        ("blocking", Relation(EdgeType.BLOCKED_BY, is_reversed=True)),
        ("Depends on", Relation(EdgeType.REQUIRES)),
        ("dependent upon", Relation(EdgeType.REQUIRES)),
        ("supersedes", Relation(EdgeType.SUPERSEDES)),
        ("replaces", Relation(EdgeType.SUPERSEDES)),
        ("Replaced by", Relation(EdgeType.SUPERSEDES, is_reversed=True)),
        ("closing in favor of", Relation(EdgeType.SUPERSEDES, is_reversed=True)),
        ("implemented", Relation(EdgeType.IMPLEMENTS)),
        ("implementation of", Relation(EdgeType.IMPLEMENTS)),
    ],
)
def test_each_word_states_one_relation(words: str, relation: Relation) -> None:
    found = _WORDS.fullmatch(words)
    assert found is not None
    assert relation_of(found) == relation


@pytest.mark.parametrize("words", ["fixes", "see", "blocked", "replaced", "depend", "block", "reimplements"])
def test_other_words_state_none(words: str) -> None:
    assert _WORDS.fullmatch(words) is None


def test_each_document_is_linked_once_at_its_first_place_but_not_the_document_itself() -> None:
    places = [("a", 3, 4), ("own", 5, 6), ("b", 7, 8), ("a", 9, 10)]
    found = reference_links(places, own={"own"})
    assert [(link.type, link.target, link.start, link.end) for link in found] == [
        (EdgeType.REFERENCES, document_node("a"), 3, 4),
        (EdgeType.REFERENCES, document_node("b"), 7, 8),
    ]


def test_the_first_two_hundred_documents_are_linked() -> None:
    found = reference_links((str(at), at, at + 1) for at in range(1, 10**6))
    assert [link.start for link in found] == list(range(1, REFERENCES_LIMIT + 1))
