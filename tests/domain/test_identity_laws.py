"""Identity: the laws that hold for every set of claims and decisions."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from identity_claims import ADA, BOB, START, decide, groups, persons

from neural_memory_pipelines.domain.identity import Claim, Decision, name_key, resolve_persons

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
