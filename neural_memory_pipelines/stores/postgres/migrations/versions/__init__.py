"""Alembic migrations, forward only. One revision per change of the schema; a released one is never edited."""
