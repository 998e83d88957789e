"""Identity: what joins two accounts, by the provider, a verified address or signals that agree."""

from __future__ import annotations

from typing import Any

import pytest
from identity_claims import ADA, claim, groups, persons, sets, verified

from neural_memory_pipelines.domain.identity import Reason, Rule, resolve_persons


class TestProvider:
    def test_a_login_is_the_account_that_bears_it(self) -> None:
        found = resolve_persons([claim("github:1", "ada", handle="Ada"), claim("github-login:ada", "ada")], [])
        assert found.person_of == {"github:1": "github:1", "github-login:ada": "github:1"}
        assert found.why == {"github-login:ada": Reason(Rule.PROVIDER, "github:1", "ada")}

    def test_a_login_that_was_reused_is_the_account_last_seen_with_it(self) -> None:
        earlier, later = claim("github:1", handle="ada", day=1), claim("github:2", handle="ada", day=2)
        found = persons(later, earlier, claim("github-login:ada"))
        assert found == sets("github:1", "github:2 github-login:ada")

    def test_two_accounts_seen_with_a_login_at_once_are_told_by_their_ids(self) -> None:
        found = persons(claim("github:2", handle="ada"), claim("github:1", handle="ada"), claim("github-login:ada"))
        assert found == sets("github:1 github-login:ada", "github:2")

    def test_a_login_means_nothing_in_another_system(self) -> None:
        assert len(persons(claim("github:1", handle="ada"), claim("linear-login:ada"))) == 2


class TestVerifiedEmail:
    def test_accounts_with_one_verified_address_are_one_person_even_in_one_system(self) -> None:
        found = resolve_persons([verified("linear:a", ADA), verified("notion:b", ADA), verified("notion:c", ADA)], [])
        assert groups(found) == sets("linear:a notion:b notion:c")
        assert found.why["notion:c"] == Reason(Rule.EMAIL, "linear:a", ADA)

    def test_an_address_that_nobody_vouches_for_joins_nobody(self) -> None:
        assert len(persons(verified("linear:a", ADA), claim("notion:b", email_hash=ADA))) == 2

    def test_commits_belong_to_whoever_has_the_address_verified(self) -> None:
        assert persons(claim(f"git:{ADA}", "ada"), verified("linear:a", ADA)) == sets(f"linear:a git:{ADA}")
        assert len(persons(claim(f"git:{ADA}", "ada"), claim("linear:a", email_hash=ADA))) == 2


class TestAgreement:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"name": "Ada Lovelace", "handle": "ada"}, {"name": "ada  LOVELACE", "handle": "Ada"}),
            ({"name": "Ada Lovelace", "email_hash": ADA}, {"name": "Ada Lovelace", "email_hash": ADA}),
            ({"handle": "ada", "email_hash": ADA}, {"handle": "ada", "email_hash": ADA}),
            ({"name": "Tomás Ibarra", "handle": "t"}, {"name": "Toma\u0301s Ibarra", "handle": "t"}),
        ],
    )
    def test_two_signals_join_accounts_of_two_systems(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        found = resolve_persons([claim("github:1", **one), claim("slack:U1", **other)], [])
        assert groups(found) == sets("github:1 slack:U1")
        assert found.why["slack:U1"].rule is Rule.AGREEMENT
        assert len(persons(claim("github:1", **one), claim("github:2", **other))) == 2

    @pytest.mark.parametrize(
        "said",
        [
            {"name": "Ada Lovelace"},
            {"handle": "ada"},
            {"email_hash": ADA},
            {"name": "Ada", "handle": "ada1"},
            {"name": "ada lovelace", "handle": "ada lovelace"},
            {"name": "Ada Lovelace", "handle": "ada the first"},
            {"name": "[redacted:phone] [redacted:email]", "handle": "ada"},
        ],
    )
    def test_one_signal_is_too_little(self, said: dict[str, Any]) -> None:
        assert len(persons(claim("github:1", **said), claim("slack:U1", **said))) == 2

    def test_a_commit_agrees_by_the_address_in_its_id(self) -> None:
        github = claim("github:1", "Ada Lovelace", email_hash=ADA)
        assert persons(claim(f"git:{ADA}", "Ada Lovelace"), github) == sets(f"github:1 git:{ADA}")

    def test_nobody_is_joined_when_two_accounts_of_a_system_agree_equally(self) -> None:
        said: dict[str, Any] = {"name": "Ada Lovelace", "handle": "ada"}
        found = persons(claim("github:1", **said), claim("github:2", **said), claim("slack:U1", **said))
        assert found == sets("github:1", "github:2", "slack:U1")

    def test_all_three_signals_outweigh_two(self) -> None:
        said: dict[str, Any] = {"name": "Ada Lovelace", "handle": "ada"}
        slack = claim("slack:U1", email_hash=ADA, **said)
        found = persons(claim("github:1", **said), claim("github:2", email_hash=ADA, **said), slack)
        assert found == sets("github:1", "github:2 slack:U1")

    def test_a_chain_joins_all_of_it(self) -> None:
        found = persons(
            claim("github:1", "Ada Lovelace", handle="ada"),
            claim("slack:U1", "Ada Lovelace", handle="ada", email_hash=ADA),
            claim("linear:a", "Ada King", handle="ada", email_hash=ADA),
        )
        assert found == sets("github:1 slack:U1 linear:a")

    def test_a_chain_between_two_accounts_of_a_system_joins_nobody(self) -> None:
        found = persons(
            claim("github:1", "Ada Lovelace", handle="ada"),
            claim("slack:U1", "Ada Lovelace", handle="ada", email_hash=ADA),
            claim("linear:a", "Ada King", handle="ada", email_hash=ADA),
            claim("github:2", "Ada King", handle="ada"),
        )
        assert len(found) == 4

    def test_two_accounts_of_one_system_that_agree_put_nothing_else_in_doubt(self) -> None:
        found = persons(
            claim("github:1", "Ada Lovelace", handle="ada", email_hash=ADA),
            claim("github:2", "Ada King", handle="ada", email_hash=ADA),
            claim("slack:U1", "Ada Lovelace", handle="ada"),
        )
        assert found == sets("github:1 slack:U1", "github:2")

    def test_a_person_found_before_speaks_with_the_signals_of_all_its_accounts(self) -> None:
        found = resolve_persons(
            [
                verified("github:1", ADA, handle="ada"),
                claim(f"git:{ADA}", "Ada Lovelace"),
                claim("slack:U1", "Ada Lovelace", handle="ada"),
            ],
            [],
        )
        assert groups(found) == sets(f"github:1 git:{ADA} slack:U1")
        assert found.why["slack:U1"] == Reason(Rule.AGREEMENT, "github:1", "name ada lovelace, handle ada")

    def test_many_accounts_that_agree_are_not_compared_each_with_each(self) -> None:
        said: dict[str, Any] = {"name": "Root User", "handle": "root", "email_hash": ADA}
        crowd = [claim(f"{system}:{number}", **said) for system in ("github", "slack") for number in range(10_000)]
        alone = [claim("linear:a", "Ada Lovelace", handle="ada"), claim("notion:n", "Ada Lovelace", handle="ada")]
        found = resolve_persons([*crowd, *alone], [])
        assert found.why.keys() == {"notion:n"}
