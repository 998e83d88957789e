"""Settings that workspaces keep in Postgres, a group of them under each key of `workspaces.settings`.

What they mean, and which values they can have, is the domain's part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from neural_memory_pipelines.domain.ids import Json, WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.stores.postgres.engine import Transaction

_READ = "SELECT settings -> :key AS spelled FROM workspaces"
_PUT = "UPDATE workspaces SET settings = settings || jsonb_build_object(CAST(:key AS text), :spelled)"


class _Spelled(Protocol):
    def spelled(self) -> dict[str, Json]: ...


Settings = TypeVar("Settings", bound=_Spelled)


@dataclass(frozen=True, slots=True)
class SettingsGroup(Generic[Settings]):
    """A group of settings.

    Attributes:
        key: under which it is kept, and the command that sets it.
        default: what holds where nothing was set.
        read: reads JSON; what is not said is the default.
        with_setting: changes one setting, given as text; refuses what it cannot have.
    """

    key: str
    default: Settings
    read: Callable[[Mapping[str, Json]], Settings]
    with_setting: Callable[[Settings, str, str], Settings]

    def read_settings(self, tx: Transaction) -> Settings:
        """Read the settings of the transaction's workspace; what was never set is the default.

        Raises:
            PermanentError: one cannot have the value that it has; names the workspace and the setting.
        """
        return self.settings_of(tx.workspace_id, tx.connection.scalar(text(_READ), {"key": self.key}))

    def put_settings(self, tx: Transaction, settings: Settings) -> None:
        """Keep settings: those that differ from the defaults.

        Raises:
            NotFoundError: there is no such workspace.
        """
        kept = tx.connection.execute(
            text(_PUT).bindparams(bindparam("spelled", type_=JSONB)), {"key": self.key, "spelled": settings.spelled()}
        )
        if not kept.rowcount:
            raise NotFoundError(f"workspace {tx.workspace_id!r} does not exist yet: ingest something into it first")

    def change_setting(self, tx: Transaction, name: str, value: str) -> Settings:
        """Change one setting, given as text; two changes at once are both kept, and one that is broken can be set right.

        Raises:
            PermanentError: there is no such setting, or it cannot have that value.
            NotFoundError: there is no such workspace.
        """
        spelled = tx.connection.scalar(text(f"{_READ} FOR UPDATE"), {"key": self.key})
        before = self.read(spelled) if isinstance(spelled, Mapping) else self.default
        settings = self.with_setting(before, name, value)
        self.put_settings(tx, settings)
        return settings

    def settings_of(self, workspace: WorkspaceId, spelled: Any) -> Settings:
        """Read settings as a workspace keeps them, and check each.

        Args:
            workspace: whose; for the message.
            spelled: JSON, or None where nothing was set.

        Raises:
            PermanentError: one cannot have the value that it has.
        """
        if spelled is None:
            return self.default
        if not isinstance(spelled, Mapping):
            raise PermanentError(f"workspace {workspace}: its {self.key} settings are no object but {spelled!r}")
        settings = self.default
        try:
            for name, value in self.read(spelled).spelled().items():
                settings = self.with_setting(settings, name, "none" if value is None else str(value))
        except PermanentError as error:
            raise PermanentError(
                f"workspace {workspace}: its {self.key} settings are broken: {error}; "
                f"set it with `neural-memory {self.key} set NAME VALUE --workspace {workspace}`"
            ) from None
        return settings
