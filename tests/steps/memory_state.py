"""What a workspace's memory says, spelled without ids: two workspaces that were told the same compare equal.

Left out is what tells of the way and not of the end: when rows were written, and what was superseded meanwhile.
"""

from __future__ import annotations

from typing import Any

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session

from .dumps import rows

_NODE = """coalesce((SELECT source || ':' || source_id FROM knowledge_documents WHERE document_id = {0}),
    (SELECT kind || ':' || key FROM entities WHERE entity_id = {0}))"""

STATE = {
    "documents": """SELECT source, source_id, type, title, summary, state, url, content_hash, metadata_json::text,
        author_json::text, occurred_at, as_of, as_of_event, version, parent_source_id, privacy, deleted_at,
        deleted_with, lineage_json ->> 'event' FROM knowledge_documents""",
    "chunks": """SELECT d.source_id, c.chunk_index, c.text, c.section_label, c.chunk_hash, c.occurred_at
        FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id) WHERE c.superseded_at IS NULL""",
    "observations": """SELECT d.source_id, o.text, o.title, o.summary, o.importance_factors::text, o.tags::text,
        o.subject_refs::text, o.privacy, o.occurred_at FROM memory_observations o
        JOIN knowledge_documents d USING (document_id) WHERE o.superseded_at IS NULL""",
    "versions": """SELECT event_key, part_id, as_of, deletes, content_hash, raw_pointer IS NOT NULL
        FROM document_versions""",
    "entities": "SELECT kind, key, name, merged_into IS NULL, merged_because FROM entities",
    "aliases": """SELECT a.alias_type, a.value, e.key, a.verified FROM entity_aliases a
        JOIN entities e USING (entity_id)""",
    "relationships": f"""SELECT type, {_NODE.format("from_id")}, {_NODE.format("to_id")}, confidence, since, until
        FROM relationships""",
    "evidence": f"""SELECT r.type, {_NODE.format("r.from_id")}, {_NODE.format("r.to_id")}, d.source_id, e.quote,
        e.start_char, e.end_char, e.field, e.since, e.until FROM relationship_evidence e
        JOIN relationships r USING (relationship_id) JOIN knowledge_documents d USING (document_id)
        WHERE e.until IS NULL""",
    "members": """SELECT d.source_id, e.key, m.role FROM document_entities m JOIN knowledge_documents d
        USING (document_id) JOIN entities e USING (entity_id)""",
}


def memory_state(session: Session, workspace: WorkspaceId) -> dict[str, list[Any]]:
    """Read what the memory says."""
    return {
        name: sorted(tuple(map(str, row)) for row in rows(session, workspace, query)) for name, query in STATE.items()
    }


def difference(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Name the rows that only one of two memories holds."""
    return {
        name: (sorted(set(one[name]) - set(other[name])), sorted(set(other[name]) - set(one[name])))
        for name in one
        if one[name] != other[name]
    }
