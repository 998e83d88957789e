"""Which accounts are one person: a pure function of all that was ever claimed of accounts and decided by people.

Nothing here depends on the order in which claims arrived, so a rebuild gives the same persons. Accounts of several
workspaces never meet here: the caller passes the claims of one. Storing persons and their aliases happens elsewhere.

A login-only account is the account that bears the login; accounts with the same verified address are one person; and
accounts of different systems are one if they agree on two of address, full name and handle (see `agreement.py`), where
a person that the first two rules found speaks with the signals of all its accounts. Decisions stand above all:

- A merge joins two accounts and whatever goes with either. Of merges that cannot all hold beside the splits, the later
  ones do.
- A split keeps two accounts apart. Every other account of theirs goes with the split account that it is joined to by
  the fewest steps; of several, by the stronger rule; of several, the one that ranks first. Accounts that were split
  from each other no longer agree, so that a split also settles which of two an account is.
- Bots and persons are never joined, not even by a decision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from neural_memory_pipelines.domain.account_groups import Join, Partition, Reason, Rule, in_order, trace
from neural_memory_pipelines.domain.accounts import login_id
from neural_memory_pipelines.domain.agreement import Candidate, Signal, agreements, count_words
from neural_memory_pipelines.domain.claims import (
    Claim,
    Evidence,
    Values,
    gather,
    is_login_only,
    login_key,
    login_of,
    name_key,
    note,
    system_of,
)

__all__ = ["Alias", "AliasType", "Claim", "Decision", "Identities", "Reason", "Rule", "name_key", "resolve_persons"]


class AliasType(StrEnum):
    """What an alias is."""

    PROVIDER = "provider"
    LOGIN = "login"
    EMAIL = "email"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word that two accounts are one person, or are not. Of the same pair the later decision holds."""

    kind: Literal["merge", "split"]
    first: str
    second: str
    at: datetime
    decision_id: str


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that a person or a bot answers to.

    Attributes:
        value: a provider id, "<system>:<login>", the hash of an address, or a name as `name_key` spells it.
        account: the canonical account.
        verified: a system vouches for it. A name is never verified: others may bear it too.
    """

    alias_type: AliasType
    value: str
    account: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Identities:
    """The persons and bots behind accounts.

    Attributes:
        person_of: the canonical account of each account; a bot's too.
        bots: the accounts that are no persons.
        names: what to call each canonical account.
        aliases: unique by type and value, in order of both.
        why: for each account that was joined to others, but for the canonical one, how; following `other` from
            account to account leads to the canonical one.
    """

    person_of: Mapping[str, str]
    bots: frozenset[str]
    names: Mapping[str, str]
    aliases: tuple[Alias, ...]
    why: Mapping[str, Reason]


def resolve_persons(claims: Iterable[Claim], decisions: Iterable[Decision]) -> Identities:
    """Find out which accounts are one person.

    Args:
        claims: all claims of one workspace, in any order; one that comes twice counts once.
        decisions: all decisions of one workspace, likewise. One that names an account of which there is no claim waits
            for a claim.

    Returns:
        The persons and bots, the same for the same sets. A further claim never takes an alias away, but may pass it
        on to another person.
    """
    evidence = gather(claims)
    merges, splits = _verdicts(decisions, evidence)
    bearers = _bearers(evidence)
    bots = _bots(evidence, bearers, splits)
    decided = [Join(Rule.DECISION, merge.decision_id, (merge.first, merge.second)) for merge in merges]
    decided = [join for join in decided if len(bots.intersection(join.members)) != 1]
    certain = [*_login_joins(evidence, bearers, bots), *_email_joins(evidence, bots)]
    partition = Partition(evidence.ranks, splits)
    for join in decided:
        partition.link(join.members)
    partition.settle(certain)
    agreed = agreements(_candidates(evidence, partition, bots), partition, evidence.ranks)
    partition.settle(agreed)
    person_of = {account: partition.find(account) for account in evidence.ranks}
    return Identities(
        person_of=person_of,
        bots=bots,
        names=_display_names(evidence, person_of),
        aliases=_aliases(evidence, bearers, bots, person_of=person_of),
        why=trace(in_order([*certain, *agreed, *decided], evidence.ranks), person_of),
    )


def _verdicts(decisions: Iterable[Decision], evidence: Evidence) -> tuple[list[Decision], list[tuple[str, str]]]:
    """Give the merges that hold, the latest first, and the pairs that are split."""
    latest: dict[tuple[str, str], Decision] = {}
    for decision in decisions:
        pair = (min(decision.first, decision.second), max(decision.first, decision.second))
        if pair[0] != pair[1] and evidence.ranks.keys() >= set(pair):
            latest[pair] = max(latest.get(pair, decision), decision, key=_decision_order)
    merges = sorted((held for held in latest.values() if held.kind == "merge"), key=_decision_order, reverse=True)
    return merges, sorted(pair for pair, held in latest.items() if held.kind == "split")


def _decision_order(decision: Decision) -> tuple[datetime, str, str, str, str]:
    return decision.at, decision.decision_id, decision.kind, decision.first, decision.second


def _bearers(evidence: Evidence) -> dict[str, str]:
    """Tell by login-only id which account of the system bears the login: the one last seen with it."""
    found: dict[str, tuple[datetime, int, str]] = {}
    for account, logins in evidence.signals[Signal.HANDLE].items():
        if is_login_only(account):
            continue
        for login, seen_at in logins.items():
            key, offer = login_id(system_of(account), login), (seen_at, -evidence.ranks[account], account)
            found[key] = max(found.get(key, offer), offer)
    return {key: account for key, (_, _, account) in found.items()}


def _bots(evidence: Evidence, bearers: Mapping[str, str], splits: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Find the bots: those that a claim says to be one, and the logins that they bear, unless split from them."""
    told, parted = evidence.told_bots, set(splits)
    borne = (
        account
        for account in evidence.ranks
        if is_login_only(account)
        and (bearer := bearers.get(login_key(account), "")) in told
        and not parted & {(account, bearer), (bearer, account)}
    )
    return told.union(borne)


def _login_joins(evidence: Evidence, bearers: Mapping[str, str], bots: frozenset[str]) -> Iterator[Join]:
    for account in filter(is_login_only, evidence.ranks):
        bearer = bearers.get(login_key(account))
        if bearer is not None and (account in bots) == (bearer in bots):
            yield Join(Rule.PROVIDER, login_of(account.partition(":")[2]), (bearer, account))


def _email_joins(evidence: Evidence, bots: frozenset[str]) -> Iterator[Join]:
    for address, bearers in evidence.verified.items():
        persons, author = bearers - bots, f"git:{address}"
        # Who committed with the address is not vouched for, but is whoever it belongs to.
        members = persons | {author} if author in evidence.ranks and author not in bots else persons
        if len(members) > 1:
            yield Join(Rule.EMAIL, address, tuple(members))


def _candidates(evidence: Evidence, partition: Partition, bots: frozenset[str]) -> list[Candidate]:
    """Gather the signals of each person so far, those of all its accounts together."""
    systems: defaultdict[str, set[str]] = defaultdict(set)
    values: defaultdict[str, dict[Signal, Values]] = defaultdict(lambda: {signal: {} for signal in Signal})
    for account in evidence.ranks.keys() - bots:
        person = partition.find(account)
        systems[person].add(system_of(account))
        for signal in Signal:
            for value, seen_at in evidence.signals[signal].get(account, {}).items():
                note(values[person][signal], value, seen_at)
    return [Candidate(person, frozenset(systems[person]), values[person]) for person in sorted(systems)]


def _display_names(evidence: Evidence, person_of: Mapping[str, str]) -> dict[str, str]:
    """Choose the name of the most words, then the one last seen, then the smallest; where there is none, a login."""
    names: defaultdict[str, Values] = defaultdict(dict)
    logins: defaultdict[str, Values] = defaultdict(dict)
    for account, person in person_of.items():
        for found, known in (names, evidence.spelled_names), (logins, evidence.signals[Signal.HANDLE]):
            for value, seen_at in known.get(account, {}).items():
                note(found[person], value, seen_at)
    return {
        person: _best(names[person]) or _best(logins[person]) or person.partition(":")[2] or person
        for person in set(person_of.values())
    }


def _best(values: Values) -> str | None:
    ranked = [(count_words(value), at, value) for value, at in values.items()]
    most = max(((words, at) for words, at, _ in ranked), default=None)
    return min((value for words, at, value in ranked if (words, at) == most), default=None)


def _aliases(
    evidence: Evidence, bearers: Mapping[str, str], bots: frozenset[str], *, person_of: Mapping[str, str]
) -> tuple[Alias, ...]:
    """List what everybody answers to; what several claim goes to the one that `_owners` names."""
    login_only = sorted(filter(is_login_only, evidence.ranks), key=evidence.ranks.__getitem__, reverse=True)
    logins = {login_key(account): account for account in login_only} | dict(bearers)
    verified = {(account, address) for address, accounts in evidence.verified.items() for account in accounts}
    persons = evidence.ranks.keys() - bots
    emails = _owners(evidence, Signal.EMAIL, lambda account, address: (account, address) in verified)
    names = _owners(evidence, Signal.NAME, lambda account, _: account in persons)
    owned = [
        *((AliasType.PROVIDER, account, account, True) for account in evidence.ranks),
        *(
            (AliasType.LOGIN, key.replace("-login:", ":", 1), account, key in bearers)
            for key, account in logins.items()
        ),
        *((AliasType.EMAIL, address, account, address in evidence.verified) for address, account in emails.items()),
        *((AliasType.NAME, name, account, False) for name, account in names.items()),
    ]
    return tuple(
        Alias(alias_type, value, person_of[account], is_verified)
        for alias_type, value, account, is_verified in sorted(owned)
    )


def _owners(evidence: Evidence, signal: Signal, is_strong: Callable[[str, str], bool]) -> dict[str, str]:
    """Tell by value whose it is: of those with the strongest claim the one last seen with it, then the first."""
    found: dict[str, tuple[bool, datetime, int, str]] = {}
    for account, values in evidence.signals[signal].items():
        for value, seen_at in values.items():
            offer = (is_strong(account, value), seen_at, -evidence.ranks[account], account)
            found[value] = max(found.get(value, offer), offer)
    return {value: account for value, (_, _, _, account) in found.items()}
