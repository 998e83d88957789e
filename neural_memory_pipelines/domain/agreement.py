"""Accounts of different systems that agree on enough of address, name and handle to be one person's.

What agrees is only evidence: here it joins nobody unless it can mean nobody else. Addresses that a system vouches for
and decisions of people are stronger, and are weighed in `identity.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, combinations, product

from neural_memory_pipelines.domain.account_groups import Join, Partition, Rule

LEAST_SIGNALS = 2

_VALUES_LIMIT = 8
_PAIRS_LIMIT = 32


class Signal(StrEnum):
    """What accounts can agree on."""

    EMAIL = "e-mail"
    NAME = "name"
    HANDLE = "handle"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One or more accounts that are known to be one person's.

    Attributes:
        account: the one that names them.
        systems: those of all its accounts.
        values: what was claimed of them, and when last, by signal.
    """

    account: str
    systems: frozenset[str]
    values: Mapping[Signal, Mapping[str, datetime]]


def agreements(candidates: Sequence[Candidate], partition: Partition, ranks: Mapping[str, int]) -> list[Join]:
    """Find the candidates that agree on two signals or three, and on which, where it is unambiguous.

    Agreement is passed on: if one agrees with a second, and that with a third, the three are taken together. If that
    would make one person of two candidates with accounts of one system, none of them is joined by that much agreement.
    Three signals are looked at before two, so what agrees on three is not put in doubt by what agrees on two. Of many
    values of a signal that a candidate shares with others, the eight seen last count.

    Args:
        candidates: persons so far; no bots.
        partition: knows which candidates must stay apart: these do not agree with each other.
        ranks: the order of accounts.

    Returns:
        The joins, in no order that matters.
    """
    values = _telling_values(candidates)
    systems = {candidate.account: candidate.systems for candidate in candidates}
    accepted: list[Join] = []
    for count in range(len(Signal), LEAST_SIGNALS - 1, -1):
        found = [
            join for signals in combinations(Signal, count) for join in _joins_on(signals, values, systems, partition)
        ]
        accepted += _unambiguous(found, accepted, systems=systems, ranks=ranks)
    return accepted


def count_words(name: str) -> int:
    """Count the words of a name that have a letter."""
    return sum(any(map(str.isalpha, word)) for word in name.split())


def _telling_values(candidates: Sequence[Candidate]) -> dict[str, dict[Signal, list[str]]]:
    """List by candidate the values that it shares with another, the latest ones if there are many."""
    found: dict[str, dict[Signal, list[str]]] = {candidate.account: {} for candidate in candidates}
    for signal in Signal:
        bearers = Counter(chain.from_iterable(candidate.values[signal] for candidate in candidates))
        telling = {value for value, count in bearers.items() if count > 1 and _is_telling(signal, value)}
        for candidate in candidates:
            seen = candidate.values[signal]
            shared = [value for value in seen if value in telling]
            if len(shared) > _VALUES_LIMIT:
                shared = sorted(sorted(shared), key=seen.__getitem__, reverse=True)[:_VALUES_LIMIT]
            found[candidate.account][signal] = shared
    return found


def _is_telling(signal: Signal, value: str) -> bool:
    """Tell what may stand for a person: a name of two words, a handle that is no name."""
    match signal:
        case Signal.NAME:
            return count_words(value) > 1
        case Signal.HANDLE:
            return len(value.split()) == 1
        case Signal.EMAIL:
            return True


def _joins_on(
    signals: tuple[Signal, ...],
    values: Mapping[str, Mapping[Signal, Sequence[str]]],
    systems: Mapping[str, frozenset[str]],
    partition: Partition,
) -> Iterator[Join]:
    """Join all that agree on each of some signals. Accounts of one system alone do not: a login gets a new owner."""
    alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for account, shared in values.items():
        for key in product(*(shared[signal] for signal in signals)):
            alike[key].append(account)
    for key, accounts in alike.items():
        detail = ", ".join(f"{signal} {value}" for signal, value in zip(signals, key, strict=True))
        for members in _divided(accounts, partition):
            if not frozenset.intersection(*(systems[member] for member in members)):
                yield Join(Rule.AGREEMENT, detail, tuple(members))


def _divided(accounts: Sequence[str], partition: Partition) -> Iterator[Sequence[str]]:
    """Give all accounts at once, or if some of them must stay apart, each pair that need not."""
    if len(accounts) > _PAIRS_LIMIT or not partition.holds_apart(accounts):
        yield accounts
        return
    for one, other in combinations(accounts, 2):
        if not partition.are_apart(one, other):
            yield one, other


def _unambiguous(
    found: Sequence[Join], accepted: Sequence[Join], *, systems: Mapping[str, frozenset[str]], ranks: Mapping[str, int]
) -> list[Join]:
    """Keep the joins that, all taken together, bring no two accounts of one system into a person."""
    together = Partition(ranks)
    for join in (*accepted, *found):
        together.link(join.members)
    accounts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for account in {member for join in (*accepted, *found) for member in join.members}:
        accounts[together.find(account)].update(systems[account])
    return [join for join in found if max(accounts[together.find(join.members[0])].values()) == 1]
