"""What a home remembers between commands: passwords, ports, and where its cluster lies.

Nothing here knows a server. The file is readable by its owner alone, and is replaced whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError


def _new_password() -> str:
    # URL-safe characters only: the passwords stand in connection URLs.
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class State:
    """The memory of one home. `cluster_directory` is relative to the home or absolute; passwords do not print."""

    cluster_directory: str
    postgres_port: int
    valkey_port: int
    owner_password: str = field(repr=False, default_factory=_new_password)
    pipeline_password: str = field(repr=False, default_factory=_new_password)
    dagster_password: str = field(repr=False, default_factory=_new_password)
    valkey_password: str = field(repr=False, default_factory=_new_password)


class StateFile:
    """The state of a home on disk. Changes are made with the home's lock held."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> State | None:
        """Read the state; None if nothing was ever started in this home.

        Raises:
            ConfigurationError: the file cannot be read, or is damaged.
        """
        try:
            return State(**json.loads(self.path.read_text()))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}") from error
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{self.path} is damaged ({error}): restore it from a backup, or run "
                "`neural-memory reset` to start anew"
            ) from None

    def require(self) -> State:
        """Read the state.

        Raises:
            NotFoundError: nothing was ever started in this home.
            ConfigurationError: the file cannot be read, or is damaged.
        """
        state = self.read()
        if state is None:
            raise NotFoundError(
                f"nothing was started in {self.path.parent} yet: run a command that needs the stores, "
                "such as `neural-memory doctor`"
            )
        return state

    def save(self, state: State) -> None:
        """Replace the state, durably."""
        partial = self.path.with_suffix(".partial")
        with private_file(partial) as descriptor:
            os.write(descriptor, json.dumps(asdict(state), indent=2).encode())
            os.fsync(descriptor)
        partial.replace(self.path)


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[int]:
    """Open a new file that only its owner can read, replacing what was there; yields the descriptor."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
