"""What events said of accounts: claims that only grow, and the decisions that people took about them.

Which accounts are one person is computed in `domain/identity.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.identity import Claim, Decision
from neural_memory_pipelines.domain.ids import hash_json
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import identity_claims, identity_decisions


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A decision as it is shown."""

    decided_at: datetime
    kind: str
    first_account: str
    second_account: str
    decided_by: str
    reason: str


_LATER = """(workspace_id, claim_id) DO UPDATE SET seen_at = excluded.seen_at
WHERE identity_claims.seen_at < excluded.seen_at"""


def record_claims(tx: Transaction, accounts: Iterable[tuple[Account, datetime]]) -> None:
    """Add what events said of accounts, each with the time of the event."""
    rows: dict[str, dict[str, object]] = {}
    for account, seen_at in accounts:
        said = [account.provider_id, account.name, account.handle, account.email_hash]
        claim_id = f"clm_{hash_json([*said, account.email_verified, account.is_bot])[:32]}"
        known = rows.get(claim_id)
        if known is None or known["seen_at"] < seen_at:  # type: ignore[operator]
            rows[claim_id] = {
                "claim_id": claim_id,
                "account": account.provider_id,
                "name": account.name,
                "handle": account.handle,
                "email_hash": account.email_hash,
                "email_verified": account.email_verified,
                "is_bot": account.is_bot,
                "seen_at": seen_at,
            }
    insert_rows(tx, identity_claims, list(rows.values()), on_conflict=_LATER)


def all_claims(tx: Transaction) -> list[Claim]:
    """List everything that was ever said of accounts."""
    rows = tx.connection.execute(
        text("SELECT account, name, handle, email_hash, email_verified, is_bot, seen_at FROM identity_claims")
    )
    return [Claim(**row._mapping) for row in rows]


def record_decision(tx: Transaction, decision: Decision, *, decided_by: str, reason: str) -> None:
    """Write down that a person joined or parted two accounts."""
    row = {
        "decision_id": decision.decision_id,
        "kind": decision.kind,
        "first_account": decision.first,
        "second_account": decision.second,
        "decided_by": decided_by,
        "reason": reason,
        "decided_at": decision.at,
    }
    insert_rows(tx, identity_decisions, [row], on_conflict="DO NOTHING")


def all_decisions(tx: Transaction) -> list[Decision]:
    """List what people decided, the earliest first."""
    rows = tx.connection.execute(
        text(
            "SELECT kind, first_account, second_account, decided_at, decision_id FROM identity_decisions "
            "ORDER BY decided_at, decision_id"
        )
    )
    return [Decision(*row) for row in rows]


def list_audit(tx: Transaction) -> list[AuditRow]:
    """List all decisions with who took them and why, the earliest first."""
    rows = tx.connection.execute(
        text(
            "SELECT decided_at, kind, first_account, second_account, decided_by, reason FROM identity_decisions "
            "ORDER BY decided_at, decision_id"
        )
    )
    return [AuditRow(*row) for row in rows]
