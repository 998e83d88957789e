"""Who may read what, in SQL: what a document of few readers says has no more of them, nor has what cites it.

Whether private things are asked for is up to the queries.
"""

from __future__ import annotations

OBSERVATION_PRIVACY = "CASE WHEN d.privacy = 'org' THEN o.privacy ELSE d.privacy END"
"""The privacy of an observation `o` of a document `d`."""

OBSERVATION_IS_PRIVATE = "(o.privacy <> 'org' OR d.privacy <> 'org')"
"""Whether only some may read an observation `o` of a document `d`."""


def cited_of(summary: str, condition: str) -> str:
    """Spell, in SQL, whether a summary cites an observation `o` of a document `d` of which a condition holds."""
    return (
        f"EXISTS (SELECT FROM jsonb_array_elements_text({summary}.evidence) AS n(id) JOIN memory_observations o "
        f"ON o.observation_id = n.id JOIN knowledge_documents d USING (document_id) WHERE {condition})"
    )
