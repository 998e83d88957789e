"""Owners that tables of pages state, row by row; and all the tables and cells that state nothing."""

from __future__ import annotations

import time

import pytest
from docs_events import read, stated

from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef

PAGE = """\
# Who owns what

| Component | where | Owner | second | since |
|---|---|---|---|---|
| receiver | payments/receiver | Sanne de Vries | Tomás Ibarra (until 31 August), then Yuki Tanabe | 2026-07-20 |
| `ledger-api` | payments/ledger | **Mara Lindqvist** | - | 2024 |
| Kubernetes, CI | platform | @priyarag, @Acme/Platform | Dele Okonkwo | 2024 |
"""
ADA = NodeRef(NodeKind.PERSON, "docs-login:ada lovelace", "Ada Lovelace")
CART = NodeRef(NodeKind.COMPONENT, "component:cart", "cart")


def owned(content: str, path: str = "guides/owners.md") -> list[LinkDraft]:
    return [link for link in read(content, path).links if link.type is EdgeType.OWNED_BY]


def table(header: str, *rows: str) -> str:
    dashes = "|".join("---" for _ in header.split("|"))
    return "\n".join(f"| {line} |" for line in (header, dashes, *rows)) + "\n"


def of_cell(cell: str) -> list[NodeRef | None]:
    return [link.target for link in owned(table("component | owner", f"cart | {cell}"))]


def test_each_row_states_its_owners_by_its_words() -> None:
    lines = PAGE.splitlines()
    assert stated(read(PAGE), EdgeType.OWNED_BY) == [
        ("OWNED_BY", "docs-login:sanne de vries", lines[4]),
        ("OWNED_BY", "docs-login:mara lindqvist", lines[5]),
        ("OWNED_BY", "github-login:priyarag", lines[6]),
        ("OWNED_BY", "github:acme/platform", lines[6]),
        ("OWNED_BY", "github-login:priyarag", lines[6]),
        ("OWNED_BY", "github:acme/platform", lines[6]),
    ]
    origins = [link.origin for link in owned(PAGE)]
    assert [origin and (origin.kind, origin.handle, origin.name) for origin in origins] == [
        (NodeKind.COMPONENT, "component:receiver", "receiver"),
        (NodeKind.COMPONENT, "component:ledger-api", "ledger-api"),
        *[(NodeKind.COMPONENT, "component:kubernetes", "Kubernetes")] * 2,
        *[(NodeKind.COMPONENT, "component:ci", "CI")] * 2,
    ]


def test_a_component_has_the_key_that_github_labels_give_it() -> None:
    (link,) = owned(table("component | owner", "Cart  API | Ada Lovelace"))
    assert link == LinkDraft(
        EdgeType.OWNED_BY,
        ADA,
        NodeRef(NodeKind.COMPONENT, "component:cart api", "Cart API"),
        start=link.start,
        end=link.end,
    )


@pytest.mark.parametrize(
    "header",
    [
        "component | owner",
        "Components | OWNERS",
        "**Service** | Owned by",
        "system | owner(s)",
        "Area | maintainer",
        "Packages | Maintainers",
        "module name | responsible",
        "repository | owner",
        "# | component | owner",
        "area | component | owner",
        "component | repository | owner",
        "component | owner | maintainers",
        "component | backup | owner | on call",
    ],
)
def test_headers_that_say_who_owns_what(header: str) -> None:
    names = [name.strip().lower().replace("*", "") for name in header.split("|")]
    part = "component" if "component" in names else next(name for name in names if name != "#")
    owner = "owner" if "owner" in names else names[-1]
    cells = {part: "cart", owner: "Ada Lovelace"}
    (link,) = owned(table(header, " | ".join(cells.get(name, "Grace Hopper") for name in names)))
    assert (link.origin, link.target) == (CART, ADA)


def test_an_owner_may_stand_first() -> None:
    (link,) = owned(table("owner | component", "Ada Lovelace | cart"))
    assert (link.origin, link.target) == (CART, ADA)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("cost | amount | owner", "hosting | 400 EUR | Ada Lovelace"),
        ("service | monthly cost | owner", "hosting | 400 EUR | Ada Lovelace"),
        ("date | component | change | owner", "2026-07-20 | cart | faster | Ada Lovelace"),
        ("date | component | owner", "2026-07-20 | cart | Ada Lovelace"),
        ("version | component | maintainer", "1.2 | cart | Ada Lovelace"),
        ("action | component | owner | due", "rewrite it | cart | Ada Lovelace | Friday"),
        ("component | action item | owner", "cart | rewrite it | Ada Lovelace"),
        ("component | risk | owner", "cart | it may fail | Ada Lovelace"),
        ("component | second", "cart | Ada Lovelace"),
        ("component | backup", "cart | Ada Lovelace"),
        ("component | deputy owner", "cart | Ada Lovelace"),
        ("component | previous owner", "cart | Ada Lovelace"),
        ("component | owner | owner", "cart | Ada Lovelace | Grace Hopper"),
        ("service | system | owner", "cart | shop | Ada Lovelace"),
        ("component | author", "cart | Ada Lovelace"),
        ("owner | date", "Ada Lovelace | Friday"),
    ],
)
def test_tables_about_anything_else_state_nothing(header: str, row: str) -> None:
    assert owned(table(header, row)) == []


@pytest.mark.parametrize(
    "heading",
    ["Example", "Former owners", "Proposed owners", "Recent changes", "Changelog", "History", "Until July 2026", "Old"],
)
def test_what_does_not_hold_or_not_any_more_states_nothing(heading: str) -> None:
    rows = table("component | owner", "cart | Ada Lovelace")
    assert owned(f"# Owners\n\n## {heading}\n\n### Components\n\n{rows}") == []
    assert len(owned(f"# Owners\n\n## {heading}\n\nwords\n\n## Components\n\n{rows}")) == 1


def test_an_example_in_code_states_nothing() -> None:
    rows = table("component | owner", "cart | Ada Lovelace")
    assert owned(f"```\n{rows}```\n\n~~~markdown\n{rows}~~~\n\n> {rows.replace(chr(10), chr(10) + '> ')}\n") == []


@pytest.mark.parametrize(
    ("cell", "handles"),
    [
        ("Sanne de Vries", ["docs-login:sanne de vries"]),
        ("Fred L. Drake", ["docs-login:fred l. drake"]),
        ("Séan O'Brien-Müller", ["docs-login:séan o'brien-müller"]),
        ("_Ada Lovelace_", ["docs-login:ada lovelace"]),
        ("**`@ada`**", ["github-login:ada"]),
        ("@Ada", ["github-login:ada"]),
        ("Ada Lovelace (@ada)", ["github-login:ada"]),
        ("Ada (@ada)", ["github-login:ada"]),
        ("[Ada Lovelace](https://github.com/ada)", ["github-login:ada"]),
        ("[Ada Lovelace](../people/ada.md)", ["docs-login:ada lovelace"]),
        ("Ada Lovelace <[redacted:email]>", ["docs-login:ada lovelace"]),
        ("[Ada Lovelace](mailto:[redacted:email])", ["docs-login:ada lovelace"]),
        ("Ada Lovelace, Grace Hopper", ["docs-login:ada lovelace", "docs-login:grace hopper"]),
        ("Ada Lovelace and @grace", ["docs-login:ada lovelace", "github-login:grace"]),
        ("Ada Lovelace<br>Grace Hopper<br/>", ["docs-login:ada lovelace", "docs-login:grace hopper"]),
        ("@ada, @ada", ["github-login:ada"]),
        ("@acme/payments", ["github:acme/payments"]),
        ("Payments team", ["docs:payments team"]),
        ("checkout-squad", ["docs:checkout-squad"]),
    ],
)
def test_owners_that_are_plain(cell: str, handles: list[str]) -> None:
    assert [owner.handle for owner in of_cell(cell) if owner] == handles


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "-",
        "—",
        "TBD",
        "n/a",
        "nobody",
        "Tomás Ibarra (until 31 August), then Yuki Tanabe",
        "Tomás Ibarra until 31 August",
        "Tomás Ibarra → Yuki Tanabe",
        "~~Tomás Ibarra~~ Yuki Tanabe",
        "~~Tomás Ibarra~~",
        "Yuki Tanabe?",
        "Yuki Tanabe (interim)",
        "Yuki Tanabe, TBD",
        "was Yuki Tanabe",
        "moved to Yuki (@yuki)",
        "Ask Priya",
        "Sanne",
        "platform",
        "Platform Engineering",
        "Customer Support",
        "On Call",
        "@oncall",
        "@payments-team",
        "@here",
        "the team",
        "Same team",
        "Team Lead",
        "Backend (@backend-oncall)",
        "[redacted:email]",
        "#payments-help",
        "see CODEOWNERS",
        "2 people",
        "Ada Lovelace " * 60,
    ],
)
def test_owners_that_are_not_plain_state_nothing(cell: str) -> None:
    assert of_cell(cell) == []


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "-",
        "TBD",
        "everything else",
        "all services",
        "~~cart~~",
        "cart (old)",
        "**cart**, and so on",
        "services/*",
        "12",
        "Whatever has to do with the money of our customers",
        "c" * 100,
    ],
)
def test_components_that_are_not_plain_state_nothing(cell: str) -> None:
    assert owned(table("component | owner", f"{cell} | Ada Lovelace")) == []


def test_a_full_name_of_a_repository_is_the_repository() -> None:
    rows = table("repository | owner", "`Acme/Shop` | @ada", "cart | @ada")
    assert [link.origin for link in owned(rows)] == [
        NodeRef(NodeKind.REPOSITORY, "github:acme/shop", "Acme/Shop"),
        CART,
    ]
    (link,) = owned(table("component | owner", "payments/receiver | @ada"))
    assert link.origin == NodeRef(NodeKind.COMPONENT, "component:payments/receiver", "payments/receiver")


def test_a_row_without_the_column_states_nothing() -> None:
    assert owned(table("component | where | owner", "cart | shop", "cart")) == []


def test_a_table_of_restructuredtext_is_read_too() -> None:
    rule = "=========  ============\n"
    rows = f"{rule}Component  Owner\n{rule}cart       Ada Lovelace\n{rule}"
    (link,) = owned(f"Owners\n======\n\n{rows}", "guides/owners.rst")
    assert (link.origin, link.target) == (CART, ADA)


@pytest.mark.parametrize(
    "row",
    [
        f"cart | {'@a, ' * 50_000}",
        f"cart | {' ' * 100_000}[redacted",
        f"{'c, ' * 50_000} | @ada",
        "cart | @ada\n" * 9_000,
    ],
)
def test_time_and_links_are_bounded(row: str) -> None:
    started = time.process_time()
    assert len(owned(table("component | owner", *row.split("\n")))) <= 2_000
    assert time.process_time() - started < 5
