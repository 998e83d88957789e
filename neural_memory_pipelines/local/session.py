"""Opens the stores and models that the settings name: remote ones where a variable is set, else the embedded ones.

Nobody else decides which implementation a store is.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, chunk_spec
from neural_memory_pipelines.local.stack import EmbeddedStack, Endpoints
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.models.embedders.registry import embedder_spec, load_embedder
from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.cache.redis import RedisCache
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.workspaces import active_version, version_named
from neural_memory_pipelines.stores.vectors.pgvector import PgVectorIndex


def stack_of(settings: Settings) -> EmbeddedStack:
    """The embedded stack of the settings' home."""
    return EmbeddedStack(settings.home, postgres_port=settings.postgres_port, valkey_port=settings.valkey_port)


def embedded_parts(settings: Settings) -> tuple[bool, bool]:
    """Tell whether the settings leave Postgres and Redis to the embedded stack."""
    return (
        settings.database_url is None or settings.dagster_postgres_url is None,
        settings.effective_redis_url is None,
    )


def resolve_endpoints(settings: Settings) -> Endpoints:
    """Find out where each store is.

    Raises:
        NotFoundError: an embedded store is needed and was never started.
    """
    postgres, valkey = embedded_parts(settings)
    remote = Endpoints(
        database_url=_value(settings.database_url),
        database_admin_url=_value(settings.database_admin_url or settings.database_url),
        dagster_postgres_url=_value(settings.dagster_postgres_url),
        redis_url=_value(settings.effective_redis_url),
        objects_dir=Path(settings.home).resolve() / "objects",
    )
    if not postgres and not valkey:
        return remote
    embedded = stack_of(settings).endpoints()
    return Endpoints(
        database_url=remote.database_url or embedded.database_url,
        database_admin_url=remote.database_admin_url or embedded.database_admin_url,
        dagster_postgres_url=remote.dagster_postgres_url or embedded.dagster_postgres_url,
        redis_url=remote.redis_url or embedded.redis_url,
        objects_dir=remote.objects_dir,
    )


class Session:
    """Open stores, and the models they are used with."""

    def __init__(self, settings: Settings, endpoints: Endpoints) -> None:
        self.settings = settings
        self.endpoints = endpoints
        database = Database(endpoints.database_url)
        self.stores = Stores(
            database=database,
            objects=DirectoryObjectStore(endpoints.objects_dir),
            vectors=PgVectorIndex(database.engine),
            cache=RedisCache(endpoints.redis_url),
        )

    @property
    def new_workspace_version(self) -> EmbeddingVersion:
        """The embedding version of workspaces that are created from now on."""
        spec = embedder_spec(self.settings.embedding_model)
        return EmbeddingVersion(model=spec.model, dim=spec.dim, chunking=chunk_spec(spec.max_tokens))

    def active_version(self, workspace: WorkspaceId) -> EmbeddingVersion:
        """The embedding version at which a workspace is served."""
        return active_version(self.stores.database, workspace)

    def version(self, name: str) -> EmbeddingVersion:
        """An embedding version by its name."""
        return version_named(self.stores.database, name)

    def embedder(self, version: EmbeddingVersion) -> Embedder:
        """The embedder of a version; loaded once per process."""
        return load_embedder(version.model)

    def close(self) -> None:
        """Close the connections."""
        self.stores.database.close()


def open_session(settings: Settings) -> Session:
    """Open a session on the stores that the settings name."""
    return Session(settings, resolve_endpoints(settings))


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
