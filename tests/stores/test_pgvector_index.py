from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.vectors import pgvector
from neural_memory_pipelines.stores.vectors.pgvector import PgVectorIndex
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

from .contracts.vector_index import VectorIndexContract, records, unit_vectors

CALLS: list[Callable[[PgVectorIndex], object]] = [
    lambda client: client.ensure_index("index", dim=8),
    lambda client: client.upsert("index", "n", records(unit_vectors(1))),
    lambda client: client.delete("index", "n", ["a"]),
    lambda client: client.delete_namespace("index", "n"),
    lambda client: list(client.list_ids("index", "n")),
    lambda client: client.count("index", "n"),
    lambda client: client.fetch_metadata("index", "n", ["a"]),
    lambda client: client.query("index", "n", unit_vectors(1)[0], top_k=1),
    lambda client: client.check(),
]


class TestPgVectorIndex(VectorIndexContract):
    @pytest.fixture
    def connect(self, database_url: str) -> Iterator[Callable[[], PgVectorIndex]]:
        databases: list[Database] = []

        def make() -> PgVectorIndex:
            databases.append(Database(database_url))
            return PgVectorIndex(databases[-1].engine)

        yield make
        for database in databases:
            database.close()


@pytest.fixture
def client(database_url: str) -> Iterator[PgVectorIndex]:
    database = Database(database_url)
    yield PgVectorIndex(database.engine)
    database.close()


def _upsert_many(database_url: str, index: str) -> None:
    client = PgVectorIndex(Database(database_url).engine)
    for _ in range(3):
        client.upsert(index, "n", records(unit_vectors(2_000)))


def test_two_processes_write_what_one_writes(client: PgVectorIndex, database_url: str) -> None:
    index = f"test-{uuid4().hex[:20]}"
    client.ensure_index(index, dim=8)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_upsert_many, args=(database_url, index)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(client.list_ids(index, "n")) == [record.id for record in records(unit_vectors(2_000))]


def test_batches_and_pages_join_without_seams(client: PgVectorIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgvector, "_PAGE_IDS", 7)
    monkeypatch.setattr(pgvector, "_BATCH_BYTES", 5 * (pgvector._ROW_OVERHEAD_BYTES + 4 * 8))
    index = f"test-{uuid4().hex[:20]}"
    client.ensure_index(index, dim=8)
    written = records(unit_vectors(21))
    client.upsert(index, "n", written)
    assert sorted(client.list_ids(index, "n")) == [record.id for record in written]
    assert len(client.fetch_metadata(index, "n", [record.id for record in written])) == 21
    client.delete(index, "n", [record.id for record in written[:20]])
    assert list(client.list_ids(index, "n")) == ["r00020"]


def test_what_is_the_same_is_not_rewritten(client: PgVectorIndex, database_admin_url: str) -> None:
    index = f"test-{uuid4().hex[:20]}"
    client.ensure_index(index, dim=8)
    written = records(unit_vectors(10))
    client.upsert(index, "n", written)
    places = text("SELECT id, ctid::text FROM vectors.vector_records WHERE index_name = :index ORDER BY id")
    engine = create_engine(make_url(database_admin_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        before = connection.execute(places, {"index": index}).all()
        client.upsert(index, "n", [*written[:9], *records(unit_vectors(10, seed=1))[9:]])
        after = connection.execute(places, {"index": index}).all()
    engine.dispose()
    assert before[:9] == after[:9]
    assert before[9] != after[9]


def test_a_database_that_is_away_is_transient(database_url: str) -> None:
    with socket.socket() as bound:  # not listening: the port stays ours and refuses
        bound.bind(("127.0.0.1", 0))
        away = make_url(database_url).set(port=bound.getsockname()[1], password="a-secret")
        client = PgVectorIndex(Database(away.render_as_string(hide_password=False)).engine)
        for act in CALLS:
            with pytest.raises(TransientError, match=r"127\.0\.0\.1") as caught:
                act(client)
            assert "a-secret" not in str(caught.value)


def test_a_wrong_password_is_a_wrong_setting(database_url: str) -> None:
    wrong = make_url(database_url).set(password="a-secret")
    client = PgVectorIndex(Database(wrong.render_as_string(hide_password=False)).engine)
    for act in CALLS:
        with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
            act(client)
        assert "a-secret" not in str(caught.value)


def test_another_driver_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="psycopg"):
        PgVectorIndex(create_engine("postgresql+psycopg2://host/database"))


def test_check_names_versions_and_address(client: PgVectorIndex, database_url: str) -> None:
    url = make_url(database_url)
    described = client.check()
    assert described.startswith("PostgreSQL ")
    assert " with pgvector " in described
    assert described.endswith(f" at {url.host}:{url.port}/{url.database}")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 1.0])
def test_a_condition_is_fulfilled_by_the_nearest_that_fulfil_it(client: PgVectorIndex, share: float) -> None:
    index, vectors = f"test-{uuid4().hex[:20]}", unit_vectors(200)
    wanted = {n for n in range(200) if n * share % 1 < share}
    written = [
        VectorRecord(f"r{n:05}", values, {"kind": "x" if n in wanted else "y"}) for n, values in enumerate(vectors)
    ]
    client.ensure_index(index, dim=vectors.shape[1])
    client.upsert(index, "n", written)
    scores = vectors @ vectors[7]
    for top_k in (1, 10, 150):
        expected = [f"r{n:05}" for n in sorted(wanted, key=lambda n: -scores[n])][:top_k]
        found = client.query(index, "n", vectors[7], top_k=top_k, where={"kind": "x"})
        assert [hit.id for hit in found] == expected
