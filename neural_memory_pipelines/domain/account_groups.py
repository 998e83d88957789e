"""Groups of accounts that reasons join and decisions keep apart, and why each account is where it is.

Which reasons there are is up to `identity.py` and `agreement.py`: no claim, name or address is read here.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Why two accounts are one person, the strongest reason first."""

    PROVIDER = "provider"
    EMAIL = "email"
    AGREEMENT = "agreement"
    DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Join:
    """Accounts that are one person unless somebody said otherwise; `detail` says what they have in common."""

    rule: Rule
    detail: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an account belongs to its person: by which rule it is joined to which other account, and by what."""

    rule: Rule
    other: str
    detail: str


_STRENGTHS = {rule: strength for strength, rule in enumerate(Rule)}


class Partition:
    """Accounts in groups that only grow, each named by its account of the smallest rank; some pairs stay apart."""

    def __init__(self, ranks: Mapping[str, int], splits: Iterable[tuple[str, str]] = ()) -> None:
        self._ranks = ranks
        self._above: dict[str, str] = {}
        self._enemies: defaultdict[str, set[str]] = defaultdict(set)
        for first, second in splits:
            self._enemies[first].add(second)
            self._enemies[second].add(first)
        self._split_accounts = tuple(self._enemies)

    def find(self, account: str) -> str:
        """Name the group of an account."""
        root = account
        while (above := self._above.get(root)) is not None:
            root = above
        while account != root:
            above, self._above[account] = self._above[account], root
            account = above
        return root

    def are_apart(self, one: str, other: str) -> bool:
        """Tell whether the groups of two accounts must not be joined."""
        return self.find(other) in self._enemies.get(self.find(one), ())

    def holds_apart(self, accounts: Iterable[str]) -> bool:
        """Tell whether any two of some accounts must not be joined."""
        groups = {self.find(account) for account in accounts}
        return any(not groups.isdisjoint(self._enemies.get(group, ())) for group in groups)

    def join(self, one: str, other: str) -> bool:
        """Make one group of two, unless they must stay apart; tell whether they are one now."""
        if self.are_apart(one, other):
            return False
        kept, gone = sorted((self.find(one), self.find(other)), key=self._ranks.__getitem__)
        if kept != gone:
            self._above[gone] = kept
            for enemy in self._enemies.pop(gone, ()):
                self._enemies[enemy].discard(gone)
                self._enemies[enemy].add(kept)
                self._enemies[kept].add(enemy)
        return True

    def link(self, members: Sequence[str]) -> None:
        """Join as many of the accounts as may be, each to the first that it may be joined to."""
        heads: list[str] = []
        for member in members:
            if not any(self.join(head, member) for head in heads):
                heads.append(member)

    def settle(self, joins: Iterable[Join]) -> None:
        """Carry out joins, each account of a group that must be divided going with the nearest split account."""
        ordered = in_order(joins, self._ranks)
        self._gather_around_split_accounts(ordered)
        for join in ordered:
            self.link(join.members)

    def _gather_around_split_accounts(self, joins: Sequence[Join]) -> None:
        if not self._split_accounts:
            return
        blocks = {member: self.find(member) for join in joins for member in join.members}
        joins_of = _by_member(joins, blocks)
        sides = {block: self._ranks[block] for block in map(self.find, self._split_accounts)}
        frontier, spent = list(sides), set[int]()
        while frontier:
            offers: dict[str, tuple[int, int, str]] = {}
            for near in sorted(frontier, key=sides.__getitem__):
                for at in [at for at in joins_of.get(near, ()) if at not in spent]:
                    spent.add(at)
                    offer = (_STRENGTHS[joins[at].rule], sides[near], near)
                    for block in {blocks[member] for member in joins[at].members} - sides.keys():
                        offers[block] = min(offers.get(block, offer), offer)
            for block, (_, side, near) in offers.items():
                sides[block] = side
                self.join(near, block)
            frontier = list(offers)


def in_order(joins: Iterable[Join], ranks: Mapping[str, int]) -> list[Join]:
    """Put joins, and the members of each, in the one order in which they are carried out: the strongest rule first."""
    spelled = [Join(join.rule, join.detail, tuple(sorted(join.members, key=ranks.__getitem__))) for join in joins]
    return sorted(
        spelled, key=lambda join: (_STRENGTHS[join.rule], [*map(ranks.__getitem__, join.members)], join.detail)
    )


def trace(joins: Sequence[Join], group_of: Mapping[str, str]) -> dict[str, Reason]:
    """Explain each account of a group but the one that names it, by the strongest joins that hold the group together.

    Args:
        joins: in order; those that were not carried out, or only in part, do no harm.
        group_of: the account that names each account's group.

    Returns:
        A reason for each; following `other` from account to account leads to the one that names the group.
    """
    joins_of = _by_member(joins, {member: member for join in joins for member in join.members})
    why: dict[str, Reason] = {}
    for head in dict.fromkeys(group_of[account] for account in joins_of):
        pending = [(at, head) for at in joins_of.get(head, ())]
        spent: set[int] = set()
        while pending:
            at, near = heapq.heappop(pending)
            if at in spent:
                continue
            spent.add(at)
            for account in joins[at].members:
                if account != head and account not in why and group_of[account] == head:
                    why[account] = Reason(joins[at].rule, near, joins[at].detail)
                    for other in joins_of[account]:
                        heapq.heappush(pending, (other, account))
    return why


def _by_member(joins: Sequence[Join], names: Mapping[str, str]) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for at, join in enumerate(joins):
        for name in dict.fromkeys(names[member] for member in join.members):
            found[name].append(at)
    return dict(found)
