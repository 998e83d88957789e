"""All configuration of the package, read from environment variables in this one place.

A store whose variable is not set falls back to its embedded twin. What is set but wrong fails here, by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from neural_memory_pipelines.errors import ConfigurationError

_ENCODED = "with special characters of the password percent-encoded"


class Settings(BaseSettings):
    """The settings of one process. Secrets print as asterisks."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,  # an empty variable is one that is not set
    )

    home: Path = Field(
        default=Path(".neural-memory"),
        validation_alias="NEURAL_MEMORY_HOME",
        description="Directory of the embedded stores and of Dagster's own files.",
    )
    embedding_model: str = Field(
        default="local/minilm-l6-v2",
        validation_alias="NEURAL_MEMORY_EMBEDDING_MODEL",
        description="Embedding model of workspaces created from now on, as provider/name.",
    )
    organization_id: str = Field(
        default="local",
        validation_alias="NEURAL_MEMORY_ORGANIZATION",
        min_length=1,
        description="Organization of events that do not name one.",
    )
    postgres_port: int | None = Field(
        default=None,
        validation_alias="NEURAL_MEMORY_POSTGRES_PORT",
        ge=1,
        le=65535,
        description="Port of the embedded Postgres. Not set: a free one, kept from then on.",
    )
    valkey_port: int | None = Field(
        default=None,
        validation_alias="NEURAL_MEMORY_VALKEY_PORT",
        ge=1,
        le=65535,
        description="Port of the embedded Valkey. Not set: a free one, kept from then on.",
    )
    ui_port: int | None = Field(
        default=None,
        validation_alias="NEURAL_MEMORY_UI_PORT",
        ge=1,
        le=65535,
        description="Port of the Dagster UI that `up` serves. Not set: 3000, or a free one if that is taken.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="Postgres (with pgvector) that the pipeline connects to. Not set: the embedded one.",
    )
    database_admin_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_ADMIN_URL",
        description="Postgres role that owns the schema: migrates, and reads how far that is. Not set: DATABASE_URL.",
    )
    dagster_postgres_url: SecretStr | None = Field(
        default=None,
        validation_alias="DAGSTER_POSTGRES_URL",
        description="Postgres database of Dagster's own storage. Not set: one beside the embedded database.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias="REDIS_URL",
        description="Redis or Valkey, redis:// or rediss://. Not set: the embedded one.",
    )
    upstash_redis_rest_url: str | None = Field(
        default=None,
        validation_alias="UPSTASH_REDIS_REST_URL",
        description="Upstash database, with UPSTASH_REDIS_REST_TOKEN; reached over TLS by the Redis protocol.",
    )
    upstash_redis_rest_token: SecretStr | None = Field(
        default=None,
        validation_alias="UPSTASH_REDIS_REST_TOKEN",
        description="Token of the Upstash database.",
    )
    s3_bucket: str | None = Field(
        default=None,
        validation_alias="S3_BUCKET",
        description="Bucket of raw artifacts and of the inbox. Not set: a directory under NEURAL_MEMORY_HOME.",
    )
    s3_prefix: str = Field(
        default="",
        validation_alias="S3_PREFIX",
        description="Folder of the bucket that everything lies in.",
    )
    aws_region: str | None = Field(
        default=None,
        validation_alias="AWS_REGION",
        description="Region of the bucket. Not set: AWS's own configuration decides.",
    )
    aws_access_key_id: SecretStr | None = Field(
        default=None,
        validation_alias="AWS_ACCESS_KEY_ID",
        description="Key to the bucket, with AWS_SECRET_ACCESS_KEY. Not set: AWS's own chain of credentials.",
    )
    aws_secret_access_key: SecretStr | None = Field(
        default=None,
        validation_alias="AWS_SECRET_ACCESS_KEY",
        description="Secret of the key to the bucket.",
    )
    aws_session_token: SecretStr | None = Field(
        default=None,
        validation_alias="AWS_SESSION_TOKEN",
        description="Token of temporary credentials.",
    )
    aws_endpoint_url: str | None = Field(
        default=None,
        validation_alias="AWS_ENDPOINT_URL_S3",
        description="Another S3 server than Amazon's, such as MinIO or SeaweedFS.",
    )
    pinecone_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="PINECONE_API_KEY",
        description="Account of the Pinecone indexes. Not set: vectors lie in Postgres (pgvector).",
    )
    pinecone_cloud: str = Field(
        default="aws", validation_alias="PINECONE_CLOUD", description="Cloud in which indexes are created."
    )
    pinecone_region: str = Field(
        default="us-west-2", validation_alias="PINECONE_REGION", description="Region in which indexes are created."
    )
    pinecone_host: str | None = Field(
        default=None,
        validation_alias="PINECONE_CONTROLLER_HOST",
        description="Another address of Pinecone's API than its public one.",
    )
    pinecone_requests_per_second: int = Field(
        default=50,
        validation_alias="PINECONE_REQUESTS_PER_SECOND",
        ge=1,
        description="Requests to Pinecone a second, of all processes that share the Redis.",
    )
    cohere_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="COHERE_API_KEY",
        description="Account for embedding models cohere/...",
    )
    cohere_base_url: str | None = Field(
        default=None,
        validation_alias="CO_API_URL",
        description="Another address of Cohere's API than its public one.",
    )
    cohere_inputs_per_minute: int = Field(
        default=1_900,
        validation_alias="COHERE_INPUTS_PER_MINUTE",
        ge=1,
        description="Texts sent to Cohere a minute, of all processes that share the Redis; its own limit is 2,000.",
    )
    braintrust_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="BRAINTRUST_API_KEY",
        description="Account that is told of runs of evaluation. Not set: they are kept in Postgres alone.",
    )
    braintrust_project: str = Field(
        default="neural-memory",
        validation_alias="NEURAL_MEMORY_BRAINTRUST_PROJECT",
        description="Project of Braintrust that experiments go to; made if it is not there.",
    )
    braintrust_org_name: str | None = Field(
        default=None,
        validation_alias="BRAINTRUST_ORG_NAME",
        description="Organization of that project, where BRAINTRUST_API_KEY belongs to several.",
    )
    braintrust_api_url: str | None = Field(
        default=None,
        validation_alias="BRAINTRUST_API_URL",
        description="API of a Braintrust of one's own. Not set: the one that BRAINTRUST_APP_URL names when asked.",
    )
    braintrust_app_url: str | None = Field(
        default=None,
        validation_alias="BRAINTRUST_APP_URL",
        description="Another address of Braintrust's app than its public one.",
    )
    environment: str = Field(
        default="",
        validation_alias="NEURAL_MEMORY_ENVIRONMENT",
        pattern=r"^[a-z0-9]{0,12}$",
        description="Part of the names of indexes, so that deployments can share an account: a-z and 0-9.",
    )
    index_topology: Literal["shared", "store"] = Field(
        default="shared",
        validation_alias="NEURAL_MEMORY_INDEX_TOPOLOGY",
        description="shared: an index per model, a namespace per workspace. store: an index per workspace and store. "
        "For workspaces created from now on, and for versions proposed from now on.",
    )
    summary_model: str = Field(
        default="extractive",
        validation_alias="NEURAL_MEMORY_SUMMARY_MODEL",
        description="Who writes summaries: extractive (sentences of the sources), or a chat model of Cohere, "
        "such as cohere/command-a-03-2025.",
    )
    rerank_model: str = Field(
        default="none",
        validation_alias="NEURAL_MEMORY_RERANK_MODEL",
        description="Who has the last word on the order of answers: none, or a reranking model of Cohere, "
        "such as cohere/rerank-v5.0-fast.",
    )
    archive_grace_days: float = Field(
        default=14,
        validation_alias="NEURAL_MEMORY_ARCHIVE_GRACE_DAYS",
        ge=0,
        description="Days for which a version that was replaced is kept for a rollback.",
    )
    gate_most_loss: float = Field(
        default=0.02,
        validation_alias="NEURAL_MEMORY_GATE_MOST_LOSS",
        ge=0,
        le=1,
        description="How far recall@10 and nDCG@10 of a new version may lie below the active one's.",
    )
    bulk_import_vectors: int = Field(
        default=100_000,
        validation_alias="NEURAL_MEMORY_BULK_IMPORT_VECTORS",
        ge=1,
        description="From so many vectors on, an empty Pinecone namespace is filled by an import from the S3 bucket.",
    )
    bulk_import_integration: str | None = Field(
        default=None,
        validation_alias="PINECONE_IMPORT_INTEGRATION_ID",
        description="Pinecone's storage integration for a bucket that is not public.",
    )
    model_prices: dict[str, float] = Field(
        default={},
        validation_alias="NEURAL_MEMORY_MODEL_PRICES",
        description='Dollars per million tokens by model, as JSON: {"cohere/embed-v4.0": 0.12}. Not set: list prices.',
    )

    @field_validator("database_url", "database_admin_url", "dagster_postgres_url")
    @classmethod
    def _is_postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_url(value, schemes={"postgres", "postgresql"}):
            raise ValueError(f"expected postgresql://user:password@host:port/database, {_ENCODED}")
        return value

    @field_validator("dagster_postgres_url")
    @classmethod
    def _names_the_driver_of_dagster(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        # SQLAlchemy reads a plain scheme as psycopg 3, with which Dagster's storage fails.
        return SecretStr(f"postgresql+psycopg2://{value.get_secret_value().partition('://')[2]}")

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_url(value, schemes={"redis", "rediss"}):
            raise ValueError(f"expected redis://host:port or rediss://user:password@host:port, {_ENCODED}")
        return value

    @field_validator("braintrust_api_url", "braintrust_app_url")
    @classmethod
    def _is_http_url(cls, value: str | None) -> str | None:
        if value is not None and not _is_url(SecretStr(value), schemes={"http", "https"}):
            raise ValueError("expected a URL such as https://braintrust.example.com")
        return value

    @field_validator("embedding_model")
    @classmethod
    def _names_provider_and_model(cls, value: str) -> str:
        provider, slash, name = value.partition("/")
        if not (provider and slash and name):
            raise ValueError("expected provider/name, such as local/minilm-l6-v2")
        return value

    @property
    def effective_redis_url(self) -> SecretStr | None:
        """The Redis to use: REDIS_URL, else the Upstash pair over TLS, else None for the embedded one."""
        if self.redis_url is not None:
            return self.redis_url
        if self.upstash_redis_rest_url is None or self.upstash_redis_rest_token is None:
            return None
        host = urlsplit(self.upstash_redis_rest_url).hostname
        token = quote(self.upstash_redis_rest_token.get_secret_value(), safe="")
        return SecretStr(f"rediss://default:{token}@{host}:6379")


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        ConfigurationError: a variable has a value that cannot be right.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        faults = error.errors(include_input=False)
        # No cause: it would carry the values, and with them passwords, into tracebacks.
        raise ConfigurationError(
            "; ".join(f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults)
        ) from None
    if settings.database_admin_url is not None and settings.database_url is None:
        raise ConfigurationError("DATABASE_ADMIN_URL is set without DATABASE_URL: set both, or neither")
    if (settings.upstash_redis_rest_url is None) != (settings.upstash_redis_rest_token is None):
        raise ConfigurationError("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN go together: set both or neither")
    if (settings.aws_access_key_id is None) != (settings.aws_secret_access_key is None):
        raise ConfigurationError("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together: set both or neither")
    if settings.upstash_redis_rest_url and not urlsplit(settings.upstash_redis_rest_url).hostname:
        raise ConfigurationError("UPSTASH_REDIS_REST_URL: expected https://<name>.upstash.io")
    return settings


def _is_url(value: SecretStr, *, schemes: set[str]) -> bool:
    # What urlsplit says of a URL that it cannot read may quote the password.
    try:
        parts = urlsplit(value.get_secret_value())
        is_port_legal = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme.partition("+")[0] in schemes and bool(parts.hostname) and is_port_legal
