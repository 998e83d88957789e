"""What a page says of other documents, owners, components and people: by front matter and by words."""

from __future__ import annotations

import time

import pytest
from docs_events import read, stated

from neural_memory_pipelines.domain.documents import SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType, NodeKind

RFC = "rfcs/0005-postgres.md"


def references(draft: SourceDraft) -> list[tuple[str, str]]:
    return [(handle, words) for _, handle, words in stated(draft, EdgeType.REFERENCES)]


@pytest.mark.parametrize(
    ("target", "handle"),
    [
        ("setup.md", "docs:handbook/guides/setup.md"),
        ("./setup.md#first-step", "docs:handbook/guides/setup.md"),
        ("../rfcs/0001.md?plain=1", "docs:handbook/rfcs/0001.md"),
        ("/rooted/Path.md", "docs:handbook/rooted/path.md"),
        ("caf%C3%A9%20au%20lait.md", "docs:handbook/guides/café au lait.md"),
        ("<setup.md>", "docs:handbook/guides/setup.md"),
        ('setup.md "Title"', "docs:handbook/guides/setup.md"),
        ("a_(b).md", "docs:handbook/guides/a_(b).md"),
        ("sub/", "docs:handbook/guides/sub"),
        ("../", None),
        ("../../outside.md", None),
        ("#anchor", None),
        ("mailto:x@example.org", None),
        ("javascript:alert(1)", None),
        ("//example.org/x", None),
        ("{{page.url}}", None),
        ("install.md", None),
        ("/guides/install", None),
    ],
)
def test_links_by_path(target: str, handle: str | None) -> None:
    draft = read(f"Read [the `page`]({target}) first.\n")
    assert references(draft) == ([(handle, f"[the `page`]({target})")] if handle else [])


def test_links_that_are_no_prose_count_for_nothing() -> None:
    assert references(read("`[a](b.md)`\n\n```\n[a](c.md) RFC 3\n```\n\n<!-- [a](d.md) -->\n\n![a](e.png)\n")) == []
    assert references(read("See [it][1].\n\n[1]: setup.md\n")) == [("docs:handbook/guides/setup.md", "[1]: setup.md")]


def test_a_document_is_referred_to_once_by_its_first_place() -> None:
    draft = read("[first](b.md), [second](b.md#x), and acme/shop#3, then #4 and ENG-12.\n")
    assert references(draft) == [
        ("docs:handbook/guides/b.md", "[first](b.md)"),
        ("github:acme/shop#3", "acme/shop#3"),
        ("linear:eng-12", "ENG-12"),
    ]
    many = read("".join(f"[x](page-{number}.md)\n" for number in range(300)))
    assert len(references(many)) == 200


def test_numbers_of_a_series_whose_files_bear_its_name() -> None:
    text = "PEP 8, pep-0257, PEP 8.1, XPEP 9, PEPs 1, 2 and 3, PEP\n12, PEP 30000, PEP 20 and `PEP 404`, PEP 7-like."
    draft = read(text, "peps/pep-0020.rst")
    assert references(draft) == [
        ("docs:handbook/peps/pep-0008.rst", "PEP 8"),
        ("docs:handbook/peps/pep-0257.rst", "pep-0257"),
        ("docs:handbook/peps/pep-0001.rst", "PEPs 1"),
        ("docs:handbook/peps/pep-0002.rst", "2"),
        ("docs:handbook/peps/pep-0003.rst", "3"),
        ("docs:handbook/peps/pep-0012.rst", "PEP\n12"),
        ("docs:handbook/peps/pep-30000.rst", "PEP 30000"),
        ("docs:handbook/peps/pep-0404.rst", "PEP 404"),
        ("docs:handbook/peps/pep-0007.rst", "PEP 7"),
    ] or draft.body.count("`PEP 404`")


def test_names_that_a_page_of_a_series_answers_to() -> None:
    assert read("words", "peps/pep-0008.rst").handles == (
        "docs:handbook/peps/pep-0008",
        "docs:handbook/peps/pep-8",
        "docs:handbook/pep-8",
    )
    assert read("# RFC 0003: Kafka", "rfcs/0003-kafka.md").handles == (
        "docs:handbook/rfcs/0003-kafka",
        "docs:handbook/rfcs/0003",
        "docs:handbook/rfcs/3",
        "docs:handbook/rfc-3",
    )
    assert read("words", "docs/decisions/ADR-0012-x.md").handles == (
        "docs:handbook/docs/decisions/adr-0012-x",
        "docs:handbook/docs/decisions/adr-0012",
        "docs:handbook/docs/decisions/adr-12",
        "docs:handbook/adr-12",
    )
    assert read("words", "postmortems/2026-06-11-loss.md").handles == ("docs:handbook/postmortems/2026-06-11-loss",)
    assert read("words", "LICENSE").handles == ()


def test_numbers_of_a_series_whose_files_have_numbers_only() -> None:
    assert references(read("# RFC 0005: Postgres\n\nUnlike RFC 3 and RFC 0005.\n", RFC)) == [
        ("docs:handbook/rfcs/0003", "RFC 3")
    ]
    assert references(read("By ADR 7 and step 3.\n", "docs/adr/0001-x.md")) == [
        ("docs:handbook/docs/adr/0007", "ADR 7")
    ]


def test_a_number_named_outside_of_its_series_means_that_of_the_store() -> None:
    target = read("# RFC 0003: Kafka", "rfcs/0003-kafka.md")
    ((handle, words),) = references(read("As RFC 0003 says, in step 4 of Python 3.\n"))
    assert words == "RFC 0003"
    assert handle in target.handles


def test_a_link_counts_for_the_number_in_it() -> None:
    draft = read("[RFC 0003](0003-kafka.md), [RFC 2](https://example.org/rfc-0002).\n", RFC)
    assert references(draft) == [
        ("docs:handbook/rfcs/0003-kafka.md", "[RFC 0003](0003-kafka.md)"),
        ("docs:handbook/rfcs/0002", "RFC 2"),
        ("url:example.org/rfc-0002", "https://example.org/rfc-0002"),
    ]


@pytest.mark.parametrize(
    ("front", "link"),
    [
        ("superseded_by: '0005'", ("SUPERSEDES", "docs:handbook/rfcs/0005 ->")),
        ("superseded_by: 0010", ("SUPERSEDES", "docs:handbook/rfcs/0010 ->")),
        ("superseded-by: 5", ("SUPERSEDES", "docs:handbook/rfcs/0005 ->")),
        ("Replaced By: RFC 7", ("SUPERSEDES", "docs:handbook/rfcs/0007 ->")),
        ("supersedes: ['0002-redis.md']", ("SUPERSEDES", "docs:handbook/rfcs/0002-redis.md")),
        ("replaces: '[two](0002-redis.md)'", ("SUPERSEDES", "docs:handbook/rfcs/0002-redis.md")),
        ("requires: RFC-0001", ("REQUIRES", "docs:handbook/rfcs/0001")),
        ("depends_on: /guides/setup.md", ("REQUIRES", "docs:handbook/guides/setup.md")),
        ("related: [{title: x, url: 'https://example.org/x'}]", ("RELATES_TO", "url:example.org/x")),
        ("see_also: 0002-redis", ("RELATES_TO", "docs:handbook/rfcs/0002-redis")),
        ("implements: acme/shop#12", ("IMPLEMENTS", "github:acme/shop#12")),
        ("implements: ENG-12", ("IMPLEMENTS", "linear:eng-12")),
        ("resolution: https://example.org/r", ("REFERENCES", "url:example.org/r")),
        ("component: Receiver", ("TOUCHES_COMPONENT", "component:receiver")),
        ("owner: '@acme/Payments'", ("OWNED_BY", "github:acme/payments")),
        ("owner: '@ada'", ("OWNED_BY", "github-login:ada")),
        ("owners: [Payments team]", ("OWNED_BY", "docs:payments team")),
        ("team: payments", ("OWNED_BY", "docs:payments")),
        ("owner: Ada Lovelace", ("OWNED_BY", "docs-login:ada lovelace")),
    ],
)
def test_front_matter_states_links(front: str, link: tuple[str, str]) -> None:
    key = front.partition(":")[0].lower().replace("-", "_").replace(" ", "_")
    assert stated(read(f"---\n{front}\n---\nwords\n", "rfcs/0003-kafka.md")) == [(*link, f"frontmatter.{key}")]


@pytest.mark.parametrize(
    "front",
    [
        "superseded_by: true",
        "superseded_by: 1.5",
        "superseded_by: not yet decided",
        "superseded_by: '0003'",
        "supersedes: 0003-kafka.md",
        "superseded_by: '[redacted:email]'",
        "discussions_to: list@example.org",
        "superseded_by: {a: [b]}",
        "superseded_by:",
        "component: ' , '",
        "owner: TBD",
    ],
)
def test_front_matter_that_names_nothing(front: str) -> None:
    assert read(f"---\n{front}\n---\nwords\n", "rfcs/0003-kafka.md").links == ()


def test_a_list_of_numbers_names_each() -> None:
    draft = read("---\nrequires: 1, 2 and RFC 4\ncomponents: [receiver, Sender]\n---\nwords", RFC)
    assert [handle for _, handle, _ in stated(draft)] == [
        *("docs:handbook/rfcs/0001", "docs:handbook/rfcs/0002", "docs:handbook/rfcs/0004"),
        *("component:receiver", "component:sender"),
    ]
    names = [link.target.name for link in draft.links if link.target and link.target.kind is NodeKind.COMPONENT]
    assert names == ["receiver", "Sender"]


@pytest.mark.parametrize(
    ("line", "words", "arrow"),
    [
        ("Status: Superseded by RFC 6", "Superseded by RFC 6", " ->"),
        ("**Status:** superseded by [six](0006-x.md)", "superseded by [six](0006-x.md)", " ->"),
        ("> Superseded by [RFC 6](0006-x.md) on 29 July.", "Superseded by [RFC 6](0006-x.md)", " ->"),
        ("- Status: accepted, supersedes RFC 6", "supersedes RFC 6", ""),
        ("Replaces RFC 6.", "Replaces RFC 6", ""),
        ("This RFC has been superseded by RFC 6.", "superseded by RFC 6", " ->"),
    ],
)
def test_lines_that_say_what_supersedes_what(line: str, words: str, arrow: str) -> None:
    draft = read(f"# Five\n\n{line}\n\nMore about RFC 9.\n", RFC)
    ((_, handle, found),) = stated(draft, EdgeType.SUPERSEDES)
    assert found == words
    assert handle in {f"docs:handbook/rfcs/0006{arrow}", f"docs:handbook/rfcs/0006-x.md{arrow}"}


@pytest.mark.parametrize(
    "line",
    [
        "It was superseded by RFC 6.",
        "Superseded by nothing yet. See RFC 6.",
        "Superseded by\n\nRFC 6",
        "`Superseded by RFC 6`",
        "Status: Superseded by RFC 5",
    ],
)
def test_lines_that_do_not_say_so(line: str) -> None:
    assert stated(read(f"# Five\n\n{line}\n", RFC), EdgeType.SUPERSEDES) == []


def test_a_status_of_the_front_matter_may_name_the_successor() -> None:
    draft = read("---\nstatus: Superseded by ADR-0007\n---\nwords", "adr/0003-x.md")
    assert stated(draft) == [("SUPERSEDES", "docs:handbook/adr/0007 ->", "frontmatter.status")]


def test_logins_are_people() -> None:
    draft = read("Ask @Ada or @ada, not me@example.org, @acme/team, @scope.x, `@code`, @here.\n\n(@bob-b)\n")
    assert stated(draft, EdgeType.MENTIONS) == [
        ("MENTIONS", "github-login:ada", "@Ada"),
        ("MENTIONS", "github-login:bob-b", "@bob-b"),
    ]
    assert {link.confidence for link in draft.links} == {0.5}
    assert stated(read("Use @property.\n", "a.rst"), EdgeType.MENTIONS) == []


def test_other_addresses_of_a_page() -> None:
    front = "permalink: /docs/start/\nslug: begin\nredirect_from:\n  - /old/\nurl: x\naliases: https://Example.org/a/"
    draft = read(f"---\n{front}\n---\nSee [me](/old).\n")
    assert draft.handles == (
        "docs:handbook/guides/install",
        "docs:handbook/docs/start",
        "docs:handbook/guides/begin",
        "url:example.org/a",
        "docs:handbook/old",
    )
    assert draft.links == ()


def test_what_an_observation_is_about() -> None:
    decided = "## Decision\n\nWe take [b](b.md), acme/shop#3, https://example.org."
    (decision,) = read(f"See [other](x.md).\n\n{decided}\n\n## Later\n\nENG-1\n").observations
    assert decision.subject_refs == ("handbook/guides/install.md", "handbook/guides/b.md", "acme/shop#3")
    (many,) = read("## Decision\n\n" + "".join(f"[x](p{number}.md)\n" for number in range(90))).observations
    assert len(many.subject_refs) == 32


@pytest.mark.parametrize(
    "piece",
    [
        "[", "[a](", "[](", "](", "RFC ", "RFC 1, ", "RFCs 1, 2, ", "@a-", "@", "* ", "status: ", "this x was ", "a(",
        "[a]: ", "superseded by ", "`", "<", "[a](b 'c",
    ],
)  # fmt: skip
def test_hostile_text_costs_little(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    read(text, RFC)
    assert time.process_time() - started < 20
