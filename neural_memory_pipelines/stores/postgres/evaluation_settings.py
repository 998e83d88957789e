"""How much worse the answers of each workspace may get: the settings that it keeps under `evaluation`.

What they mean, and which values they can have, is in `domain/evaluation_settings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.domain.evaluation_settings import (
    DEFAULT_EVALUATION,
    EvaluationSettings,
    read_evaluation,
    with_setting,
)
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.postgres.engine import Transaction

_READ = "SELECT settings -> 'evaluation' AS spelled FROM workspaces"


def read_settings(tx: Transaction) -> EvaluationSettings:
    """Read the settings of the transaction's workspace; what was never set is the default.

    Raises:
        PermanentError: one cannot have the value that it has; names the workspace and the setting.
    """
    spelled = tx.connection.scalar(text(_READ))
    if spelled is None:
        return DEFAULT_EVALUATION
    settings = DEFAULT_EVALUATION
    try:
        for name, value in _read(spelled).spelled().items():
            settings = with_setting(settings, name, "none" if value is None else str(value))
    except PermanentError as error:
        raise PermanentError(
            f"workspace {tx.workspace_id}: its evaluation settings are broken: {error}; "
            f"set it with `neural-memory evaluation set NAME VALUE --workspace {tx.workspace_id}`"
        ) from None
    return settings


def change_setting(tx: Transaction, name: str, value: str) -> EvaluationSettings:
    """Change one setting, given as text; two changes at once are both kept, and one that is broken can be set right.

    Raises:
        PermanentError: there is no such setting, or it cannot have that value.
        NotFoundError: there is no such workspace.
    """
    spelled = tx.connection.scalar(text(f"{_READ} FOR UPDATE"))
    before = _read(spelled) if isinstance(spelled, Mapping) else DEFAULT_EVALUATION
    settings = with_setting(before, name, value)
    kept = tx.connection.execute(
        text("UPDATE workspaces SET settings = settings || jsonb_build_object('evaluation', :spelled)").bindparams(
            bindparam("spelled", type_=JSONB)
        ),
        {"spelled": settings.spelled()},
    )
    if not kept.rowcount:
        raise NotFoundError(f"workspace {tx.workspace_id!r} does not exist yet: ingest something into it first")
    return settings


def _read(spelled: Any) -> EvaluationSettings:
    if not isinstance(spelled, Mapping):
        raise PermanentError(f"they are no object but {spelled!r}")
    return read_evaluation(spelled)
