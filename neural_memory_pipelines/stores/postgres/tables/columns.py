"""The columns of tables as plain values, for readers that know no SQLAlchemy.

It reads the metadata and asks no database.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.dialects import postgresql

from neural_memory_pipelines.stores.postgres.tables.base import metadata


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column: its name, its type as Postgres spells it, whether it may be null, and its comment."""

    name: str
    type: str
    is_nullable: bool
    comment: str | None


def columns_of(table: str) -> tuple[ColumnDescription, ...]:
    """Describe the columns of a table, in order."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return tuple(
        ColumnDescription(
            name=column.name,
            type=column.type.compile(dialect).lower(),
            is_nullable=bool(column.nullable),
            comment=column.comment,
        )
        for column in metadata.tables[table].columns
    )
