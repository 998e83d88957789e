"""What callers learn of the embedded stack: where to connect, and what runs. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the embedded stores are reached. The URLs hold passwords and do not print.

    Attributes:
        database_url: the pipeline's own role, which owns nothing and cannot bypass row-level security.
        database_admin_url: the superuser that owns the schema; for migrations alone.
        dagster_postgres_url: the database of Dagster's storage, which needs psycopg2.
        redis_url: Valkey.
        objects_dir: the directory of the object store.
    """

    database_url: str = field(repr=False)
    database_admin_url: str = field(repr=False)
    dagster_postgres_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    objects_dir: Path


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One server. `running` means that it answered our password; `address` is host:port, once one was chosen."""

    name: str
    running: bool
    pid: int | None
    address: str | None
    version: str | None
