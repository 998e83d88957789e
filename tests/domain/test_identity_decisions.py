"""Identity: merges and splits that people decide, against the rules and against each other."""

from __future__ import annotations

from typing import Any

import pytest
from identity_claims import ADA, claim, decide, groups, persons, sets, verified

from neural_memory_pipelines.domain.identity import Claim, Reason, Rule, resolve_persons


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
