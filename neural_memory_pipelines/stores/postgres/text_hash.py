"""The hash of a text as Postgres computes it: the same as `domain/ids.py` gives. Which texts are hashed is up to queries."""

from __future__ import annotations


def text_hash(expression: str) -> str:
    """Spell, in SQL, the content hash of a text: under it, its vector is kept."""
    return f"encode(sha256(convert_to({expression}, 'UTF8')), 'hex')"
