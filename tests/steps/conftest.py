"""What several modules work on: a second session, the scripted source, a repository and the walk through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.git_history import HistoryReport, ingest_git_history
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.postgres.migrate import migrate

from . import scripted
from .git_pushes import WORKSPACE, Event, Walk, take
from .git_repositories import Repository


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


@pytest.fixture
def scripted_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted source beside the real ones."""
    scripted.install(monkeypatch)


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    """An object store on disk, with an inbox that is empty."""
    return DirectoryObjectStore(tmp_path / "objects")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """A git repository without a commit."""
    return Repository(tmp_path / "handbook")


@pytest.fixture
def walk(objects: DirectoryObjectStore) -> Walk:
    """A walk through the history of a folder, which gives the events that it put and its report."""

    def walk_history(folder: Path, since: str = "root", **options: Any) -> tuple[list[Event], HistoryReport]:
        report = ingest_git_history(
            folder, since=since, workspace=WORKSPACE, organization_id="org", objects=objects, **options
        )
        return take(objects), report

    return walk_history
