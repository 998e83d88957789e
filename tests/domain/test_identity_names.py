"""Identity: which account and name stand for a person, and all that a person answers to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from identity_claims import ADA, claim, verified

from neural_memory_pipelines.domain.identity import AliasType, name_key, resolve_persons


class TestNamesAndAliases:
    def test_the_account_of_the_first_system_stands_for_the_person(self) -> None:
        ranked = ["github:7", "linear:b", "slack:U1", "notion:a", f"git:{ADA}", "figma:1", "figma:2", "github-login:x"]
        for first in range(len(ranked)):
            found = resolve_persons([verified(account, ADA) for account in reversed(ranked[first:])], [])
            assert set(found.person_of.values()) == {ranked[first]}

    def test_the_name_of_the_most_words_is_shown_then_the_latest(self) -> None:
        said = [claim("github:1", "ada", handle="ada", day=9), claim("github:1", "Ada King", day=1)]
        assert resolve_persons(said, []).names == {"github:1": "Ada King"}
        assert (
            resolve_persons([*said, claim("github:1", "Ada  Lovelace", day=2)], []).names["github:1"] == "Ada Lovelace"
        )

    def test_without_a_name_a_login_is_shown_and_never_a_placeholder(self) -> None:
        found = resolve_persons([claim("github:1", " ", handle="ada"), claim("slack:U1", "[redacted:email]")], [])
        assert found.names == {"github:1": "ada", "slack:U1": "U1"}

    def test_aliases_are_all_that_a_person_answers_to(self) -> None:
        found = resolve_persons(
            [verified("github:1", ADA, name="Ada Lovelace", handle="Ada"), claim("github-login:ada", "ada")], []
        )
        assert {(alias.alias_type, alias.value, alias.verified) for alias in found.aliases} == {
            (AliasType.PROVIDER, "github:1", True),
            (AliasType.PROVIDER, "github-login:ada", True),
            (AliasType.LOGIN, "github:ada", True),
            (AliasType.EMAIL, ADA, True),
            (AliasType.NAME, "ada lovelace", False),
        }
        assert {alias.account for alias in found.aliases} == {"github:1"}

    def test_a_verified_claim_to_an_address_goes_before_a_later_one(self) -> None:
        found = resolve_persons([verified("slack:U1", ADA), claim("github:1", email_hash=ADA, day=5)], [])
        assert [alias.account for alias in found.aliases if alias.alias_type is AliasType.EMAIL] == ["slack:U1"]

    @given(st.text(max_size=20))
    def test_spelling_a_name_twice_changes_nothing(self, name: str) -> None:
        assert name_key(name_key(name)) == name_key(name)
