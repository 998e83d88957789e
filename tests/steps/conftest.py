"""A second, empty database and object store beside those of the session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.migrate import migrate


@pytest.fixture
def second_session(session: Session, tmp_path: Path) -> Iterator[Session]:
    """A session on a database, objects and cache of its own; the vectors lie in the database."""
    admin = make_url(session.endpoints.database_admin_url).set(drivername="postgresql+psycopg")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE second"))
    migrate(admin.set(database="second").render_as_string(hide_password=False))
    url = make_url(session.endpoints.database_url).set(database="second").render_as_string(hide_password=False)
    redis_url = make_url(session.endpoints.redis_url).set(database="1").render_as_string(hide_password=False)
    endpoints = replace(session.endpoints, database_url=url, redis_url=redis_url, objects_dir=tmp_path / "objects")
    second = Session(session.settings, endpoints)
    yield second
    second.close()
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE second"))
    engine.dispose()
