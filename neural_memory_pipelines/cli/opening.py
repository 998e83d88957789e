"""Gets a command ready: settings, running stores, a migrated database, Dagster's home.

Every command that needs the stores goes through here; what it starts, `down` finds. Nothing here imports Dagster.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import neural_memory_pipelines
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import ConfigurationError, NotFoundError
from neural_memory_pipelines.local.services import Endpoints
from neural_memory_pipelines.local.session import Session, embedded_parts, resolve_endpoints, stack_of
from neural_memory_pipelines.models.embedders.registry import embedder_spec
from neural_memory_pipelines.settings import Settings, load_settings
from neural_memory_pipelines.steps.inbox import list_inbox
from neural_memory_pipelines.stores.postgres.engine import login_of
from neural_memory_pipelines.stores.postgres.migrate import migrate, schema_state
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

_CONNECT_TIMEOUT_SECONDS = 10

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ready:
    """Stores that run and are migrated, and the settings that name them."""

    settings: Settings
    endpoints: Endpoints


def checked_settings() -> Settings:
    """Read the settings, and have connections to a Postgres that does not answer end soon.

    Raises:
        ConfigurationError: a variable is wrong.
    """
    settings = load_settings()
    embedder_spec(settings.embedding_model)
    # Read by every client library of Postgres in this process and in those of Dagster.
    os.environ.setdefault("PGCONNECT_TIMEOUT", str(_CONNECT_TIMEOUT_SECONDS))
    return settings


def ready_stores() -> Ready:
    """Start the embedded stores that are needed, and bring an embedded database to the newest schema.

    Raises:
        ConfigurationError: a remote database is not migrated.
    """
    settings = checked_settings()
    postgres, valkey = embedded_parts(settings)
    stack_of(settings).start(postgres=postgres, valkey=valkey)
    endpoints = resolve_endpoints(settings)
    state = schema_state(endpoints.database_admin_url)
    if not state.at_head:
        if settings.database_url is not None:
            raise ConfigurationError(
                f"the database of DATABASE_URL is {f'at revision {state.current}' if state.current else 'empty'}, "
                f"the newest revision is {state.head}: run `neural-memory migrate`"
            )
        migrate(endpoints.database_admin_url, pipeline_user=login_of(endpoints.database_url))
    return Ready(settings, endpoints)


@contextmanager
def ready_session() -> Iterator[Session]:
    """Open a session on ready stores, for the length of a command."""
    with opened(ready_stores()) as session:
        yield session


@contextmanager
def opened(ready: Ready) -> Iterator[Session]:
    """Open a session on stores that are ready."""
    session = Session(ready.settings, ready.endpoints)
    try:
        yield session
    finally:
        session.close()


def built_version(session: Session, workspace: WorkspaceId) -> EmbeddingVersion:
    """Read the embedding version at which a workspace is served.

    Raises:
        NotFoundError: the workspace was never built, or there is none of this name; says which there are.
    """
    try:
        return session.active_version(workspace)
    except NotFoundError:
        if list_inbox(session.stores.objects).by_workspace.get(workspace):
            raise NotFoundError(
                f"workspace {workspace!r} was ingested into, but not built yet: "
                f"run `neural-memory build --workspace {workspace}`"
            ) from None
        known = ", ".join(list_workspaces(session.stores.database))
        raise NotFoundError(
            f"there is no workspace {workspace!r}: "
            + (f"there are {known}" if known else "ingest something into it first")
        ) from None


def asked_at_one_version(session: Session, workspace: WorkspaceId, ask: Callable[[EmbeddingVersion], T]) -> T:
    """Ask at the version at which a workspace is served.

    If another one was promoted meanwhile, it is asked again: the index of this one may be gone, and the answer lack
    what is there.

    Raises:
        NotFoundError: the workspace was never built, or what is asked for is not found.
    """
    version = built_version(session, workspace)
    while True:
        try:
            answer = ask(version)
        except NotFoundError:
            served = session.active_version(workspace)
            if served == version:
                raise
        else:
            served = session.active_version(workspace)
            if served == version:
                return answer
        version = served


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
    stores_home = stack_of(ready.settings).home
    configured = os.environ.get("DAGSTER_HOME")
    home = Path(configured).expanduser().resolve() if configured else stores_home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    # A home that an earlier command of this process chose is still ours.
    if home == stores_home / "dagster":
        partial = home / f"dagster.yaml.{os.getpid()}"
        shutil.copyfile(project_root() / "dagster.yaml", partial)
        partial.replace(home / "dagster.yaml")
    return {
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": ready.endpoints.dagster_postgres_url,
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "NEURAL_MEMORY_HOME": str(stores_home),
    }
