"""How each workspace wants to be consolidated: the settings that it keeps under `consolidation`.

What they mean, and which values they can have, is in `domain/consolidation.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.domain.consolidation import (
    DEFAULT_CONSOLIDATION,
    ConsolidationSettings,
    read_consolidation,
    with_setting,
)
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.postgres.engine import Transaction

_READ = "SELECT settings -> 'consolidation' AS spelled FROM workspaces"


def read_settings(tx: Transaction) -> ConsolidationSettings:
    """Read the settings of the transaction's workspace; what was never set is the default.

    Raises:
        PermanentError: one cannot have the value that it has; names the workspace and the setting.
    """
    return settings_of(tx.workspace_id, tx.connection.scalar(text(_READ)))


def put_settings(tx: Transaction, settings: ConsolidationSettings) -> None:
    """Keep settings: those that differ from the defaults.

    Raises:
        NotFoundError: there is no such workspace.
    """
    kept = tx.connection.execute(
        text("UPDATE workspaces SET settings = settings || jsonb_build_object('consolidation', :spelled)").bindparams(
            bindparam("spelled", type_=JSONB)
        ),
        {"spelled": settings.spelled()},
    )
    if not kept.rowcount:
        raise NotFoundError(f"workspace {tx.workspace_id!r} does not exist yet: ingest something into it first")


def change_setting(tx: Transaction, name: str, value: str) -> ConsolidationSettings:
    """Change one setting, given as text; two changes at once are both kept, and one that is broken can be set right.

    Raises:
        PermanentError: there is no such setting, or it cannot have that value.
        NotFoundError: there is no such workspace.
    """
    spelled = tx.connection.scalar(text(f"{_READ} FOR UPDATE"))
    before = read_consolidation(spelled) if isinstance(spelled, Mapping) else DEFAULT_CONSOLIDATION
    settings = with_setting(before, name, value)
    put_settings(tx, settings)
    return settings


def settings_of(workspace: WorkspaceId, spelled: Any) -> ConsolidationSettings:
    """Read settings as a workspace keeps them, and check each.

    Args:
        workspace: whose; for the message.
        spelled: JSON, or None where nothing was set.

    Raises:
        PermanentError: one cannot have the value that it has.
    """
    if spelled is None:
        return DEFAULT_CONSOLIDATION
    if not isinstance(spelled, Mapping):
        raise PermanentError(f"workspace {workspace}: its consolidation settings are no object but {spelled!r}")
    settings = DEFAULT_CONSOLIDATION
    try:
        for name, value in read_consolidation(spelled).spelled().items():
            settings = with_setting(settings, name, str(value))
    except PermanentError as error:
        raise PermanentError(
            f"workspace {workspace}: its consolidation settings are broken: {error}; "
            f"set it with `neural-memory consolidation set NAME VALUE --workspace {workspace}`"
        ) from None
    return settings
