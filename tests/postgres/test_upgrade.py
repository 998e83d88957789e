"""A database that a released version filled is brought to the newest schema, and ends as a fresh one does.

`tests/data/upgrade` holds what each released revision wrote: its rows, the objects beside them, and the events that it
was told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity
from neural_memory_pipelines.stores.postgres import migrate as migrations
from neural_memory_pipelines.stores.postgres.migrate import migrate

from ..steps.dumps import rows, statuses
from ..steps.memory_state import difference, memory_state
from ..steps.pipeline import run_path

RELEASED = Path(__file__).parents[1] / "data" / "upgrade" / "0001.json"
WORKSPACE = WorkspaceId("released")


@pytest.fixture
def released() -> Any:
    """What the released version wrote."""
    return json.loads(RELEASED.read_text("utf-8"))


@pytest.fixture
def upgraded(session: Session, tmp_path: Path, released: Any) -> Iterator[Session]:
    """A session on a database of the first revision, as the released version left it, that was then migrated."""
    admin = make_url(session.endpoints.database_admin_url).set(drivername="postgresql+psycopg")
    server = create_engine(admin, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE upgraded"))
    admin_url = admin.set(database="upgraded").render_as_string(hide_password=False)
    url = make_url(session.endpoints.database_url).set(database="upgraded").render_as_string(hide_password=False)
    redis_url = make_url(session.endpoints.redis_url).set(database="2").render_as_string(hide_password=False)
    endpoints = replace(session.endpoints, database_url=url, redis_url=redis_url, objects_dir=tmp_path / "objects")
    own = Session(session.settings, endpoints)
    _migrate_to(admin_url, "0001")
    _restore(own, released)
    migrate(admin_url)
    yield own
    own.close()
    with server.connect() as connection:
        connection.execute(text("DROP DATABASE upgraded"))
    server.dispose()


def _migrate_to(admin_url: str, revision: str) -> None:
    engine = create_engine(admin_url)
    with engine.begin() as connection:
        config = migrations._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def _restore(own: Session, released: Mapping[str, Any]) -> None:
    own.stores.objects.put_many({key: value.encode() for key, value in released["objects"].items()})
    for table, held in released["tables"].items():
        with own.stores.database.transaction(WORKSPACE) as tx:
            for row in held:
                names = ", ".join(row)
                tx.connection.execute(
                    text(
                        f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, :row)"
                    ),
                    {"row": json.dumps(row)},
                )


def _fresh(session: Session, released: Mapping[str, Any]) -> WorkspaceId:
    """Tell another workspace the same events."""
    workspace = WorkspaceId("released-fresh")
    lines = [event.replace('"released"', f'"{workspace}"').encode() for event in released["events"]]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return workspace


def test_what_a_released_version_wrote_ends_as_if_it_were_told_today(
    session: Session, upgraded: Session, released: Any
) -> None:
    before = {row["source_id"] for row in released["tables"]["knowledge_documents"]}
    assert len(before) >= 10
    assert statuses(upgraded, WORKSPACE) == {"pending": 18, "dead": 1}
    run_path(upgraded, WORKSPACE)

    fresh = _fresh(session, released)
    assert difference(memory_state(session, fresh), memory_state(upgraded, WORKSPACE)) == {}
    # What an event is called that brings nothing new depends on what was known before it was read.
    assert statuses(upgraded, WORKSPACE).keys() == {"persisted", "unchanged", "skipped", "dead"}
    assert rows(upgraded, WORKSPACE, "SELECT reason FROM dead_letters ORDER BY reason") == rows(
        session, fresh, "SELECT reason FROM dead_letters ORDER BY reason"
    )
    version = upgraded.active_version(WORKSPACE)
    assert all(index_parity(Scope(WORKSPACE, version, family, upgraded.stores)).passed for family in Family)


def test_what_its_event_yields_no_more_does_not_linger(upgraded: Session) -> None:
    otherwise = {"document_id": "doc_otherwise", "source_id": "acme/shop#1/as-it-was-called", "as_of_event": "issue 1"}
    with upgraded.stores.database.transaction(WORKSPACE) as tx:
        spelled = ", ".join(f"'{value}' AS {name}" for name, value in otherwise.items())
        tx.connection.execute(
            text(
                "INSERT INTO knowledge_documents SELECT (jsonb_populate_record(d, to_jsonb(o))).* "
                f"FROM knowledge_documents d, (SELECT {spelled}) o WHERE d.source_id = 'acme/shop#1'"
            )
        )
        tx.connection.execute(
            text(
                "INSERT INTO document_versions SELECT (jsonb_populate_record(v, to_jsonb(o))).* "
                "FROM document_versions v JOIN knowledge_documents d USING (document_id), "
                "(SELECT 'doc_otherwise' AS document_id, 'issue 1' AS event_key) o WHERE d.source_id = 'acme/shop#1'"
            )
        )
    run_path(upgraded, WORKSPACE)
    left = "SELECT source_id FROM knowledge_documents WHERE source_id LIKE 'acme/shop#1%'"
    assert rows(upgraded, WORKSPACE, left) == [("acme/shop#1",)]


def test_every_document_of_the_released_version_is_noted_with_its_event(upgraded: Session) -> None:
    """So that what its event yields no more is found out when it is read again."""
    noted = """SELECT count(*), count(v.event_key), bool_and(d.as_of_event = v.event_key AND d.as_of = v.as_of
        AND v.deletes = (d.deleted_at IS NOT NULL)) FROM knowledge_documents d LEFT JOIN document_versions v
        USING (document_id)"""
    assert rows(upgraded, WORKSPACE, noted) == [(10, 10, True)]
