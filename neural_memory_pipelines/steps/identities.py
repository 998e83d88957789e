"""Carries out what a person decided about identities: two accounts are one person, or are not.

What follows from a decision is computed in `domain/identity.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from neural_memory_pipelines.domain.identity import Decision
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId, hash_json
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import claims, entities
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.entities import EntityRow

DecisionKind = Literal["merge", "split"]


def decide_identity(
    workspace: WorkspaceId,
    kind: DecisionKind,
    *,
    names: tuple[str, str],
    decided_by: str,
    reason: str,
    stores: Stores,
) -> Decision:
    """Write a decision down and let the graph follow it.

    Args:
        workspace: whose accounts.
        kind: merge says that both are one person, split that they are not.
        names: two accounts: a provider id such as github:583231, a login such as github-login:ada, or a person's name
            if it is clear whom it means.
        decided_by: who decides.
        reason: why, for whoever reads the audit.
        stores: where the graph is.

    Raises:
        NotFoundError: nobody answers to a name.
        PermanentError: a name is not clear, both mean the same account, or an account is a bot.
    """
    with stores.database.transaction(workspace) as tx:
        first, second = (_account(tx, name, kind) for name in names)
        if first == second:
            raise PermanentError(f"{names[0]!r} and {names[1]!r} are the same account, {first}")
        at = datetime.now(UTC)
        decision_id = f"dec_{hash_json([workspace, kind, first, second, at.isoformat()])[:32]}"
        decision = Decision(kind=kind, first=first, second=second, at=at, decision_id=decision_id)
        claims.record_decision(tx, decision, decided_by=decided_by, reason=reason)
    resolve_entities(workspace, stores=stores)
    reconcile_relationships(workspace, stores=stores)
    return decision


def _account(tx: Transaction, name: str, kind: DecisionKind) -> str:
    account = entities.account_named(tx, name)
    if account is not None:
        return account
    found = [entity for entity in entities.find_entities(tx, name) if entity.kind in {"person", "bot"}]
    _require_one(name, found)
    if found[0].kind == "bot":
        raise PermanentError(f"{name!r} is a bot, {found[0].key}: bots are no persons")
    known = entities.accounts_of(tx, EntityId(found[0].entity_id))
    if kind == "split" and len(known) > 1:
        accounts = ", ".join(row.key for row in known)
        raise PermanentError(f"{name!r} has several accounts ({accounts}): say which of them")
    return found[0].key


def _require_one(name: str, found: Sequence[EntityRow]) -> None:
    if not found:
        raise NotFoundError(f"nobody answers to {name!r}: `persons list` shows who is known")
    if len(found) > 1:
        keys = ", ".join(entity.key for entity in found)
        raise PermanentError(f"{name!r} may be any of {keys}: give one of these")
