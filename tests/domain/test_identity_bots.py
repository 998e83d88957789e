"""Identity: bots, who join no person."""

from __future__ import annotations

from typing import Any

from identity_claims import ADA, claim, decide, groups, sets

from neural_memory_pipelines.domain.identity import resolve_persons


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
