"""Names in a query: whom they mean, and when the dense query does without them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.query_names import (
    MatchedBy,
    NamedEntity,
    NameMatch,
    choose_names,
    fold_name,
    grams,
    name_gram,
    without_names,
)


def person(name: str, *logins: str, number: int = 1) -> list[NameMatch]:
    """Describe a person as the stores do: by full name, first name and logins."""
    keys = [(fold_name(name), MatchedBy.NAME), (fold_name(name).split()[0], MatchedBy.SHORT_NAME)]
    keys += [(login, MatchedBy.LOGIN) for login in logins]
    return [NameMatch(key, by, f"p{number}", "person", name) for key, by in keys]


def thing(name: str, kind: str = "component") -> list[NameMatch]:
    return [NameMatch(fold_name(name), MatchedBy.OTHER, f"{kind}:{name}", kind, name)]


_KNOWN = [
    *person("Sanne de Vries", "sdevries", number=1),
    *person("Tom\u00e1s Ibarra", "tibarra", number=2),
    *person("Will Hunter", "will", number=3),
    *person("May Chen", "chen88", number=4),
    *person("Alex Stone", number=5),
    *person("Alex Brook", number=6),
    *person("John Smith", "shadow", number=7),
    *person("Even Berg", number=8),
    *person("Ann Pgqueue", "pgqueue", number=9),
    *thing("pgqueue"),
    *thing("Postgres clusters"),
    *thing("acme/shop", "repository"),
]


def names(text: str) -> list[NamedEntity]:
    return choose_names(text, grams(text), _KNOWN)


def told(text: str) -> list[tuple[str, str]]:
    """List what is named, as (words, name)."""
    return [(text[one.start : one.end], one.name) for one in names(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what did Sanne say?", [("Sanne", "Sanne de Vries")]),
        ("sanne DE vries's idea", [("sanne DE vries", "Sanne de Vries")]),
        ("Tomas Ibarra\u2019s and toma\u0301s ibarra", [("Tomas Ibarra", "Tom\u00e1s Ibarra"),
                                                    ("toma\u0301s ibarra", "Tom\u00e1s Ibarra")]),
        ("ask @tibarra, or (sdevries).", [("@tibarra", "Tom\u00e1s Ibarra"), ("sdevries", "Sanne de Vries")]),
        ("Sanne/Tom\u00e1s", [("Sanne", "Sanne de Vries"), ("Tom\u00e1s", "Tom\u00e1s Ibarra")]),
        ("Alex Stone and Alex", [("Alex Stone", "Alex Stone")]),
        ("Postgres  clusters of acme/shop", [("Postgres  clusters", "Postgres clusters"), ("acme/shop", "acme/shop")]),
        ("@pgqueue", [("@pgqueue", "Ann Pgqueue")]),
        ("pgqueue", [("pgqueue", "pgqueue"), ("pgqueue", "Ann Pgqueue")]),
        ("it will even say", []),
        ("Will it even rain in the sands", []),
        ("sannes Tomasz sdevries2 x-tibarra", []),
    ],
)  # fmt: skip
def test_names_mean_those_who_bear_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("what did Sanne say about the inbox", "what did say about the inbox"),
        ("what did sanne de vries's team merge", "what did team merge"),
        ("did tibarra touch the inbox, @will?", "did touch the inbox, ?"),
        ("did Will say when the inbox drains", "did say when the inbox drains"),
        ("ask chen88 for the inbox", "ask for the inbox"),
        ("May Chen and Even Berg on queues", "and on queues"),
        # The words may be a name, and are one no more surely than not.
        ("will the inbox drain", "will the inbox drain"),
        ("Will the inbox drain", "Will the inbox drain"),
        ("inbox full. Will it drain", "inbox full. Will it drain"),
        ("The Inbox Retention Will Change", "The Inbox Retention Will Change"),
        ("what happened in May to the inbox", "what happened in May to the inbox"),
        ("the shadow queue", "the shadow queue"),
        ("did sanne drain the inbox", "did sanne drain the inbox"),
        ("did Alex drain the inbox", "did Alex drain the inbox"),
        # What is no person keeps its words.
        ("pgqueue and the Postgres clusters of acme/shop", "pgqueue and the Postgres clusters of acme/shop"),
        # Nothing would be left.
        ("what did Sanne say?", "what did Sanne say?"),
        ("@tibarra", "@tibarra"),
    ],
)
def test_the_dense_query_does_without_what_is_only_a_name(text: str, expected: str) -> None:
    assert without_names(text, names(text)) == expected


def test_an_address_is_looked_up_by_its_hash_and_left_out() -> None:
    text = "inbox of Sanne@Example.com, or sanne@example.co.uk."
    found = [gram for gram in grams(text) if gram.key.startswith("email:")]
    assert [gram.key for gram in found] == [
        f"email:{hash_email('sanne@example.com')}",
        f"email:{hash_email('sanne@example.co.uk')}",
    ]
    assert "sanne" not in {gram.key for gram in grams(text)}
    known = [NameMatch(found[0].key, MatchedBy.EMAIL, "p1", "person", "Sanne de Vries")]
    assert without_names(text, choose_names(text, grams(text), known)) == "inbox of , or sanne@example.co.uk."


def test_a_whole_name_is_one_gram() -> None:
    assert [name_gram(name).key for name in ("@Sanne", " Sanne de  Vries", "email:12")] == [
        "sanne",
        "sanne de vries",
        "email:12",
    ]


@pytest.mark.parametrize("bit", ["a ", "@", "a@b.c ", "a", "'s ", "A. ", "\u0301", "a/"])
def test_of_a_long_text_a_bounded_part_is_read(bit: str) -> None:
    assert len(grams(bit * 50_000)) <= 400 * 5


@given(st.text(max_size=80) | st.lists(st.sampled_from(["Sanne ", "de ", "Vries", "'s ", "@", "Will ", "a@b.de ", ". "])
                                       ).map("".join))  # fmt: skip
def test_names_never_overlap_and_lie_within_the_text(text: str) -> None:
    found = names(text)
    places = sorted({(one.start, one.end) for one in found})
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    without_names(text, found)
