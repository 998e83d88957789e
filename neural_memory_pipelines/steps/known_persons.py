"""Carries out decisions that were written down beforehand: which accounts are one person each.

A single decision is carried out in `identities.py`; what follows from all is computed in `domain/identity.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.graph_cache import prime_graph_cache
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import claims, entities
from neural_memory_pipelines.stores.postgres.engine import Transaction


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person whose accounts are known, two at least: provider ids such as github:583231, or github-login:ada."""

    name: str
    accounts: tuple[str, ...]


def join_known_persons(
    workspace: WorkspaceId, persons: Iterable[KnownPerson], *, decided_by: str, reason: str, stores: Stores
) -> StepReport:
    """Merge the accounts of each person that are not one yet; running again decides nothing.

    A person two of whose accounts somebody has split is left as that left them, and an account that no event and no
    text has named yet waits until one does; notes say so.

    Returns:
        seen = persons, written = decisions, unchanged = persons who needed none, skipped = persons left as split.

    Raises:
        PermanentError: an account is a bot.
    """
    report = StepReport()
    with timed(report):
        for person in persons:
            report.seen += 1
            with stores.database.transaction(workspace) as tx:
                is_split = _is_split(tx, person)
                accounts = [account for account in person.accounts if _heirs(tx, account)]
            if is_split:
                report.skipped += 1
                report.notes.append(f"{person.name}: accounts were split by a decision, which holds")
                continue
            unknown = ", ".join(account for account in person.accounts if account not in accounts)
            if unknown:
                report.notes.append(f"{person.name}: nothing that was read names {unknown} (yet)")
            decided = _join(workspace, accounts, decided_by=decided_by, reason=reason, stores=stores)
            report.written += decided
            report.unchanged += not decided
        if report.written:
            prime_graph_cache(workspace, stores=stores)
    return report


def _join(workspace: WorkspaceId, accounts: Sequence[str], *, decided_by: str, reason: str, stores: Stores) -> int:
    decided = 0
    for other in accounts[1:]:
        names = (accounts[0], other)
        with stores.database.transaction(workspace) as tx:
            are_one = not _heirs(tx, names[0]).isdisjoint(_heirs(tx, other))
        if not are_one:
            decide_identity(workspace, "merge", names=names, decided_by=decided_by, reason=reason, stores=stores)
            decided += 1
    return decided


def _is_split(tx: Transaction, person: KnownPerson) -> bool:
    heirs = {heir for account in person.accounts for heir in _heirs(tx, account)}
    known = {row.key for heir in heirs for row in entities.accounts_of(tx, EntityId(heir))}
    return any(
        row.kind == "split" and known >= {row.first_account, row.second_account} for row in claims.list_audit(tx)
    )


def _heirs(tx: Transaction, account: str) -> set[str]:
    found = entities.find_entities(tx, account)
    if any(entity.kind == NodeKind.BOT for entity in found):
        raise PermanentError(f"{account!r} is a bot: bots are no persons, take it out of the list")
    return {entity.entity_id for entity in found}
