"""Questions that a workspace's memory should answer, and titles that stand in where there are none.

Asking them is up to the callers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.questions import (
    Expected,
    ExpectedEvidence,
    ExpectedSource,
    Question,
    read_expected,
    spell_expected,
)
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.privacy import OBSERVATION_PRIVACY
from neural_memory_pipelines.stores.postgres.tables import questions

_TITLES = """SELECT min(document_id) AS id, title, array_agg(source || ' ' || source_id ORDER BY document_id) AS sources
FROM knowledge_documents
WHERE deleted_at IS NULL AND privacy = 'org' AND length(title) >= :least_chars
GROUP BY title ORDER BY md5(title) LIMIT :limit"""

_SOURCES = """SELECT source, source_id, privacy FROM knowledge_documents
WHERE deleted_at IS NULL AND source_id = ANY(:ids)"""

_EVIDENCE = f"""SELECT found.id, found.privacy FROM (
    SELECT document_id AS id, privacy FROM knowledge_documents WHERE deleted_at IS NULL AND document_id = ANY(:ids)
    UNION ALL SELECT c.chunk_id, d.privacy FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id)
        WHERE c.superseded_at IS NULL AND c.chunk_id = ANY(:ids)
    UNION ALL SELECT o.observation_id, {OBSERVATION_PRIVACY}
        FROM memory_observations o JOIN knowledge_documents d USING (document_id)
        WHERE o.superseded_at IS NULL AND o.observation_id = ANY(:ids)
    UNION ALL SELECT summary_id, privacy FROM memory_summaries
        WHERE superseded_at IS NULL AND summary_id = ANY(:ids)) found"""

_DOCUMENTS = """SELECT chunk_id AS id, document_id FROM knowledge_chunks
    WHERE superseded_at IS NULL AND chunk_id = ANY(:ids)
UNION ALL SELECT observation_id, document_id FROM memory_observations
    WHERE superseded_at IS NULL AND observation_id = ANY(:ids)"""


def put_questions(tx: Transaction, given: Sequence[Question]) -> None:
    """Keep questions; those with a known id are replaced."""
    rows = [
        {
            "question_id": question.id,
            "question": question.text,
            "expects": [spell_expected(expected) for expected in question.expects],
            "tags": list(question.tags),
            "weight": question.weight,
        }
        for question in given
    ]
    insert_rows(
        tx,
        questions,
        rows,
        on_conflict="(workspace_id, question_id) DO UPDATE SET question = excluded.question, "
        "expects = excluded.expects, tags = excluded.tags, weight = excluded.weight",
    )


def own_questions(tx: Transaction) -> list[Question]:
    """List the questions of a workspace, by id."""
    rows = tx.connection.execute(
        text("SELECT question_id, question, expects, tags, weight FROM questions ORDER BY question_id")
    )
    return [
        Question(
            id=row.question_id,
            text=row.question,
            expects=tuple(read_expected(expected) for expected in row.expects),
            tags=tuple(row.tags),
            weight=row.weight,
        )
        for row in rows
    ]


def forget_questions(tx: Transaction, ids: Sequence[str]) -> list[str]:
    """Drop questions; runs that asked them stay as they are.

    Returns:
        The ids of those that there were.
    """
    rows = tx.connection.execute(
        text("DELETE FROM questions WHERE question_id = ANY(:ids) RETURNING question_id"), {"ids": list(ids)}
    )
    return sorted(row.question_id for row in rows)


def answers_in(tx: Transaction, expected: Sequence[Expected]) -> dict[Expected, Privacy]:
    """Find expected answers in the workspace, each with who may read it; what is not there is left out."""
    sources = [it for it in expected if isinstance(it, ExpectedSource)]
    evidence = [it.evidence for it in expected if isinstance(it, ExpectedEvidence)]
    found: dict[Expected, Privacy] = {}
    for row in tx.connection.execute(text(_SOURCES), {"ids": [it.source_id for it in sources]}):
        found[ExpectedSource(row.source, row.source_id)] = Privacy(row.privacy)
    for row in tx.connection.execute(text(_EVIDENCE), {"ids": evidence}):
        found[ExpectedEvidence(row.id)] = Privacy(row.privacy)
    return {it: found[it] for it in expected if it in found}


def documents_of(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Map the chunks and observations among some ids, as far as they are live, to the documents that they stand in."""
    rows = tx.connection.execute(text(_DOCUMENTS), {"ids": list(ids)})
    return {row.id: row.document_id for row in rows}


def titles_as_questions(tx: Transaction, *, limit: int, least_chars: int = 8) -> list[Question]:
    """Make questions of the titles of documents: each should find the documents that bear it.

    The same ones as long as the documents are the same, and spread over all of them.
    """
    rows = tx.connection.execute(text(_TITLES), {"limit": limit, "least_chars": least_chars})
    return [
        Question(
            id=f"title:{row.id}",
            text=row.title,
            expects=tuple(ExpectedSource(*source.split(" ", 1)) for source in row.sources),
        )
        for row in rows
    ]
