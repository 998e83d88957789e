"""What a query means: its filters, phrases and identifiers, and what is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.identifiers import IdentifierKind
from neural_memory_pipelines.domain.queries import ParsedQuery, parse_query
from neural_memory_pipelines.domain.query_filters import KEYS, Filters, read_filters
from neural_memory_pipelines.errors import PermanentError

_SOURCES = ("docs", "github", "linear", "notion", "slack")
_NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
_SHA = "0123456789abcdef0123456789abcdef01234567"


def parsed(query: str) -> ParsedQuery:
    return parse_query(query, sources=_SOURCES, now=_NOW)


def named(query: str) -> list[tuple[str, str, str]]:
    """List the identifiers of a query, as (kind, place, name)."""
    return [(str(one.kind), one.place, one.name) for one in parsed(query).identifiers]


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


# --- filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source:github why", Filters(sources=("github",))),
        ("why source:github source:Slack", Filters(sources=("github", "slack"))),
        ("SOURCE:docs,notion,docs", Filters(sources=("docs", "notion"))),
        ('type:issue type:PR type:"pull request"', Filters(types=("issue", "pull_request"))),
        ("type:review-comment", Filters(types=("review_comment",))),
        ('author:@sanne author:"Sanne de  Vries"?', Filters(authors=("@sanne", "Sanne de Vries"))),
        ("author:\u201cSanne de Vries\u201d", Filters(authors=("Sanne de Vries",))),
        ('author:"de Vries, Sanne"', Filters(authors=("de Vries, Sanne",))),
        ("after:2026-06-11", Filters(after_at=at(2026, 6, 11))),
        ("after:2026-06 before:2026-07.", Filters(after_at=at(2026, 6, 1), before_at=at(2026, 7, 1))),
        ("before:2026", Filters(before_at=at(2026, 1, 1))),
        ("after:2026-01 after:2026-03 before:2026-09 before:2026-08",
         Filters(after_at=at(2026, 3, 1), before_at=at(2026, 8, 1))),
    ],
)  # fmt: skip
def test_filters_stand_anywhere_in_a_query(query: str, expected: Filters) -> None:
    assert parsed(query).filters == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("today", at(2026, 11, 23)),
        ("Yesterday", at(2026, 11, 22)),
        ("0d", at(2026, 11, 23)),
        ("7d", at(2026, 11, 16)),
        ("2W", at(2026, 11, 9)),
        ("3m", at(2026, 8, 23)),
        ("11m", at(2025, 12, 23)),
        ("12m", at(2025, 11, 23)),
        ("1y", at(2025, 11, 23)),
    ],
)
def test_times_ago_are_days_in_utc(value: str, expected: datetime) -> None:
    assert parsed(f"after:{value}").filters.after_at == expected


def test_a_month_before_its_last_days_ends_earlier() -> None:
    now = at(2024, 3, 31)
    assert read_filters([("after", "1m")], sources=_SOURCES, now=now).after_at == at(2024, 2, 29)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("source:gitlab x", "docs, github, linear, notion, slack"),
        ("after:soon x", "2026-06-11"),
        ("after:2026-02-30", "is no date"),
        ("before:999999y", "is no date"),
        ("before:2026-6", "is no date"),
        ("source: github", "right behind the colon"),
        ('author:""', "right behind the colon"),
        ("author:@", "a login"),
        ('type:"a/b"', "one word"),
        ("-source:slack x", "leaving out"),
        ("after:2026-07 before:2026-07", "leave no day"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_what_is_allowed(query: str, told: str) -> None:
    with pytest.raises(PermanentError, match=told):
        parsed(query)


def test_an_unknown_filter_of_an_option_is_refused() -> None:
    with pytest.raises(PermanentError, match="after, before"):
        read_filters([("labels", "bug")], sources=_SOURCES, now=_NOW)


def test_an_unknown_key_is_words() -> None:
    query = parsed("foo:bar resource:github std::vector 10:30 key:")
    assert query.text == "foo:bar resource:github std::vector 10:30 key:"
    assert not query.filters


def test_an_author_given_by_address_is_kept_as_its_hash_alone() -> None:
    (author,) = parsed("author:Sanne@Example.com").filters.authors
    assert author.startswith("email:")
    assert "example" not in author


def test_filters_of_two_ways_are_as_if_all_were_in_one_query() -> None:
    options = read_filters([("source", "docs"), ("after", "2026-02")], sources=_SOURCES, now=_NOW)
    text = parsed("source:github source:docs after:2026-01 before:2026-05 author:ada").filters
    expected = Filters(("docs", "github"), (), ("ada",), at(2026, 2, 1), at(2026, 5, 1))
    assert options.merged_with(text) == expected
    with pytest.raises(PermanentError, match="leave no day"):
        options.merged_with(Filters(before_at=at(2026, 1, 5)))


def test_what_nobody_wrote_as_a_query_has_neither_filters_nor_phrases() -> None:
    title = 'type: fix, source:gitlab author:"x y" of "old words"'
    query = parse_query(title, sources=_SOURCES, now=_NOW, reads_filters=False)
    assert query.text == "type: fix, source:gitlab author: x y of old words"
    assert (query.filters, query.phrases) == (Filters(), ())


# --- words and phrases


def test_words_are_left_without_filters_and_quotation_marks() -> None:
    query = parsed('  why  did "the  old queue" lose source:slack events, \u201cin June\u201d? ')
    assert query.text == "why did the old queue lose events, in June ?"
    assert query.phrases == ("the old queue", "in June")


@pytest.mark.parametrize("query", ["", "  ", '"', '""', '" "', "author:ada"])
def test_a_query_may_have_no_words(query: str) -> None:
    assert (parsed(query).text, parsed(query).phrases) == ("", ())


def test_a_lone_quotation_mark_is_none() -> None:
    assert parsed('a 5" pipe').text == "a 5 pipe"
    assert parsed('a 5" pipe').phrases == ()


# --- identifiers


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("#12 GH-13 (#14), `#15`", [("number", "", n) for n in ("12", "13", "14", "15")]),
        ("PR#98 issue#7.", [("number", "", "98"), ("number", "", "7")]),
        ("acme/shop#12 shop#13?", [("number", "acme/shop", "12"), ("number", "shop", "13")]),
        ("HAR-33, har-34 <WEB2-1>", [("ticket", "", "HAR-33"), ("ticket", "", "HAR-34"), ("ticket", "", "WEB2-1")]),
        (_SHA, [("commit", "", _SHA)]),
        ("deadbee1 7f3a9c2.", [("commit", "", "deadbee1"), ("commit", "", "7f3a9c2")]),
        ("acme/shop@7f3a9c2 shop@DEADBEEF", [("commit", "acme/shop", "7f3a9c2"), ("commit", "shop", "deadbeef")]),
        (f"acme/shop@{_SHA}", [("commit", "acme/shop", _SHA)]),
        ("acme/shop@v2.5.0", [("release", "acme/shop", "v2.5.0")]),
        ("docs/runbooks/pgqueue.md. ./a/b.py /c/d.txt",
         [("path", "", "docs/runbooks/pgqueue.md"), ("path", "", "a/b.py"), ("path", "", "c/d.txt")]),
        ("README.md's owner", [("path", "", "README.md")]),
        ("handbook:docs/x.md:42", [("path", "handbook", "docs/x.md")]),
        ("acme/handbook:docs/guide", [("path", "acme/handbook", "docs/guide")]),
        ("docs/setup.md#install", [("path", "", "docs/setup.md")]),
        ("see https://github.com/Acme/Shop/pull/7#issuecomment-9.", [("address", "", "github:acme/shop#7/comment/9")]),
        ("https://wiki.example.com/a/b(c)?x=1", [("address", "", "url:wiki.example.com/a/b(c)")]),
        ("https://example.com/~ada/a ~~~#3", [("address", "", "url:example.com/~ada/a"), ("number", "", "3")]),
        ('"HAR-33"', [("ticket", "", "HAR-33")]),
        ("#12 and #12", [("number", "", "12")]),
    ],
)  # fmt: skip
def test_identifiers_are_found(query: str, expected: list[tuple[str, str, str]]) -> None:
    assert named(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "UTF-8 utf-8 RFC-2119 SHA-256 covid-19 Q3-2026",
        "1234567 defaced 20260611 abcdef BAF250a Ed25519",
        "doi:10.1371/7 M/F:41/3 3:4/5",
        "and/or TCP/IP 24/7 he/she/they v1.2/3.4",
        "e.g. i.e. node.js v2.5.0 10:30 foo:bar std::vector",
        "#0 #x ##5 &#39; someone@example.com",
        "acme/shop some_name x-1y har-0",
    ],
)
def test_what_only_looks_like_an_identifier_is_none(query: str) -> None:
    assert named(query) == []


def test_identifiers_stay_in_the_text_and_leave_the_words() -> None:
    query = parsed("what did HAR-33 decide about (acme/shop#12, #13)?")
    assert query.text == "what did HAR-33 decide about (acme/shop#12, #13)?"
    assert query.words == "what did decide about"


@pytest.mark.parametrize(
    "query", ["#212", "what is #212?", "show me HAR-33, please", "issue #3 and PR #4 source:github"]
)
def test_a_query_may_ask_for_identifiers_alone(query: str) -> None:
    assert parsed(query).is_only_identifiers


@pytest.mark.parametrize(
    "query", ["", "what is this", "who reviewed #212", '#212 "lost events"', "the queue of HAR-33"]
)
def test_a_query_that_says_more_is_understood_as_a_whole(query: str) -> None:
    assert not parsed(query).is_only_identifiers


# --- laws

_BITS = st.sampled_from(
    [*(f"{key}:" for key in KEYS), "github", "#12", "a/b@", '"', "\u201c", "-", ":", "@", "x.md", " "]
)
_TEXTS = st.text(max_size=60) | st.lists(_BITS | st.text(max_size=3), max_size=12).map("".join)


@given(_TEXTS)
@example('author:"')
@example("\x00\ud800 #12")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        query = parsed(text)
    except PermanentError:
        return
    assert query.text == " ".join(query.text.split())
    query.text.encode()
    assert '"' not in query.text
    for one in query.identifiers:
        assert one.kind in IdentifierKind
        assert one.name
        assert one.spelled


@given(_TEXTS)
def test_words_alone_are_read_the_same_again(text: str) -> None:
    query = parse_query(text, sources=_SOURCES, now=_NOW, reads_filters=False)
    again = parse_query(query.text, sources=_SOURCES, now=_NOW, reads_filters=False)
    assert (again.text, again.words, again.identifiers) == (query.text, query.words, query.identifiers)


@pytest.mark.parametrize(
    "bit",
    [":", "#", "a:", '"', 'a"', "\u201c", "author:x ", 'author:"x" ', "#1 ", "#1", "a/", "a/b#1,", "a@", "0a", "A-1",
     "https://", "https://a(", "(", "[", "[a](", "`", "<!--", ".", "-", "x.md ", "a:b/c.md ", "\n", "\u0301", "@a "],
)  # fmt: skip
def test_time_grows_with_length_alone(bit: str) -> None:
    assert_linear(lambda size: bit * (size // len(bit)))


def test_time_grows_with_the_number_of_filters_alone() -> None:
    assert_linear(lambda size: " ".join(f"author:a{number}" for number in range(size // 12)))


def assert_linear(text_of: Callable[[int], str]) -> None:
    """Four times the text takes four times the time, not sixteen; below half a second there is nothing to tell."""

    def seconds(size_chars: int) -> float:
        text = text_of(size_chars)
        started = time.process_time()
        parsed(text)
        return time.process_time() - started

    assert seconds(100_000) < max(9 * seconds(25_000), 0.5)
