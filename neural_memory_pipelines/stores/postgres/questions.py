"""Questions that a workspace's memory should answer, and titles that stand in where there are none.

Asking them is up to the callers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.tables import questions

_TITLES = """SELECT min(document_id) AS id, title, array_agg(source || ' ' || source_id ORDER BY document_id) AS sources
FROM knowledge_documents
WHERE deleted_at IS NULL AND privacy = 'org' AND length(title) >= :least_chars
GROUP BY title ORDER BY md5(title) LIMIT :limit"""


def put_questions(tx: Transaction, given: Sequence[Question]) -> None:
    """Keep questions; those with a known id are replaced."""
    rows = [
        {
            "question_id": question.id,
            "question": question.text,
            "expects": [{"source": e.source, "source_id": e.source_id} for e in question.expects],
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
            expects=tuple(ExpectedSource(e["source"], e["source_id"]) for e in row.expects),
            tags=tuple(row.tags),
            weight=row.weight,
        )
        for row in rows
    ]


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
