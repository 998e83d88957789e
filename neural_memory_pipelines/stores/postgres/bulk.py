"""Many rows in one statement, by arrays: one round trip, whatever the number of rows.

COPY cannot be used: Postgres refuses it on tables under row-level security.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import REAL, BigInteger, Boolean, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeEngine

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.stores.postgres.engine import Transaction

Row = Mapping[str, Any]

# An escape, and not the end of an escaped backslash before the letters u0000.
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_ARRAY_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Text, "text[]"),
    (JSONB, "text[]"),
    (TIMESTAMP, "timestamptz[]"),
    (BigInteger, "int8[]"),
    (Integer, "int8[]"),
    (Boolean, "bool[]"),
    (REAL, "float8[]"),
    (LargeBinary, "bytea[]"),
)


def insert_rows(
    tx: Transaction, table: Table, rows: Sequence[Row], *, on_conflict: str, returning: str = ""
) -> list[Any]:
    """Insert rows with one statement.

    Args:
        tx: the transaction; its workspace is written into `workspace_id`.
        table: where to; column types decide how values travel.
        rows: mappings with the same keys, which are column names.
        on_conflict: what follows ON CONFLICT, such as `DO NOTHING`.
        returning: columns to return, as SQL.

    Returns:
        The returned rows, in no promised order.
    """
    if not rows:
        return []
    columns = [table.c[name] for name in rows[0]]
    arrays = ", ".join(f"%({c.name})b::{_array_type(c.type)}" for c in columns)
    values = ", ".join(f"r.{c.name}{'::jsonb' if isinstance(c.type, JSONB) else ''}" for c in columns)
    names = ", ".join(c.name for c in columns)
    statement = (
        f"INSERT INTO {table.fullname} (workspace_id, {names}) "
        f"SELECT %(_workspace)s, {values} FROM unnest({arrays}) AS r({names}) ON CONFLICT {on_conflict}"
        + (f" RETURNING {returning}" if returning else "")
    )
    parameters: dict[str, Any] = {c.name: _travelling([row[c.name] for row in rows], c.type) for c in columns}
    result = tx.connection.exec_driver_sql(statement, {**parameters, "_workspace": tx.workspace_id})
    return list(result.all()) if returning else []


def update_rows(tx: Transaction, table: Table, rows: Sequence[Row], *, key: str) -> None:
    """Update rows that exist with one statement.

    Args:
        tx: the transaction.
        table: where to; column types decide how values travel.
        rows: mappings with the same keys, which are column names.
        key: the column that tells which row is meant.
    """
    if not rows:
        return
    columns = [table.c[name] for name in rows[0]]
    arrays = ", ".join(f"%({c.name})b::{_array_type(c.type)}" for c in columns)
    values = ", ".join(
        f"{c.name} = r.{c.name}{'::jsonb' if isinstance(c.type, JSONB) else ''}" for c in columns if c.name != key
    )
    names = ", ".join(c.name for c in columns)
    statement = f"UPDATE {table.fullname} t SET {values} FROM unnest({arrays}) AS r({names}) WHERE t.{key} = r.{key}"
    parameters = {c.name: _travelling([row[c.name] for row in rows], c.type) for c in columns}
    tx.connection.exec_driver_sql(statement, parameters)


def _array_type(column_type: TypeEngine[Any]) -> str:
    return next(array for kind, array in _ARRAY_TYPES if isinstance(column_type, kind))


def _travelling(values: list[Any], column_type: TypeEngine[Any]) -> list[Any]:
    if isinstance(column_type, JSONB):
        return [None if value is None else _spelled_json(value) for value in values]
    if isinstance(column_type, Text):
        return [None if value is None else storable(value) for value in values]
    return values


def _spelled_json(value: Any) -> str:
    if value == []:
        return "[]"
    spelled = storable(json.dumps(value, ensure_ascii=False))
    return _ESCAPED_NUL.sub(r"\1\\ufffd", spelled) if "u0000" in spelled else spelled
