"""No workspace sees or writes the rows of another: on every table, whatever the statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Column, Table
from sqlalchemy.engine import make_url

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import CATALOG_SETTING, PIPELINE_ROLE, WORKSPACE_SETTING
from neural_memory_pipelines.stores.postgres.questions import put_questions
from neural_memory_pipelines.stores.postgres.tables import WORKSPACE_TABLES, consolidation, evaluation, metadata

from ..steps.pipeline import ingest_folder, run_path
from ..steps.samples import DECISION, envelope, guide, slack_message, write_docs

Connection = psycopg.Connection[tuple[object, ...]]
OURS, THEIRS = WorkspaceId("security-ours"), WorkspaceId("security-theirs")
CONSOLIDATED = [table for table in metadata.sorted_tables if table.name in vars(consolidation)]
EVALUATED = [table for table in metadata.sorted_tables if table.name in vars(evaluation) and table.name != "questions"]
TABLES = pytest.mark.parametrize("table", WORKSPACE_TABLES, ids=lambda table: table.name)
REFUSED = pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security")


@pytest.fixture(scope="module", autouse=True)
def _two_workspaces(session: Session, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both workspaces hold rows in every table."""
    for workspace in (OURS, THEIRS):
        folder = write_docs(tmp_path_factory.mktemp(workspace), {"berths.md": guide("berths") + DECISION})
        lines = [b"a dead letter", envelope(workspace, key="issue"), *_events_of_all_kinds(workspace)]
        put_lines(session.stores.objects, workspace, lines)
        ingest_folder(session, workspace, folder)
        run_path(session, workspace)
        decide_identity(
            workspace,
            "split",
            names=("github:7", "slack:U1"),
            decided_by="ada",
            reason="two persons",
            stores=session.stores,
        )
        _consolidate(session, workspace)


def _consolidate(session: Session, workspace: WorkspaceId) -> None:
    """A row of each kind that a night or an evaluation leaves."""
    version = session.new_workspace_version
    with session.stores.database.transaction(workspace) as tx:
        for table in (*CONSOLIDATED, *EVALUATED):
            row = {column.name: _plausible(column, workspace, version.name) for column in _required(table)}
            insert_rows(tx, table, [row], on_conflict="DO NOTHING")
        put_questions(tx, [Question("q1", "who?", (ExpectedSource("docs", "handbook/berths.md"),))])


def _required(table: Table) -> list[Column[Any]]:
    written = [column for column in table.columns if not column.nullable and column.server_default is None]
    generated = {"workspace_id", "sequence"}
    return [column for column in written if column.name not in generated]


def _plausible(column: Column[Any], workspace: WorkspaceId, version: str) -> object:
    if column.name == "embedding_version":
        return version
    if column.name == "suite":
        return str(Suite.NIGHTLY)
    if column.name.endswith("_id"):
        return f"{column.name}-{workspace}"
    values = {datetime: datetime.now(UTC), bool: True, int: 1, float: 0.5, bytes: b"v", dict: {}}
    return values.get(column.type.python_type, "a text")


def _events_of_all_kinds(workspace: WorkspaceId) -> list[bytes]:
    """A thread with its parts, a push of a store, a repository that was renamed."""
    at = "2026-03-02T10:00:00Z"
    file = {"status": "added", "path": "a.md", "content": "# A", "changedAt": at, "commit": "c" * 40}
    push = {"store": "handbook", "ref": "refs/heads/main", "before": None, "after": "c" * 40, "deliveryId": "d1"}
    renamed = {
        "action": "renamed",
        "changes": {"repository": {"name": {"from": "old"}}},
        "repository": {"full_name": "acme/new", "name": "new", "id": 1, "updated_at": at},
    }
    return [
        slack_message(workspace, user="U1", name="Ada Byron", email="ada@acme.example", ts="1772445600.000100"),
        envelope(
            workspace,
            key="push",
            source="docs",
            action="docs.push",
            payload={**push, "forced": False, "repository": None, "files": [file]},
        ),
        envelope(workspace, key="renamed", action="repository.renamed", payload=renamed),
    ]


def _connect(url: str) -> Connection:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


@pytest.fixture
def owner(database_admin_url: str) -> Iterator[Connection]:
    with _connect(database_admin_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(params=["as the engine does", "with the plain login"])
def pipeline(request: pytest.FixtureRequest, database_url: str) -> Iterator[Connection]:
    with _connect(database_url) as connection:
        if request.param == "as the engine does":
            connection.execute(f"SET LOCAL ROLE {PIPELINE_ROLE}")
        yield connection
        connection.rollback()


def _enter(connection: Connection, workspace: str) -> None:
    connection.execute("SELECT set_config(%s, %s, true)", (WORKSPACE_SETTING, workspace))


def _named(statement: str, table: Table) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(*table.fullname.split(".")))


def _count(connection: Connection, table: Table, workspace: str | None = None) -> int:
    where = " WHERE workspace_id = %(workspace)s" if workspace else ""
    row = connection.execute(_named("SELECT count(*) FROM {}" + where, table), {"workspace": workspace}).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        yield


@TABLES
def test_row_level_security_is_on_and_forced(owner: Connection, table: Table) -> None:
    query = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass"
    assert owner.execute(query, (table.fullname,)).fetchone() == (True, True)


@TABLES
def test_both_workspaces_hold_rows_to_be_kept_apart(owner: Connection, table: Table) -> None:
    assert _count(owner, table, OURS) > 0
    assert _count(owner, table, THEIRS) > 0


@pytest.mark.parametrize("nothing", [None, ""], ids=["not set", "empty"])
@TABLES
def test_without_a_workspace_there_is_nothing(pipeline: Connection, table: Table, nothing: str | None) -> None:
    if nothing is not None:
        _enter(pipeline, nothing)
    assert _count(pipeline, table) == 0
    assert pipeline.execute(_named("DELETE FROM {}", table)).rowcount == 0
    for name in (OURS, "", "new"):
        with REFUSED, _undone(pipeline):
            pipeline.execute(_named("INSERT INTO {} (workspace_id) VALUES (%s)", table), (name,))


@TABLES
def test_no_row_of_another_workspace_is_seen_or_written(pipeline: Connection, table: Table) -> None:
    _enter(pipeline, OURS)
    assert _count(pipeline, table) == _count(pipeline, table, OURS) > 0
    assert _count(pipeline, table, THEIRS) == 0
    theirs = {"theirs": THEIRS}
    for statement in (
        "DELETE FROM {} WHERE workspace_id = %(theirs)s",
        "UPDATE {} SET workspace_id = workspace_id WHERE workspace_id = %(theirs)s",
    ):
        with _undone(pipeline):
            assert pipeline.execute(_named(statement, table), theirs).rowcount == 0
    for statement in (
        "INSERT INTO {} (workspace_id) VALUES (%(theirs)s)",
        "UPDATE {} SET workspace_id = %(theirs)s",
    ):
        with REFUSED, _undone(pipeline):
            pipeline.execute(_named(statement, table), theirs)
    with _undone(pipeline):
        before = _count(pipeline, table)
        touched = pipeline.execute(_named("UPDATE {} SET workspace_id = workspace_id", table)).rowcount
        assert touched == before, "ours can be written"


def test_the_workspace_is_forgotten_when_its_transaction_ends(session: Session, database_url: str) -> None:
    with _connect(database_url) as connection:
        for end in (connection.commit, connection.rollback):
            _enter(connection, OURS)
            assert all(_count(connection, table) for table in WORKSPACE_TABLES)
            end()
            assert not any(_count(connection, table) for table in WORKSPACE_TABLES)
            end()


def test_the_list_of_workspaces_shows_names_and_no_rows(pipeline: Connection) -> None:
    pipeline.execute("SELECT set_config(%s, 'on', true)", (CATALOG_SETTING,))
    names = {name for (name,) in pipeline.execute("SELECT workspace_id FROM workspaces")}
    assert {OURS, THEIRS} <= names
    assert pipeline.execute("DELETE FROM workspaces").rowcount == 0
    assert pipeline.execute("UPDATE workspaces SET settings = settings").rowcount == 0
    # What sensors look at over all workspaces: ids and times.
    for waiting in ("eval_events", "eval_reports"):
        assert pipeline.execute(f"DELETE FROM {waiting}").rowcount == 0
        assert pipeline.execute(f"UPDATE {waiting} SET created_at = created_at").rowcount == 0
    seen = {"workspaces", "eval_events", "eval_reports"}
    others = [table for table in WORKSPACE_TABLES if table.name not in seen]
    assert len(others) >= 8
    assert not any(_count(pipeline, table) for table in others)


def test_the_pipeline_owns_nothing_and_cannot_bypass(owner: Connection, database_url: str) -> None:
    login = make_url(database_url).username
    roles = (PIPELINE_ROLE, login)
    query = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND NOT (rolsuper OR rolbypassrls OR rolcreaterole)"
    assert {name for (name,) in owner.execute(query, (list(roles),))} == set(roles)
    owned = """
        SELECT count(*) FROM pg_roles r WHERE r.rolname = ANY(%s) AND (
            EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)
            OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid)
            OR EXISTS (SELECT FROM pg_database d WHERE d.datdba = r.oid)
            OR EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid))"""
    assert owner.execute(owned, (list(roles),)).fetchone() == (0,)
    members = """SELECT count(*) FROM pg_roles r, pg_roles login WHERE login.rolname = %s AND r.rolname <> ALL(%s)
        AND pg_has_role(login.rolname, r.rolname, 'MEMBER') AND NOT login.rolsuper"""
    assert owner.execute(members, (login, list(roles))).fetchone() == (0,)


def test_the_pipeline_cannot_change_the_schema(pipeline: Connection) -> None:
    for statement in (
        "CREATE TABLE mine (id int)",
        "DROP TABLE knowledge_chunks",
        "ALTER TABLE knowledge_chunks DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE knowledge_chunks NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY workspace ON knowledge_chunks",
        "TRUNCATE knowledge_chunks",
        "UPDATE embedding_versions SET dim = 1",
        "DELETE FROM embedding_versions",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), _undone(pipeline):
            pipeline.execute(statement)


def test_every_table_of_the_schema_is_under_security_or_known_to_be_shared() -> None:
    shared = {table.fullname for table in metadata.tables.values()} - {table.fullname for table in WORKSPACE_TABLES}
    assert shared == {"embedding_versions", "vectors.vector_indexes"}
