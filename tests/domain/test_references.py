"""References that texts make: what counts as one, what it names, where it stands and whether it closes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.prose import BLANK, read_prose
from neural_memory_pipelines.domain.references import Reference, find_references

_SHA = "0123456789abcdef0123456789abcdef01234567"


def found(text: str, repository: str | None = "acme/shop") -> list[tuple[str, str]]:
    """List the references of a text, as (handle, the words)."""
    references = find_references(text, repository=repository)
    return [(reference.handle, text[reference.start : reference.end]) for reference in references]


def closed(text: str) -> list[str]:
    return [one.handle.removeprefix("github:") for one in find_references(text, repository="acme/shop") if one.closes]


# --- numbers, tickets, commits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See #12.", [("github:acme/shop#12", "#12")]),
        ("(#12), _#13_; #14's", [(f"github:acme/shop#{n}", f"#{n}") for n in (12, 13, 14)]),
        ("Acme/Shop#12", [("github:acme/shop#12", "Acme/Shop#12")]),
        ("see other/repo.js#3.", [("github:other/repo.js#3", "other/repo.js#3")]),
        ("GH-12", [("github:acme/shop#12", "GH-12")]),
        ("Fixed in HAR-7: done", [("linear:har-7", "HAR-7")]),
        (_SHA, [(f"github:acme/shop@{_SHA}", _SHA)]),
        (f"acme/ops@{_SHA}", [(f"github:acme/ops@{_SHA}", f"acme/ops@{_SHA}")]),
        ("#12\u200b #13", [("github:acme/shop#12", "#12"), ("github:acme/shop#13", "#13")]),
    ],
)  # fmt: skip
def test_names_of_things_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "&#39; #007 #12ab x#5 page#7 ##8 a/b/c#9 #0 é#5 my_#5",
        "[up](#12) [x](docs/setup.md#3) docs/setup.md#3 v1.2/x.y#3",
        "UTF-8 SHA-256 SHA2-512 ISO-8601 RFC-2119 CVE-2024-1234 AES-256 X86-64 Q3-2026 H1-2 UINT-8",
        "har-7 H-7 HAR-0 HAR-7-x x_HAR-7 a/HAR-7 HAR-12345678 -HAR-7",
        f"{_SHA}0 x{_SHA} {_SHA[:39]} gh-12 @{_SHA}",
        "#1234567890",
    ],
)
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    assert found(text) == []


def test_without_a_repository_bare_numbers_and_commits_name_nothing() -> None:
    text = f"#12 GH-3 {_SHA} acme/shop#4 HAR-7"
    assert found(text, None) == [("github:acme/shop#4", "acme/shop#4"), ("linear:har-7", "HAR-7")]


def test_what_is_named_is_also_spelled_as_its_source_does() -> None:
    text = "acme/Shop#1 Other/Repo#2 HAR-7 https://github.com/ACME/shop/pull/3 https://x.example"
    spelled = [one.source_id for one in find_references(text, repository="Acme/shop")]
    assert spelled == ["Acme/shop#1", "Other/Repo#2", "HAR-7", "Acme/shop#3", ""]


# --- addresses


@pytest.mark.parametrize(
    ("address", "handle"),
    [
        ("https://github.com/Acme/Shop/issues/5", "github:acme/shop#5"),
        ("https://www.github.com/acme/shop/pull/5/files?w=1", "github:acme/shop#5"),
        ("http://github.com/acme/shop/discussions/5#start", "github:acme/shop#5"),
        ("https://github.com/acme/shop/issues/5#issuecomment-77", "github:acme/shop#5/comment/77"),
        ("https://github.com/acme/shop/pull/5#pullrequestreview-77", "github:acme/shop#5/review/77"),
        ("https://github.com/acme/shop/pull/5#discussion_r77", "github:acme/shop#5/review-comment/77"),
        ("https://github.com/acme/shop/pull/5/files#r77", "github:acme/shop#5/review-comment/77"),
        ("https://github.com/acme/shop/discussions/5#discussioncomment-77", "github:acme/shop#5/discussion-comment/77"),
        (f"https://github.com/acme/shop/commit/{_SHA}", f"github:acme/shop@{_SHA}"),
        ("https://github.com/acme/shop/releases/tag/v1.0%2B2", "github:acme/shop@v1.0+2"),
        ("https://github.com/acme/shop/blob/main/a.md#L3", "url:github.com/acme/shop/blob/main/a.md"),
        ("https://ghe.acme.io/acme/shop/issues/5", "url:ghe.acme.io/acme/shop/issues/5"),
        ("https://linear.app/acme/issue/har-7/carts-vanish", "linear:har-7"),
        ("https://linear.app/acme/issue/HAR-7", "linear:har-7"),
        ("https://acme.slack.com/archives/C024BE91L/p1718105580000100", "slack:c024be91l/1718105580.000100"),
        ("https://en.wikipedia.org/wiki/Cart_(shop)", "url:en.wikipedia.org/wiki/cart_(shop)"),
    ],
)
def test_addresses_become_handles(address: str, handle: str) -> None:
    for text in (address, f"see {address}.", f"({address})", f"<{address}>", f"[x]({address})", f"**{address}**,"):
        assert found(text) == [(handle, address)]


def test_a_link_ends_where_it_says_and_an_address_where_its_sentence_goes_on() -> None:
    assert found("[x](https://x.example/a_)") == [("url:x.example/a_", "https://x.example/a_")]
    assert found("https://x.example/a_, https://x.example/b)c") == [
        ("url:x.example/a", "https://x.example/a"),
        ("url:x.example/b", "https://x.example/b"),
    ]


def test_what_is_no_address_is_none() -> None:
    assert found("https:// http://. ftp://x.example https://[ //x.example") == []
    assert found("https://x.example/" + "a" * 3_000) == []


# --- prose


@pytest.mark.parametrize(
    "text",
    [
        "`#1`",
        "``a ` #1``",
        "```\n#1\n```",
        "~~~\n#1",
        "- a\n  ```\n  #1\n  ```",
        "    #1",
        "a\n\n    #1\n\n\t#1",
        "- a\n\n      #1",
        "- a\n# H\n\n    #1",
        "# H\n    #1",
        "a\n\n    - #1",
        "<!-- #1 -->",
        "a <!-- #1\n#1 --> b",
        "<!-- #1\n\n#1",
        "![a](https://x.example/1)",
        "![a](<https://x.example/1> 'title')",
        "<img src='https://x.example/1' alt=x>",
        "<code>#1</code> <PRE class='x'>\n#1</pre>",
        "---\nrelated: '#1'\n---\n",
    ],
)
def test_code_comments_and_pictures_name_nothing(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "`a #1",
        "``a ` #1",
        "\\`#1\\`",
        "`a` #1 `b`",
        "<!-- a --> #1",
        "a <!-- #1",
        "> #1",
        "# #1",
        "- a\n\n  #1",
        "- a\n\n    #1",
        "1. a\n   - b\n\n     #1",
        "a\n    #1",
        "a\n    - #1",
        "- a\n      - #1",
        "    code\n#1",
        "| #1 | x |\n|---|---|",
        "![#1](https://x.example)",
        "\\<!-- #1 -->",
        "<code>a #1",
        "[![b](https://x.example/1)](x) #1",
    ],
)
def test_all_other_places_count(text: str) -> None:
    assert found(text) == [("github:acme/shop#1", "#1")]


# --- closing keywords


@pytest.mark.parametrize("word", "close closes closed fix fixes fixed resolve resolves resolved".split())  # noqa: SIM905
def test_each_keyword_closes(word: str) -> None:
    for text in (f"{word} #1", f"{word.upper()}: #1", f"This {word.title()}   #1.", f"({word} #1)", f"- {word} #1"):
        assert closed(text) == ["acme/shop#1"]


def test_what_can_be_closed() -> None:
    assert closed("Fixes acme/ops#1") == ["acme/ops#1"]
    assert closed("Fixes https://github.com/acme/ops/issues/1") == ["acme/ops#1"]
    assert closed("Fixes https://github.com/acme/ops/pull/1.") == ["acme/ops#1"]
    assert closed("Fixes https://ghe.acme.io/acme/ops/issues/1") == ["url:ghe.acme.io/acme/ops/issues/1"]
    assert closed("Fixes HAR-7, fixes https://linear.app/acme/issue/HAR-8/x") == ["linear:har-7", "linear:har-8"]


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/acme/ops/issues/1#issuecomment-2",
        "https://github.com/acme/ops/discussions/1",
        f"https://github.com/acme/ops/commit/{_SHA}",
        "https://x.example",
        "GH-1",
        _SHA,
    ],
)
def test_what_cannot_be_closed(text: str) -> None:
    assert closed(f"Fixes {text}") == []
    assert len(found(f"Fixes {text}")) == 1


def test_a_keyword_closes_the_one_thing_behind_it() -> None:
    assert closed("Fixes #1, fixes #2") == ["acme/shop#1", "acme/shop#2"]
    assert closed("Fixes #1, #2 and #3") == ["acme/shop#1"]
    assert closed("Closes #1 closes: #2\nRESOLVED #3") == ["acme/shop#1", "acme/shop#2", "acme/shop#3"]


@pytest.mark.parametrize(
    "text",
    [
        "prefixes #1", "hotfix-fixes #1", "unresolved #1", "éfixes #1", "fixing #1", "fixes- #1", "fixes issue #1",
        "fixes#1", "fixes : #1", "fixes\n#1", "fixes `a` #1", "fixes <!-- a --> #1", "**Fixes** #1", "fixes [#1](x)",
        "> fixes #1", "> a\nfixes #1", "- > fixes #1", "fixes (#1)", "fixes:: #1", "fixes,  #1",
    ],
)  # fmt: skip
def test_what_does_not_close(text: str) -> None:
    assert closed(text) == []
    assert len(found(text)) <= 1


def test_below_a_quote_keywords_close_again() -> None:
    assert closed("> fixes #1\n\nfixes #2") == ["acme/shop#2"]
    assert closed("fixes #1\n> fixes #2") == ["acme/shop#1"]


# --- laws

_PIECES = st.sampled_from(
    ["#1", "#23", "fixes ", "Closes: ", "a/b#4", "HAR-7", "`", "``", "```\n", "\n", "\n\n", "> ", "- ", "    ", "<!-- ",
     "-->", "https://x.example/a", "https://github.com/a/b/pull/3", "(", ")", "](", "![", "[", "x", " ", "é", "\u202e",
     "😀", "\\", "."]
)  # fmt: skip
_TEXTS = st.lists(_PIECES | st.text(max_size=4), max_size=30).map("".join)


@given(_TEXTS)
def test_spans_are_exact_in_order_and_do_not_overlap(text: str) -> None:
    end = 0
    for reference in find_references(text, repository="acme/shop"):
        assert end <= reference.start < reference.end <= len(text)
        alone = find_references(text[reference.start : reference.end], repository="acme/shop")
        assert [one.handle for one in alone] == [reference.handle]
        end = reference.end


@given(_TEXTS)
def test_prose_keeps_every_place(text: str) -> None:
    prose = read_prose(text)
    assert len(prose.text) == len(prose.own) == len(text)
    for kept, own, given_ in zip(prose.text, prose.own, text, strict=True):
        assert kept in {given_, BLANK}
        assert own in {kept, BLANK}
        assert (kept == "\n") is (own == "\n") is (given_ == "\n")


@given(_TEXTS)
def test_a_fence_hides_whatever_is_in_it(text: str) -> None:
    inner = text.replace("~", "-")
    assert found(f"~~~~\n{inner}\n~~~~\n") == []


@given(_TEXTS, st.sampled_from(["Words.", "Two words\n- and an item"]))
def test_prose_above_moves_what_stands_below(text: str, above: str) -> None:
    body = text.lstrip()
    if body.startswith("---"):
        return
    lead = f"# Title\n\n{above}\n\n## Next\n\n"
    moved = [
        Reference(one.handle, one.start + len(lead), one.end + len(lead), one.closes)
        for one in find_references(body, repository="acme/shop")
    ]
    assert list(find_references(lead + body, repository="acme/shop")) == moved


# --- hostile texts

_MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        "`", "`a``b", "#1", "a", "a/", "x <!--", "<!-- -->", "fixes ", "fixes https://x/", "http://", "https://a(",
        "https://a)", "https://x....", "![a](b)", "![a](", "![", "<img ", "<code>", "> ", ">\n", "- ", " ", "\t",
        "0123456789abcde", "AB-", "#1_", "a.-", "a/b#", "https://github.com/a/b/issues/1#", "\\", "    x\n", "1.",
        BLANK, "é#1 ", "_",
    ],
)  # fmt: skip
def test_a_megabyte_of_anything_takes_no_more_than_its_length(piece: str) -> None:
    text = (piece * _MEGABYTE)[:_MEGABYTE]
    start = time.process_time()
    find_references(f"{text} fixes #7 HAR-7", repository="a/b")
    # About a second at most; quadratic time would be hours.
    assert time.process_time() - start < 20
