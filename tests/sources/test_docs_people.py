"""Who wrote a page: front matter before commits, addresses hashed, bots and teams no authors."""

from __future__ import annotations

from typing import Any

import pytest
from docs_events import read, stated

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.graph import EdgeType

ADA_HASH = hash_email("ada@example.org")


def authors(front: str, **fields: Any) -> tuple[Account | None, tuple[Account, ...]]:
    draft = read(f"---\n{front}\n---\nwords\n", **fields)
    return draft.author, draft.accounts


def named(name: str, **fields: Any) -> Account:
    return Account(f"docs-login:{name.lower()}", name, **fields)


@pytest.mark.parametrize(
    ("value", "account"),
    [
        ("Ada Lovelace", named("Ada Lovelace")),
        ("'@ada'", Account("github-login:ada", "ada", handle="ada")),
        ("mlindqvist", Account("github-login:mlindqvist", "mlindqvist", handle="mlindqvist")),
        ("Ada <ada@Example.org>", named("Ada", email_hash=ADA_HASH)),
        ("Ada <ada at example.org>", named("Ada", email_hash=ADA_HASH)),
        ("ada@example.org (Ada Lovelace)", named("Ada Lovelace", email_hash=ADA_HASH)),
        ("'Ada <[redacted:email]>'", named("Ada")),
        ("'[redacted:email] (Ada Lovelace)'", named("Ada Lovelace")),
        ("Ada (she/her)", named("Ada")),
        ("harbor-bot[bot]", named("harbor-bot[bot]", is_bot=True)),
    ],
)
def test_a_person_in_the_front_matter(value: str, account: Account) -> None:
    assert authors(f"author: {value}") == (account, ())


@pytest.mark.parametrize(
    "value",
    ["TBD", "'[redacted:email]'", "'@acme/payments'", "Payments team", "payments-team", "tbd", "''", "[]", "1.5"],
)
def test_who_is_no_person_is_no_author(value: str) -> None:
    assert authors(f"author: {value}") == (None, ())


def test_several_authors() -> None:
    draft = read("---\nauthors: [Ada, {name: Grace}, '@barbara', Ada]\nowner: Dana\n---\nwords")
    assert draft.author == named("Ada")
    assert draft.accounts == (named("Grace"), Account("github-login:barbara", "barbara", handle="barbara"))
    assert stated(draft, EdgeType.AUTHORED_BY) == [
        ("AUTHORED_BY", "docs-login:grace", "frontmatter.authors"),
        ("AUTHORED_BY", "github-login:barbara", "frontmatter.authors"),
    ]
    listed = read("---\nauthor: Ada, Fred L. Drake, Jr., Grace and Dana & Kim\n---\nwords")
    assert [account.name for account in (listed.author, *listed.accounts) if account] == [
        "Ada",
        "Fred L. Drake, Jr.",
        "Grace",
        "Dana",
        "Kim",
    ]


def test_the_author_of_a_commit_is_known_by_the_hash_of_the_address() -> None:
    draft = read("words", author={"name": "Ada", "email": "ADA@example.org"}, authors=[{"name": "Grace"}, {}])
    assert draft.author == Account(f"git:{ADA_HASH}", "Ada", email_hash=ADA_HASH)
    assert draft.accounts == (Account("git-login:grace", "Grace"),)
    assert stated(draft, EdgeType.AUTHORED_BY) == [("AUTHORED_BY", "git-login:grace", "authors")]


@pytest.mark.parametrize(
    ("address", "provider_id", "is_bot"),
    [
        ("583231+octo-cat@users.noreply.github.com", "github:583231", False),
        ("Octo-Cat@users.noreply.github.com", "github-login:octo-cat", False),
        ("49699333+dependabot[bot]@users.noreply.github.com", "github:49699333", True),
    ],
)
def test_a_noreply_address_tells_the_account(address: str, provider_id: str, is_bot: bool) -> None:
    draft = read("words", author={"name": "Octo", "email": address})
    (account,) = filter(None, (draft.author, *draft.accounts))
    assert (account.provider_id, account.name, account.is_bot, account.email_hash) == (
        provider_id,
        "Octo",
        is_bot,
        None,
    )
    assert account.handle is not None
    assert account.handle in address


def test_a_bot_that_touched_a_page_has_not_written_it() -> None:
    bot = {"name": "renovate[bot]", "email": "29139614+renovate[bot]@users.noreply.github.com"}
    draft = read("## Decision\n\nWe do.\n", author=bot)
    assert draft.author is None
    assert [account.is_bot for account in draft.accounts] == [True]
    assert len(draft.observations) == 1
    after = read("words", author=bot, authors=[bot, {"name": "Ada", "email": "ada@example.org"}])
    assert after.author == Account(f"git:{ADA_HASH}", "Ada", email_hash=ADA_HASH)


def test_the_front_matter_knows_better_than_the_commits() -> None:
    draft = read("---\nauthor: Ada\n---\nwords", author={"name": "Grace", "email": "g@example.org"})
    assert draft.author == named("Ada")
    assert [account.name for account in draft.accounts] == ["Grace"]
    assert stated(draft, EdgeType.AUTHORED_BY) == []


def test_no_address_is_kept() -> None:
    content = (
        "---\nauthor: Ada <ada@example.org>, Grace <grace at example.org>\nowner: Dana <dana@example.org>\n---\nwords"
    )
    draft = read(content, author={"name": "eve@example.org", "email": "eve@example.org"})
    assert "example.org" not in repr(draft)
    assert draft.metadata["frontmatter"] == {"author": "Ada , Grace", "owner": "Dana"}


def test_names_of_any_length_are_read() -> None:
    account, others = authors(f"author: {'Ada ' * 10_000}")
    assert account is not None
    assert len(account.name) <= 120
    assert others == ()
    account, others = authors(f"author: {', '.join(f'P{number}' for number in range(500))}")
    assert len(others) == 49
