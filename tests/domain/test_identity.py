"""Identity: each rule by example, and the laws that hold for every set of claims and decisions."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.identity import (
    AliasType,
    Claim,
    Decision,
    Identities,
    Reason,
    Rule,
    name_key,
    resolve_persons,
)

START = datetime(2026, 6, 1, tzinfo=UTC)
ADA, BOB = str(hash_email("ada@shop.example")), str(hash_email("bob@shop.example"))


def claim(account: str, name: str = "", *, day: int = 0, **said: Any) -> Claim:
    fields: dict[str, Any] = {"handle": None, "email_hash": None, "email_verified": False, "is_bot": False}
    return Claim(account, name, **(fields | said), seen_at=START + timedelta(days=day))


def verified(account: str, address: str, **said: Any) -> Claim:
    return claim(account, email_hash=address, email_verified=True, **said)


def decide(kind: Literal["merge", "split"], first: str, second: str, *, day: int = 0, number: str = "d1") -> Decision:
    return Decision(kind, first, second, START + timedelta(days=day), number)


def groups(found: Identities) -> set[frozenset[str]]:
    members: defaultdict[str, set[str]] = defaultdict(set)
    for account, person in found.person_of.items():
        members[person].add(account)
    return {frozenset(accounts) for accounts in members.values()}


def persons(*claims: Claim, decisions: Iterable[Decision] = ()) -> set[frozenset[str]]:
    return groups(resolve_persons(claims, decisions))


def sets(*accounts: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in accounts}


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


class TestDecisions:
    def test_a_merge_joins_accounts_that_nothing_else_does(self) -> None:
        found = resolve_persons([claim("slack:U1"), claim("slack:U2")], [decide("merge", "slack:U2", "slack:U1")])
        assert groups(found) == sets("slack:U1 slack:U2")
        assert found.why == {"slack:U2": Reason(Rule.DECISION, "slack:U1", "d1")}

    @pytest.mark.parametrize(
        "claims",
        [
            [claim("github:1", handle="ada"), claim("github-login:ada")],
            [verified("github:1", ADA), verified("github-login:ada", ADA)],
            [claim("github:1", "Ada King", handle="a"), claim("github-login:ada", "Ada King", email_hash=ADA)],
        ],
    )
    def test_a_split_wins_over_every_rule(self, claims: list[Claim]) -> None:
        assert len(persons(*claims, decisions=[decide("split", "github-login:ada", "github:1")])) == 2

    def test_the_later_decision_on_a_pair_holds_and_of_two_at_once_the_greater_id(self) -> None:
        claims = [claim("slack:U1"), claim("linear:a")]
        merge, split = decide("merge", "slack:U1", "linear:a", day=1), decide("split", "linear:a", "slack:U1", day=2)
        assert len(persons(*claims, decisions=[split, merge])) == 2
        at_once = decide("merge", "slack:U1", "linear:a", day=2, number="d2")
        assert len(persons(*claims, decisions=[at_once, split])) == 1

    def test_other_accounts_go_with_the_split_account_that_they_are_joined_to_directly(self) -> None:
        chain = [
            verified("github:1", "h1"),
            verified("linear:p", "h1"),
            verified("linear:p", "h2"),
            verified("notion:q", "h2"),
            verified("notion:q", "h3"),
            verified("slack:U1", "h3"),
        ]
        found = persons(*chain, decisions=[decide("split", "github:1", "slack:U1")])
        assert found == sets("github:1 linear:p", "notion:q slack:U1")

    def test_what_is_joined_to_both_goes_by_the_stronger_rule_and_then_with_the_first_in_rank(self) -> None:
        claims = [verified("slack:U1", ADA, handle="ada"), verified("github:1", ADA), verified("slack-login:ada", ADA)]
        split = decide("split", "slack:U1", "github:1")
        assert persons(*claims, decisions=[split]) == sets("github:1", "slack:U1 slack-login:ada")
        claims = [verified("slack:U1", ADA), verified("github:1", ADA), verified("linear:a", ADA)]
        assert persons(*claims, decisions=[split]) == sets("github:1 linear:a", "slack:U1")

    def test_a_merge_moves_an_account_to_the_other_side(self) -> None:
        claims = [verified("slack:U1", ADA), verified("github:1", ADA), verified("linear:a", ADA)]
        decisions = [decide("split", "slack:U1", "github:1"), decide("merge", "linear:a", "slack:U1", number="d2")]
        assert persons(*claims, decisions=decisions) == sets("github:1", "slack:U1 linear:a")

    def test_what_was_merged_with_a_split_account_is_split_too(self) -> None:
        claims = [verified("github:1", ADA), verified("linear:b", ADA), claim("slack:U1")]
        decisions = [decide("split", "slack:U1", "linear:b"), decide("merge", "github:1", "slack:U1", number="d2")]
        assert persons(*claims, decisions=decisions) == sets("github:1 slack:U1", "linear:b")

    def test_of_merges_that_contradict_a_split_the_later_hold(self) -> None:
        claims = [claim("github:1"), claim("linear:a"), claim("slack:U1")]
        decisions = [
            decide("merge", "github:1", "linear:a", day=1),
            decide("merge", "linear:a", "slack:U1", day=2),
            decide("split", "github:1", "slack:U1", day=0),
        ]
        assert persons(*claims, decisions=decisions) == sets("github:1", "linear:a slack:U1")

    def test_a_split_settles_which_of_two_an_account_is(self) -> None:
        said: dict[str, Any] = {"name": "Ada Lovelace", "handle": "ada"}
        claims = [claim("github:1", **said), claim("github:2", **said), claim("slack:U1", **said)]
        found = persons(*claims, decisions=[decide("split", "slack:U1", "github:1")])
        assert found == sets("github:1", "github:2 slack:U1")

    def test_a_decision_on_an_unknown_account_or_on_one_alone_changes_nothing(self) -> None:
        decisions = [decide("merge", "slack:U1", "slack:U9"), decide("split", "slack:U1", "slack:U1")]
        assert resolve_persons([claim("slack:U1")], decisions) == resolve_persons([claim("slack:U1")], [])


class TestBots:
    def test_a_bot_joins_no_person_by_any_rule(self) -> None:
        said: dict[str, Any] = {"name": "Harbor Bot", "handle": "harbor", "email_hash": ADA, "email_verified": True}
        bot, person = claim("slack:B1", is_bot=True, **said), claim("github:1", **said)
        found = resolve_persons([bot, person], [decide("merge", "slack:B1", "github:1")])
        assert groups(found) == sets("slack:B1", "github:1")
        assert found.bots == {"slack:B1"}

    def test_once_told_to_be_a_bot_it_is_one(self) -> None:
        assert resolve_persons([claim("slack:B1", is_bot=True), claim("slack:B1", day=9)], []).bots == {"slack:B1"}

    def test_the_login_of_a_bot_is_the_bot(self) -> None:
        found = resolve_persons([claim("github:9", handle="ci[bot]", is_bot=True), claim("github-login:ci[bot]")], [])
        assert found.bots == {"github:9", "github-login:ci[bot]"}
        assert found.person_of["github-login:ci[bot]"] == "github:9"

    def test_a_login_that_was_split_from_a_bot_is_a_persons(self) -> None:
        claims = [claim("github:9", handle="ci", is_bot=True), claim("github-login:ci")]
        found = resolve_persons(claims, [decide("split", "github:9", "github-login:ci")])
        assert found.bots == {"github:9"}

    def test_a_login_that_is_a_bots_does_not_make_its_present_bearer_one(self) -> None:
        found = resolve_persons([claim("github:1", handle="ci"), claim("github-login:ci", is_bot=True)], [])
        assert len(groups(found)) == 2
        assert found.bots == {"github-login:ci"}


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


_ACCOUNTS = st.sampled_from(
    [
        *("github:1", "github:2", "github-login:ada", "github-login:bob", "linear:a", "linear:b"),
        *("slack:U1", "slack:U2", f"git:{ADA}", f"git:{BOB}", "notion:n"),
    ]
)
_MOMENTS = st.integers(0, 3).map(lambda day: START + timedelta(days=day))
_CLAIMS = st.builds(
    Claim,
    account=_ACCOUNTS,
    name=st.sampled_from(["Ada Lovelace", "ADA lovelace", "Bob Ross", "ada", ""]),
    handle=st.sampled_from([None, "ada", "bob", "Ada"]),
    email_hash=st.sampled_from([None, ADA, BOB]),
    email_verified=st.sampled_from([False, False, True]),
    is_bot=st.sampled_from([False] * 9 + [True]),
    seen_at=_MOMENTS,
)
_DECISIONS = st.builds(
    Decision,
    kind=st.sampled_from(["merge", "split"]),
    first=_ACCOUNTS,
    second=_ACCOUNTS,
    at=_MOMENTS,
    decision_id=st.sampled_from(["d1", "d2", "d3"]),
)
_MANY = settings(max_examples=200, deadline=None)


class TestLaws:
    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=5), st.randoms(use_true_random=False))
    def test_order_and_repetition_do_not_matter(
        self, claims: list[Claim], decisions: list[Decision], chance: random.Random
    ) -> None:
        expected = resolve_persons(claims, decisions)
        more_claims, more_decisions = claims + claims[::2], decisions + decisions[::2]
        chance.shuffle(more_claims)
        chance.shuffle(more_decisions)
        assert resolve_persons(more_claims, more_decisions) == expected

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), _CLAIMS, st.lists(_DECISIONS, max_size=4))
    def test_a_further_claim_takes_no_alias_and_no_bot_away(
        self, claims: list[Claim], further: Claim, decisions: list[Decision]
    ) -> None:
        before, after = resolve_persons(claims, decisions), resolve_persons([*claims, further], decisions)
        values = [{(alias.alias_type, alias.value) for alias in found.aliases} for found in (before, after)]
        assert values[0] <= values[1]
        told = {said.account for said in claims if said.is_bot}
        assert told <= before.bots
        assert told <= after.bots

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=5))
    def test_what_is_given_is_whole_and_consistent(self, claims: list[Claim], decisions: list[Decision]) -> None:
        found = resolve_persons(claims, decisions)
        assert found.person_of.keys() == {said.account for said in claims}
        heads = set(found.person_of.values())
        assert all(found.person_of[head] == head for head in heads)
        assert found.names.keys() == heads
        assert all(found.names.values())
        assert max(Counter((alias.alias_type, alias.value) for alias in found.aliases).values(), default=1) == 1
        assert {alias.account for alias in found.aliases} == heads

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=5))
    def test_the_reasons_lead_from_every_account_to_its_canonical_one(
        self, claims: list[Claim], decisions: list[Decision]
    ) -> None:
        found = resolve_persons(claims, decisions)
        assert found.why.keys() == {account for account, head in found.person_of.items() if account != head}
        for account in found.why:
            steps, at = 0, account
            while at in found.why and steps <= len(found.why):
                steps, at = steps + 1, found.why[at].other
            assert at == found.person_of[account]

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=5))
    def test_bots_and_persons_and_split_accounts_are_apart(
        self, claims: list[Claim], decisions: list[Decision]
    ) -> None:
        found = resolve_persons(claims, decisions)
        for group in groups(found):
            assert group <= found.bots or not group & found.bots
        for pair, kind in _holding(decisions).items():
            if kind == "split" and pair <= found.person_of.keys():
                assert len({found.person_of[account] for account in pair}) == 2

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=5))
    def test_merges_hold_where_no_split_stands_against_them(
        self, claims: list[Claim], decisions: list[Decision]
    ) -> None:
        merges = [decision for decision in decisions if decision.kind == "merge"]
        found = resolve_persons(claims, merges)
        for pair in _holding(merges):
            if pair <= found.person_of.keys() and (pair <= found.bots or not pair & found.bots):
                assert len({found.person_of[account] for account in pair}) == 1

    @_MANY
    @given(st.lists(_CLAIMS, max_size=14), st.lists(_DECISIONS, max_size=3), _ACCOUNTS, _ACCOUNTS)
    def test_a_split_that_was_taken_back_leaves_no_trace(
        self, claims: list[Claim], decisions: list[Decision], one: str, other: str
    ) -> None:
        merge, split = decide("merge", one, other, day=9), decide("split", one, other, day=8, number="d0")
        merged = resolve_persons(claims, [*decisions, merge])
        assert resolve_persons(claims, [*decisions, split, merge]) == merged

    @_MANY
    @given(st.lists(_CLAIMS, max_size=16))
    def test_agreement_joins_what_a_plain_reading_of_the_rule_joins(self, claims: list[Claim]) -> None:
        plain = [
            said for said in claims if not said.is_bot and not said.email_verified and "-login" not in said.account
        ]
        assert persons(*plain) == _agreed(plain)

    @_MANY
    @given(st.lists(_CLAIMS, max_size=16))
    def test_agreement_never_joins_two_accounts_of_a_system(self, claims: list[Claim]) -> None:
        for group in groups(resolve_persons([said for said in claims if not said.email_verified], [])):
            accounts = [account for account in group if "-login" not in account]
            assert len({account.partition(":")[0] for account in accounts}) == len(accounts)


def _holding(decisions: Sequence[Decision]) -> Mapping[frozenset[str], str]:
    ordered = sorted(decisions, key=lambda decision: (decision.at, decision.decision_id, decision.kind))
    return {
        frozenset((decision.first, decision.second)): decision.kind
        for decision in ordered
        if decision.first != decision.second
    }


def _agreed(claims: Sequence[Claim]) -> set[frozenset[str]]:
    """Join accounts by comparing each with each: slow and plain, as the rule is told."""
    signals: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for said in claims:
        signals[said.account] |= {("name", name_key(said.name))} if " " in said.name else set()
        signals[said.account] |= {("handle", said.handle.lower())} if said.handle else set()
        signals[said.account] |= {("email", said.email_hash)} if said.email_hash else set()
        signals[said.account] |= (
            {("email", said.account.removeprefix("git:"))} if said.account.startswith("git:") else set()
        )
    accepted: list[tuple[str, str]] = []
    for least in (3, 2):
        edges = [
            (one, other)
            for one, other in combinations(sorted(signals), 2)
            if one.partition(":")[0] != other.partition(":")[0]
            and len({kind for kind, _ in signals[one] & signals[other]}) >= least
        ]
        for component in _components(signals, [*accepted, *edges]):
            if len({account.partition(":")[0] for account in component}) == len(component):
                accepted += [edge for edge in edges if edge[0] in component]
    return _components(signals, accepted)


def _components(accounts: Iterable[str], edges: Iterable[tuple[str, str]]) -> set[frozenset[str]]:
    found = {account: frozenset([account]) for account in accounts}
    for one, other in edges:
        joined = found[one] | found[other]
        found.update(dict.fromkeys(joined, joined))
    return set(found.values())
