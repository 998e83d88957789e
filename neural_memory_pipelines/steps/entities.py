"""Finds out who and what a workspace's documents speak of: accounts joined into persons, and all other entities.

A function of what was claimed, linked and decided: running again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.domain.identity import AliasType, Claim, Identities, Reason, resolve_persons
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId, entity_id
from neural_memory_pipelines.steps.report import StepReport, timed
from neural_memory_pipelines.steps.rows import Row
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import claims, entities
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.entities import NamedNode

# An account that only a link names was seen at no time: any claim of a source is later.
_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)


def resolve_entities(workspace: WorkspaceId, *, stores: Stores) -> StepReport:
    """Bring entities and aliases up to date.

    Returns:
        seen = accounts and other nodes, written = new or changed entities, unchanged = entities that
        stayed, deleted = those that nothing names any more; examples are persons with their accounts.
    """
    report = StepReport()
    with (
        timed(report),
        stores.database.lock(workspace, "graph"),
        stores.database.writing(workspace) as tx,
    ):
        named = entities.named_accounts(tx)
        identities = resolve_persons([*claims.all_claims(tx), *_claims_of_links(named)], claims.all_decisions(tx))
        others = entities.named_entities(tx)
        rows = [*_account_rows(workspace, identities), *_other_rows(workspace, others)]
        changed = entities.write_entities(tx, rows)
        report.deleted = entities.forget_other_entities(tx, [row["entity_id"] for row in rows])
        aliases = entities.write_aliases(
            tx, [*_account_aliases(workspace, identities), *_other_aliases(workspace, others)]
        )
        _show(tx, identities, report)
    report.seen = len(rows)
    report.written = changed
    if aliases:
        report.notes.append(f"{aliases:,} aliases are new or moved")
    report.unchanged = len(rows) - changed
    return report


def _claims_of_links(named: Sequence[NamedNode]) -> Iterator[Claim]:
    for node in named:
        system, _, login = node.handle.partition("-login:")
        yield Claim(
            account=node.handle,
            name=node.name,
            handle=login if system and login else None,
            email_hash=None,
            email_verified=False,
            is_bot=node.kind == NodeKind.BOT,
            seen_at=_LONG_AGO,
        )


def _account_id(workspace: WorkspaceId, account: str) -> EntityId:
    # One id whatever the account turns out to be: that it is a bot may be learned later.
    return entity_id(workspace, "account", account)


def _account_rows(workspace: WorkspaceId, identities: Identities) -> Iterator[Row]:
    for account, person in identities.person_of.items():
        yield {
            "entity_id": _account_id(workspace, account),
            "kind": NodeKind.BOT if account in identities.bots else NodeKind.PERSON,
            "key": account,
            "name": identities.names[person],
            "merged_into": None if account == person else _account_id(workspace, person),
            "merged_because": _because(identities.why.get(account)),
        }


def _because(reason: Reason | None) -> str | None:
    return f"{reason.rule}: {reason.detail} ({reason.other})" if reason else None


def _account_aliases(workspace: WorkspaceId, identities: Identities) -> Iterator[Row]:
    for alias in identities.aliases:
        yield {
            "alias_type": alias.alias_type,
            "value": _handle_of(alias.alias_type, alias.value),
            "entity_id": _account_id(workspace, alias.account),
            "verified": alias.verified,
        }


def _handle_of(alias_type: AliasType, value: str) -> str:
    """Spell an alias as links spell the handle of a person."""
    if alias_type is AliasType.LOGIN:
        system, _, login = value.partition(":")
        return f"{system}-login:{login}"
    return f"email:{value}" if alias_type is AliasType.EMAIL else value


def _other_rows(workspace: WorkspaceId, nodes: Sequence[NamedNode]) -> Iterator[Row]:
    for node in nodes:
        yield {
            "entity_id": entity_id(workspace, node.kind, node.handle),
            "kind": node.kind,
            "key": node.handle,
            "name": node.name or node.handle.partition(":")[2] or node.handle,
            "merged_into": None,
            "merged_because": None,
        }


def _other_aliases(workspace: WorkspaceId, nodes: Sequence[NamedNode]) -> Iterator[Row]:
    for node in nodes:
        yield {
            "alias_type": node.kind,
            "value": node.handle,
            "entity_id": entity_id(workspace, node.kind, node.handle),
            "verified": True,
        }


def _show(tx: Transaction, identities: Identities, report: StepReport) -> None:
    accounts: dict[str, list[str]] = {}
    for account, person in identities.person_of.items():
        if account not in identities.bots:
            accounts.setdefault(person, []).append(account)
    for person, known in sorted(accounts.items(), key=lambda item: (-len(item[1]), item[0])):
        report.show({"person": identities.names[person], "accounts": ", ".join(sorted(known))})
    report.kinds = entities.count_entities(tx)
