"""The migration moved vectors to namespaces that SQL spelled: they must be those that the code looks into."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import place_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family

NAMES = [
    "acme",
    "",
    "_",
    "__",
    "_acme_",
    "a__b",
    "a___b",
    "acme corp",
    "acme/corp//x",
    "Ünits",
    "\u6f6e",
    "\U0001f6a2 ferry",
    "e\u0301",
    "a~b",
    "a.b-c_d",
    "-a-",
    "line\nbreak\ttab",
    "%s 'quoted' \\ $$",
    "a" * 120,
    "a" * 121,
    "a" * 119 + "_b",
    "\u00e9" * 200,
    "\u0660\u0661",  # digits, but not those of ASCII
    "\u00a0",
]


@pytest.fixture
def owner(database_admin_url: str) -> Iterator[Connection]:
    """A transaction in which the migration's function is there."""
    engine = create_engine(make_url(database_admin_url).set(drivername="postgresql+psycopg"))
    migration = import_module("neural_memory_pipelines.stores.postgres.migrations.versions.0003_versions_and_places")
    with engine.connect() as connection:
        connection.exec_driver_sql(migration._LEGAL_PART)
        yield connection
    engine.dispose()


def test_the_migration_spells_namespaces_as_the_code_does(owner: Connection, version: EmbeddingVersion) -> None:
    spelled = text("SELECT 'ws_' || pg_temp.legal_part(:name) || '__store_' || pg_temp.legal_part(:store)")
    for name, store in zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True):
        by_sql = owner.execute(spelled, {"name": name, "store": store}).scalar_one()
        place = place_of(WorkspaceId(name), store, version=version, family=Family.CHUNKS)
        assert place.namespace == f"{by_sql}__chunks__{version.name}", repr(name)
