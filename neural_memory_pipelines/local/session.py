"""Opens the stores and models that the settings name: remote ones where a variable is set, else the embedded ones.

Nobody else decides which implementation a store is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import SecretStr

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Topology, chunk_spec, successor
from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.opening import open_stores
from neural_memory_pipelines.local.stack import EmbeddedStack, Endpoints
from neural_memory_pipelines.models.embedders.access import ModelAccess
from neural_memory_pipelines.models.embedders.protocol import Embedder, Vectors
from neural_memory_pipelines.models.embedders.registry import embedder_spec, load_embedder
from neural_memory_pipelines.models.rerankers.protocol import Reranker
from neural_memory_pipelines.models.rerankers.registry import load_reranker
from neural_memory_pipelines.models.retries import RetryPolicy
from neural_memory_pipelines.models.summarizers.protocol import Summarizer
from neural_memory_pipelines.models.summarizers.registry import load_summarizer
from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.steps.pricing import Price
from neural_memory_pipelines.stores.limits.shared import SharedLimiter
from neural_memory_pipelines.stores.postgres.lifecycles import versions_in
from neural_memory_pipelines.stores.postgres.workspaces import active_version, version_named

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# Source: docs.cohere.com/docs/rate-limits, read 2026-11-23: 1,000 a minute with a production key.
_RERANKS_PER_MINUTE = 950
# Somebody waits for an answer: what cannot be reranked soon is better shown without.
_MOST_WAIT_SECONDS = 2.0
_RERANK_RETRIES = RetryPolicy(attempts=2, first_wait_seconds=0.3, longest_wait_seconds=_MOST_WAIT_SECONDS)


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


@runtime_checkable
class _Closes(Protocol):
    """A store with connections of its own. Its SDK is imported only where it is used, so it is known by this alone."""

    def close(self) -> None: ...


class Session:
    """Open stores, and the models they are used with."""

    def __init__(self, settings: Settings, endpoints: Endpoints, *, s3: S3Client | None = None) -> None:
        self.settings = settings
        self.endpoints = endpoints
        self.limiter = SharedLimiter(endpoints.redis_url)
        self.stores = open_stores(settings, endpoints, limiter=self.limiter, s3=s3)

    @property
    def new_workspace_version(self) -> EmbeddingVersion:
        """The embedding version of workspaces that are created from now on."""
        spec = embedder_spec(self.settings.embedding_model)
        return EmbeddingVersion(
            model=spec.model,
            dim=spec.dim,
            chunking=chunk_spec(spec.max_tokens),
            topology=Topology(self.settings.index_topology),
        )

    def active_version(self, workspace: WorkspaceId) -> EmbeddingVersion:
        """The embedding version at which a workspace is served."""
        return active_version(self.stores.database, workspace)

    def kept_versions(self, workspace: WorkspaceId) -> list[str]:
        """The names of the versions that new events go to, the active one first."""
        with self.stores.database.transaction(workspace) as tx:
            return versions_in(tx, KEPT_UP_TO_DATE)

    def successor(
        self, workspace: WorkspaceId, *, model: str, dim: int | None = None, topology: str | None = None
    ) -> EmbeddingVersion:
        """The version with which a workspace would follow its active one; nothing is registered.

        Raises:
            ConfigurationError: there is no such model, or it has no such dimension.
        """
        spec = embedder_spec(model)
        if dim is not None and dim not in spec.dims:
            known = ", ".join(map(str, spec.dims))
            raise ConfigurationError(f"{model} has no vectors of {dim} dimensions; it has {known}")
        return successor(
            self.active_version(workspace),
            model=model,
            dim=dim or spec.dim,
            topology=Topology(topology or self.settings.index_topology),
        )

    def version(self, name: str) -> EmbeddingVersion:
        """An embedding version by its name."""
        return version_named(self.stores.database, name)

    def embedder(self, version: EmbeddingVersion) -> Embedder:
        """The embedder of a version; loaded once per process."""
        return load_embedder(version.model, dim=version.dim, access=self._access)

    def tokenizer(self, version: EmbeddingVersion) -> Embedder:
        """The model whose tokens a version's chunks are measured in; loaded once per process."""
        return load_embedder(version.tokenizer, access=self._access)

    def summarizer(self, embed: Callable[[Sequence[str]], Vectors]) -> Summarizer:
        """The writer of summaries that the settings name; `embed` gives it the vectors of sentences.

        Raises:
            ConfigurationError: there is no such model, or its key is missing.
        """
        return load_summarizer(self.settings.summary_model, access=self._access, embed=embed)

    def reranker(self) -> Reranker | None:
        """The reranker that the settings name, loaded once per process; None if they name none.

        Raises:
            ConfigurationError: there is no such model, or its key is missing.
        """
        return load_reranker(self.settings.rerank_model, access=self._rerank_access)

    def price(self, model: str) -> Price:
        """What a model costs, by the settings or else by its list price."""
        spec = embedder_spec(model)
        dollars = self.settings.model_prices.get(model, spec.dollars_per_million_tokens)
        pace = self.settings.cohere_inputs_per_minute if spec.provider == "cohere" else None
        return Price(dollars_per_million_tokens=dollars, inputs_per_minute=pace)

    def close(self) -> None:
        """Close the connections."""
        self.stores.database.close()
        if isinstance(self.stores.vectors, _Closes):
            self.stores.vectors.close()

    @property
    def _access(self) -> ModelAccess:
        settings = self.settings
        return ModelAccess(
            cohere_api_key=_value(settings.cohere_api_key) or None,
            cohere_base_url=settings.cohere_base_url,
            throttle=self.limiter.throttle("cohere:inputs", amount=settings.cohere_inputs_per_minute, per_seconds=60),
        )

    @cached_property
    def _rerank_access(self) -> ModelAccess:
        limiter = SharedLimiter(self.endpoints.redis_url, max_wait_seconds=_MOST_WAIT_SECONDS)
        throttle = limiter.throttle("cohere:reranks", amount=_RERANKS_PER_MINUTE, per_seconds=60)
        return replace(self._access, throttle=throttle, retries=_RERANK_RETRIES)


def open_session(settings: Settings, *, s3: S3Client | None = None) -> Session:
    """Open a session on the stores that the settings name; `s3` is used in place of a client made from the settings."""
    return Session(settings, resolve_endpoints(settings), s3=s3)


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
