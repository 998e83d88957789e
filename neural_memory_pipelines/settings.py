"""All configuration of the package, read from environment variables in this one place.

A store whose variable is not set falls back to its embedded twin. What is set but wrong fails here, by name.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from neural_memory_pipelines.errors import ConfigurationError

_NOT_BUILT_YET = {
    "s3_bucket": "an S3 object store",
    "pinecone_api_key": "a Pinecone index",
}
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
        description="Refused for now: objects live in a directory under NEURAL_MEMORY_HOME.",
    )
    pinecone_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="PINECONE_API_KEY",
        description="Refused for now: vectors live in Postgres.",
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
        ConfigurationError: a variable has a value that cannot be right, or names a store that is not built yet.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        faults = error.errors(include_input=False)
        # No cause: it would carry the values, and with them passwords, into tracebacks.
        raise ConfigurationError(
            "; ".join(f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults)
        ) from None
    for name, store in _NOT_BUILT_YET.items():
        if getattr(settings, name) is not None:
            raise ConfigurationError(
                f"{name.upper()} is set, but {store} is not supported by this version: unset it to use the embedded one"
            )
    if settings.database_admin_url is not None and settings.database_url is None:
        raise ConfigurationError("DATABASE_ADMIN_URL is set without DATABASE_URL: set both, or neither")
    if (settings.upstash_redis_rest_url is None) != (settings.upstash_redis_rest_token is None):
        raise ConfigurationError("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN go together: set both or neither")
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
