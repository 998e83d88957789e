"""Gets a command ready: settings, running stores, a migrated database, Dagster's home.

Every command that needs the stores goes through here; what it starts, `down` finds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import neural_memory_pipelines
from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.services import Endpoints
from neural_memory_pipelines.local.session import Session, embedded_parts, resolve_endpoints, stack_of
from neural_memory_pipelines.settings import Settings, load_settings
from neural_memory_pipelines.stores.postgres.engine import login_of
from neural_memory_pipelines.stores.postgres.migrate import migrate, schema_state


@dataclass(frozen=True, slots=True)
class Ready:
    """Stores that run and are migrated. `started` says whether this command started an embedded server."""

    settings: Settings
    endpoints: Endpoints
    started: bool


def ready_stores() -> Ready:
    """Start the embedded stores that are needed, and bring an embedded database to the newest schema.

    Raises:
        ConfigurationError: a remote database is not migrated.
    """
    settings = load_settings()
    stack = stack_of(settings)
    postgres, valkey = embedded_parts(settings)
    running = {service.name for service in stack.services() if service.running} if stack.home.exists() else set()
    stack.start(postgres=postgres, valkey=valkey)
    endpoints = resolve_endpoints(settings)
    state = schema_state(endpoints.database_admin_url)
    if not state.at_head:
        if settings.database_url is not None:
            raise ConfigurationError(
                f"the database of DATABASE_URL is at revision {state.current}, the newest is {state.head}: "
                "run `neural-memory migrate`"
            )
        migrate(endpoints.database_admin_url, pipeline_user=login_of(endpoints.database_url))
    return Ready(settings, endpoints, started=len(running) < postgres + valkey)


@contextmanager
def ready_session() -> Iterator[Session]:
    """Open a session on ready stores, for the length of a command."""
    ready = ready_stores()
    session = Session(ready.settings, ready.endpoints)
    try:
        yield session
    finally:
        session.close()


def project_root() -> Path:
    """Find the folder that holds dagster.yaml and workspace.yaml: beside the package, else the current one.

    Raises:
        ConfigurationError: neither holds them.
    """
    for folder in (Path(neural_memory_pipelines.__file__).resolve().parents[1], Path.cwd()):
        if (folder / "dagster.yaml").is_file() and (folder / "workspace.yaml").is_file():
            return folder
    raise ConfigurationError("dagster.yaml and workspace.yaml: run this command in the folder that holds them")


def dagster_environment(ready: Ready) -> dict[str, str]:
    """Say which environment variables Dagster's own commands need to work on these stores.

    DAGSTER_HOME gets a copy of the project's dagster.yaml, so that Dagster's files stay out of the checkout.
    """
    home = Path(os.environ.get("DAGSTER_HOME") or ready.settings.home.resolve() / "dagster")
    home.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DAGSTER_HOME"):
        shutil.copyfile(project_root() / "dagster.yaml", home / "dagster.yaml")
    return {
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": ready.endpoints.dagster_postgres_url,
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "NEURAL_MEMORY_HOME": str(ready.settings.home.resolve()),
    }
