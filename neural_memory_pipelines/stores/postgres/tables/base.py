"""What all tables share: their metadata with its naming rules, and the columns that most of them have.

The tables themselves are in the other modules of this package.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, MetaData, Text, func
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TIME = TIMESTAMP(timezone=True)


def workspace_column() -> Column[str]:
    """Make the column that row-level security looks at."""
    return Column("workspace_id", Text, nullable=False)


def created_at(name: str = "created_at") -> Column[object]:
    """Make a column that says when a row was first written."""
    return Column(name, TIME, nullable=False, server_default=func.now())


def document_column() -> Column[str]:
    """Make a reference to a document, whose rows go with it."""
    return Column(
        "document_id", Text, ForeignKey("knowledge_documents.document_id", ondelete="CASCADE"), nullable=False
    )
