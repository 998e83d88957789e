"""The migrations build what the tables say, once, however often and by however many they are run."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.migrate import migrate, schema_state
from neural_memory_pipelines.stores.postgres.tables import metadata

# The extension's type is not known to SQLAlchemy; the vector store reads this table by hand-written SQL.
OUTSIDE_METADATA = {"vector_records"}


def _engine(url: str, **options: object) -> Engine:
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool, **options)


@pytest.fixture
def empty_database_url(database_admin_url: str) -> Iterator[str]:
    """A database of its own, as its owner."""
    name = f"schema_{uuid4().hex[:12]}"
    engine = _engine(database_admin_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(database_admin_url).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _structure(url: str) -> list[tuple[object, ...]]:
    """List columns, indexes, constraints, policies and grants, as Postgres spells them."""
    query = """
        SELECT 'column', table_schema || '.' || table_name, column_name, data_type, is_nullable, column_default
            FROM information_schema.columns WHERE table_schema IN ('public', 'vectors')
        UNION ALL SELECT 'index', schemaname, indexname, indexdef, NULL, NULL FROM pg_indexes
            WHERE schemaname IN ('public', 'vectors')
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL
            FROM pg_constraint WHERE connamespace::regnamespace::text IN ('public', 'vectors')
        UNION ALL SELECT 'policy', tablename, policyname, qual, with_check, cmd FROM pg_policies
        UNION ALL SELECT 'grants', oid::regclass::text, relacl::text, relrowsecurity::text, NULL, NULL FROM pg_class
            WHERE relnamespace::regnamespace::text IN ('public', 'vectors')
        UNION ALL SELECT 'revision', version_num, NULL, NULL, NULL, NULL FROM alembic_version"""
    with _engine(url).connect() as connection:
        return sorted((tuple(row) for row in connection.execute(text(query))), key=repr)


@pytest.mark.filterwarnings("ignore:Did not recognize type 'vector'")
def test_the_migrations_build_what_the_tables_say(empty_database_url: str) -> None:
    migrate(empty_database_url)

    def include(thing: object, name: str | None, kind: str, reflected: bool, compared: object) -> bool:
        return not (kind == "table" and reflected and name in OUTSIDE_METADATA)

    with _engine(empty_database_url).connect() as connection:
        options = {"include_schemas": True, "include_object": include, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        tables = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'vectors')")
            )
        }
    known = {table.fullname if table.schema else f"public.{table.name}" for table in metadata.tables.values()}
    assert tables - known == {"public.alembic_version", *(f"vectors.{name}" for name in OUTSIDE_METADATA)}


def test_a_difference_would_be_found(empty_database_url: str) -> None:
    migrate(empty_database_url)
    engine = _engine(empty_database_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE knowledge_chunks DROP COLUMN keywords, ALTER text DROP NOT NULL"))
        connection.execute(text("DROP INDEX ix_knowledge_chunks_document_id"))
    with engine.connect() as connection:
        assert len(compare_metadata(MigrationContext.configure(connection), metadata)) >= 3


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    assert schema_state(empty_database_url).current is None
    before, after = migrate(empty_database_url)
    assert (before.current, after.at_head) == (None, True)
    structure = _structure(empty_database_url)
    assert migrate(empty_database_url) == (after, after)
    assert _structure(empty_database_url) == structure


def test_two_migrations_at_once_are_one(empty_database_url: str, database_admin_url: str) -> None:
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(2)

    def start() -> None:
        barrier.wait(timeout=60)
        _, after = migrate(empty_database_url)
        assert after.at_head

    processes = [fork.Process(target=start) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert _structure(empty_database_url) == _structure(database_admin_url)


def test_a_database_without_the_schema_says_what_to_run(empty_database_url: str, database_url: str) -> None:
    name = make_url(empty_database_url).database
    database = Database(make_url(database_url).set(database=name).render_as_string(hide_password=False))
    with pytest.raises(ConfigurationError, match="neural-memory migrate"), database.catalog() as connection:
        connection.execute(text("SELECT * FROM workspaces"))
    database.close()
