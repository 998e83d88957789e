"""Claims and decisions on accounts, spelled briefly, and who is one person by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from neural_memory_pipelines.domain.accounts import hash_email
from neural_memory_pipelines.domain.identity import Claim, Decision, Identities, resolve_persons

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
