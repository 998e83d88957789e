"""A team's source events, turned into a durable, versioned, searchable memory.

The package's public face is `definitions.py` (Dagster) and `cli/` (the `neural-memory` command).
"""
