"""What events claim of accounts, gathered by account: the evidence that persons are found in.

Claims only grow, and their order means nothing. What follows from them is decided in `identity.py`.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from neural_memory_pipelines.domain.accounts import Account, login_id
from neural_memory_pipelines.domain.agreement import Signal

SYSTEMS = ("github", "linear", "slack", "notion", "git")
"""The systems in the order in which their accounts stand for a person; all others come after them."""

_PLACEHOLDER = "[redacted:"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one event once said of an account (see `accounts.Account`). `seen_at` is aware."""

    account: str
    name: str
    handle: str | None
    email_hash: str | None
    email_verified: bool
    is_bot: bool
    seen_at: datetime


Values: TypeAlias = "dict[str, datetime]"
"""Values, and when each was last seen."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All claims, by account. `ranks` orders accounts: the first of a group is its canonical one."""

    ranks: Mapping[str, int]
    told_bots: frozenset[str]
    spelled_names: Mapping[str, Values]
    signals: Mapping[Signal, Mapping[str, Values]]
    verified: Mapping[str, frozenset[str]]


def name_key(name: str) -> str:
    """Spell a name so that case, width, composed accents and white space make no difference."""
    if name.isascii():
        return " ".join(name.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", name).casefold())
    return " ".join(unicodedata.normalize("NFKC", folded.casefold()).split())


def gather(claims: Iterable[Claim]) -> Evidence:
    """Gather claims by account."""
    spelled: defaultdict[str, Values] = defaultdict(dict)
    signals: dict[Signal, defaultdict[str, Values]] = {signal: defaultdict(dict) for signal in Signal}
    verified: defaultdict[str, set[str]] = defaultdict(set)
    accounts: set[str] = set()
    bots: set[str] = set()
    for claim in claims:
        accounts.add(claim.account)
        if claim.is_bot:
            bots.add(claim.account)
        if claim.email_hash and claim.email_verified:
            verified[claim.email_hash].add(claim.account)
        if claim.name.strip() and _PLACEHOLDER not in claim.name:
            note(spelled[claim.account], " ".join(claim.name.split()), claim.seen_at)
        for signal, value in _signals(claim):
            note(signals[signal][claim.account], value, claim.seen_at)
    return Evidence(
        ranks={account: rank for rank, account in enumerate(sorted(accounts, key=_order))},
        told_bots=frozenset(bots),
        spelled_names=dict(spelled),
        signals={signal: dict(values) for signal, values in signals.items()},
        verified={address: frozenset(bearers) for address, bearers in verified.items()},
    )


def _signals(claim: Claim) -> Iterator[tuple[Signal, str]]:
    if claim.email_hash:
        yield Signal.EMAIL, claim.email_hash
    local = claim.account.partition(":")[2]
    if claim.account.startswith("git:") and local:
        yield Signal.EMAIL, local
    logins = {login_of(claim.handle or ""), login_of(local) if is_login_only(claim.account) else ""} - {""}
    for login in logins:
        yield Signal.HANDLE, login
    name = name_key(claim.name)
    # A login that stands where a name should says no more than the login.
    if name and name not in logins and _PLACEHOLDER not in name:
        yield Signal.NAME, name


def note(values: Values, value: str, seen_at: datetime) -> None:
    """Note that a value was seen."""
    values[value] = max(values.get(value, seen_at), seen_at)


def system_of(account: str) -> str:
    """Name the system that knows an account."""
    return Account(account, name="").system


def is_login_only(account: str) -> bool:
    """Tell an account of which only the login is known."""
    return account.partition(":")[0].endswith("-login")


def login_of(handle: str) -> str:
    """Spell a login as `login_id` does."""
    return login_id("", handle).partition(":")[2]


def _order(account: str) -> tuple[bool, int, str]:
    system = system_of(account)
    return is_login_only(account), SYSTEMS.index(system) if system in SYSTEMS else len(SYSTEMS), account


def login_key(account: str) -> str:
    """Spell a login-only account as `login_id` does."""
    return login_id(system_of(account), account.partition(":")[2])
