"""Queries over whole sets: planned for sets of any size, and read in one pass with little memory.

Which rows are asked for is up to the callers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import CursorResult, text

from neural_memory_pipelines.stores.postgres.engine import Transaction

# Statistics lag behind a bulk load. A nested loop that is planned on them reads one set once per row of the other,
# which took 70 s instead of 5 s for 10,000 chunks; a hash join is right whatever the sizes are.
_PLAN_FOR_SETS = text("SET LOCAL enable_nestloop = off")


def over_whole_sets(tx: Transaction, query: str, values: Mapping[str, Any]) -> CursorResult[Any]:
    """Run a query that compares whole sets."""
    tx.connection.execute(_PLAN_FOR_SETS)
    return tx.connection.execute(text(query), values)


def stream(tx: Transaction, query: str, values: Mapping[str, Any], *, batch: int) -> Iterator[Sequence[Any]]:
    """Run a query that compares whole sets, and read its rows `batch` at a time, as named tuples.

    One pass, however many batches: asking again for each batch would be quadratic. Rows travel in binary: as text,
    a vector takes twice the bytes and eight times the memory.
    """
    tx.connection.execute(_PLAN_FOR_SETS)
    compiled = text(query).compile(dialect=tx.connection.dialect)
    connection = tx.connection.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor(name="whole_sets", binary=True, row_factory=namedtuple_row) as cursor:
        cursor.execute(str(compiled).encode(), values)
        while rows := cursor.fetchmany(batch):
            yield rows
