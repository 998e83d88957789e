"""The vector index in Postgres: pgvector, searched by exact scan.

The tables belong to the migrations in `stores/postgres/`; nothing here reads or writes any other table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, Row, text

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError
from neural_memory_pipelines.stores.postgres.engine import translated_errors
from neural_memory_pipelines.stores.vectors import validation
from neural_memory_pipelines.stores.vectors.binary import accept_binary, encode_vector, encode_vectors
from neural_memory_pipelines.stores.vectors.protocol import MetadataValue, VectorHit, VectorRecord

_BATCH_BYTES = 3_000_000
_ROW_OVERHEAD_BYTES = 1_600  # id and metadata at their limits
_PAGE_IDS = 10_000
_INDEX = text(
    "SELECT dim, to_regtype('vector')::oid::bigint AS vector_oid FROM vectors.vector_indexes WHERE name = :index"
)
# Rows that say the same already are not rewritten: doing all again after a crash costs the server a third, and no disk.
_UPSERT = """
INSERT INTO vectors.vector_records AS stored (index_name, namespace, id, embedding, metadata)
SELECT %s, %s, new.id, new.embedding, new.metadata::jsonb
FROM unnest(%b::text[], %s::vector[], %b::text[]) AS new (id, embedding, metadata)
ON CONFLICT (index_name, namespace, id)
DO UPDATE SET embedding = excluded.embedding, metadata = excluded.metadata
WHERE (stored.embedding, stored.metadata) IS DISTINCT FROM (excluded.embedding, excluded.metadata)
"""
_NEAREST = (
    "SELECT id, embedding <=> %s::vector AS distance, metadata FROM vectors.vector_records "
    "WHERE index_name = %s AND namespace = %s"
)
# A condition on metadata costs a third of a scan. One alone, such as who may read, usually lets most rows through:
# it is then asked of twice as many rows as are wanted, nearest first.
_LOOKED_AT_FACTOR = 2
_MOST_FOR_LATER = 1_000
_IN_NAMESPACE = "FROM vectors.vector_records WHERE index_name = :index AND namespace = :namespace"


class PgVectorIndex:
    """A `VectorIndex` in the tables `vectors.vector_indexes` and `vectors.vector_records`. Thread-safe.

    Every statement commits by itself, so a pooler in transaction mode may stand between. An upsert that fails half-way
    has stored whole batches; doing it again stores the rest. Batches are written in the order of their ids, so that
    two writers of the same vectors wait for each other and do not deadlock.

    Args:
        engine: `postgresql+psycopg://` (psycopg 3), to a database with the extension and the tables.
    """

    def __init__(self, engine: Engine) -> None:
        if engine.dialect.driver != "psycopg":
            raise ConfigurationError(f"pgvector needs a postgresql+psycopg:// engine, got {engine.url.drivername}")
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def ensure_index(self, index: str, *, dim: int) -> None:
        """Create the index if it is missing.

        Raises:
            ConfigurationError: it exists with another dimension, or its name or dimension is not legal.
        """
        validation.check_index(index, dim=dim)
        create = text("INSERT INTO vectors.vector_indexes (name, dim) VALUES (:index, :dim) ON CONFLICT DO NOTHING")
        with self._connect() as connection:
            connection.execute(create, {"index": index, "dim": dim})
            existing_dim, _ = _shape(connection, index)
        if existing_dim != dim:
            raise ConfigurationError(
                f"index {index} exists with dimension {existing_dim}, not {dim}: "
                "vectors of another dimension need an index of their own"
            )

    def drop_index(self, index: str) -> None:
        """Delete an index with all that it holds; a missing one is no error.

        Raises:
            TransientError: the database does not answer.
        """
        with self._connect() as connection:
            for table, column in (("vector_records", "index_name"), ("vector_indexes", "name")):
                connection.execute(text(f"DELETE FROM vectors.{table} WHERE {column} = :index"), {"index": index})  # noqa: S608 - both are names above

    def upsert(self, index: str, namespace: str, records: Sequence[VectorRecord]) -> None:
        """Write vectors, about 3 MB to a round trip; the same id replaces, the last one of a call wins.

        Raises:
            PermanentError: a namespace, id, vector or metadata is not legal; nothing is written.
            NotFoundError: there is no such index.
            TransientError: the database does not answer.
        """
        validation.check_namespace(namespace)
        if not records:
            return
        with self._connect() as connection:
            accept_binary(connection)
            dim, vector_oid = _shape(connection, index)
            spelled = validation.check_records(records, dim=dim)
            latest = {record.id: (record, metadata) for record, metadata in zip(records, spelled, strict=True)}
            ids = sorted(latest)
            rows = max(1, _BATCH_BYTES // (_ROW_OVERHEAD_BYTES + 4 * dim))
            for start in range(0, len(ids), rows):
                batch = ids[start : start + rows]
                vectors = encode_vectors([latest[key][0].values for key in batch], vector_oid=vector_oid)
                metadata = [latest[key][1] for key in batch]
                connection.exec_driver_sql(_UPSERT, (index, namespace, batch, vectors, metadata))

    def delete(self, index: str, namespace: str, ids: Sequence[str]) -> None:
        """Delete vectors; unknown ids are no error.

        Raises:
            TransientError: the database does not answer.
        """
        statement = text(f"DELETE {_IN_NAMESPACE} AND id = ANY(:ids)")
        ordered = sorted(set(ids))
        with self._connect() as connection:
            for start in range(0, len(ordered), _PAGE_IDS):
                page = ordered[start : start + _PAGE_IDS]
                connection.execute(statement, {"index": index, "namespace": namespace, "ids": page})

    def delete_namespace(self, index: str, namespace: str) -> None:
        """Delete a namespace with all its vectors; a missing one is no error.

        Raises:
            TransientError: the database does not answer.
        """
        with self._connect() as connection:
            connection.execute(text(f"DELETE {_IN_NAMESPACE}"), {"index": index, "namespace": namespace})

    def list_ids(self, index: str, namespace: str) -> Iterator[str]:
        """Iterate over the ids of a namespace, in no promised order.

        Ids are read in pages that each start after the last one seen: no transaction or connection is held while the
        caller works. An id that is written or deleted meanwhile may be missing.

        Raises:
            TransientError: the database does not answer.
        """
        statement = text(f"SELECT id {_IN_NAMESPACE} AND id > :after ORDER BY id LIMIT {_PAGE_IDS}")
        last = {"index": index, "namespace": namespace, "after": ""}
        while True:
            with self._connect() as connection:
                page = connection.execute(statement, last).scalars().all()
            yield from page
            if len(page) < _PAGE_IDS:
                return
            last["after"] = page[-1]

    def count(self, index: str, namespace: str) -> int:
        """Count the vectors of a namespace; 0 if it does not exist.

        Raises:
            TransientError: the database does not answer.
        """
        statement = text(f"SELECT count(*) {_IN_NAMESPACE}")
        with self._connect() as connection:
            return int(connection.execute(statement, {"index": index, "namespace": namespace}).scalar_one())

    def fetch_metadata(self, index: str, namespace: str, ids: Sequence[str]) -> dict[str, Mapping[str, MetadataValue]]:
        """Read the metadata of vectors, for checks. Unknown ids are missing from the answer.

        Raises:
            TransientError: the database does not answer.
        """
        statement = text(f"SELECT id, metadata {_IN_NAMESPACE} AND id = ANY(:ids)")
        found: dict[str, Mapping[str, MetadataValue]] = {}
        with self._connect() as connection:
            for start in range(0, len(ids), _PAGE_IDS):
                page = list(ids[start : start + _PAGE_IDS])
                rows = connection.execute(statement, {"index": index, "namespace": namespace, "ids": page})
                found.update((row.id, row.metadata) for row in rows)
        return found

    def query(
        self,
        index: str,
        namespace: str,
        vector: npt.NDArray[np.float32],
        *,
        top_k: int,
        where: Mapping[str, MetadataValue] | None = None,
    ) -> list[VectorHit]:
        """Find the nearest vectors by cosine, best first, equal ones in the order of their ids. Nothing is missed.

        Args:
            index: name of the index.
            namespace: the only one that is searched.
            vector: shape (dim,), of any length above 0.
            top_k: most hits to return.
            where: metadata that a hit must have. A text also matches a list that holds it; a list matches a list
                that holds all of it.

        Raises:
            PermanentError: the vector, top_k or the filter is not legal.
            NotFoundError: there is no such index.
            TransientError: the database does not answer.
        """
        validation.check_where(where or {})
        with self._connect() as connection:
            accept_binary(connection)
            dim, _ = _shape(connection, index)
            validation.check_query(vector, dim=dim, top_k=top_k)
            place = (encode_vector(vector), index, namespace)
            condition, values = _condition(where or {})
            rows: Sequence[Row[Any]] | None = None
            if where and len(where) == 1 and top_k <= _MOST_FOR_LATER:
                rows = _condition_last(connection, place, condition=condition, values=values, top_k=top_k)
            if rows is None:
                statement = f"{_NEAREST}{condition} ORDER BY distance, id LIMIT %s"
                rows = connection.exec_driver_sql(statement, (*place, *values, top_k)).all()
        return [VectorHit(id=row.id, score=1.0 - row.distance, metadata=row.metadata) for row in rows]

    def written_up_to(self, index: str, namespace: str) -> int | None:  # noqa: ARG002 - the protocol's signature
        """Tell that every read shows every write."""
        return None

    def expect(self, index: str, namespace: str, position: int) -> None:
        """Wait for nothing: every read shows every write."""

    def check(self) -> str:
        """Ask for the versions and look into the table.

        Returns:
            Such as "PostgreSQL 18.6 with pgvector 0.8.6 at 127.0.0.1:5432/memory".

        Raises:
            TransientError: the database does not answer.
            ConfigurationError: it refuses us, or the extension or the tables are missing.
        """
        versions = text(
            "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector')"
        )
        with self._connect() as connection:
            server, extension = connection.execute(versions).one()
            connection.execute(text("SELECT embedding <=> embedding FROM vectors.vector_records LIMIT 1"))
        url = self._engine.url
        return f"PostgreSQL {server} with pgvector {extension} at {url.host}:{url.port or 5432}/{url.database}"

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with translated_errors(self._engine), self._engine.connect() as connection:
            yield connection


def _shape(connection: Connection, index: str) -> tuple[int, int]:
    row = connection.execute(_INDEX, {"index": index}).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no vector index {index!r}: create it with ensure_index")
    return row.dim, row.vector_oid


def _condition_last(
    connection: Connection, place: tuple[Any, ...], *, condition: str, values: Sequence[str], top_k: int
) -> Sequence[Row[Any]] | None:
    """Look at the nearest rows first, and at a condition then; None if that may have missed some."""
    looked_at = _LOOKED_AT_FACTOR * top_k
    statement = (  # values are parameters; the condition is made of constants in `_condition`
        f"WITH nearest AS MATERIALIZED ({_NEAREST} ORDER BY distance, id LIMIT %s) "  # noqa: S608 - see above
        "SELECT id, distance, metadata, (SELECT count(*) FROM nearest) AS seen FROM nearest "
        f"WHERE true{condition} ORDER BY distance, id LIMIT %s"
    )
    rows = connection.exec_driver_sql(statement, (*place, looked_at, *values, top_k)).all()
    is_exact = len(rows) == top_k or (rows and rows[0].seen < looked_at)
    return rows if is_exact else None


def _condition(where: Mapping[str, MetadataValue]) -> tuple[str, list[str]]:
    condition, values = "", []
    for key, value in where.items():
        if isinstance(value, str):
            condition += " AND (metadata @> %s::jsonb OR metadata @> %s::jsonb)"
            values += [validation.spell_json({key: value}), validation.spell_json({key: [value]})]
        else:
            condition += " AND metadata @> %s::jsonb"
            values.append(validation.spell_json({key: value}))
    return condition, values
