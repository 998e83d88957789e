"""From ranked candidates to what is shown: texts from the cache, from Postgres where it lacks them.

Postgres decides what is live and who may read it; a cached text counts only if it is that of the live row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.retrieval.answers import Hit
from neural_memory_pipelines.retrieval.candidates import Candidate
from neural_memory_pipelines.retrieval.contents import cached_texts
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.contents import (
    ChunkRef,
    ContentRow,
    chunk_texts,
    content_rows,
    live_chunks,
)
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.summaries import evidence_of
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind, Target

_SPARE = 5  # may be gone by the time they are read


def hits_of(
    ordered: Sequence[Candidate], *, most: int, workspace: WorkspaceId, stores: Stores, include_private: bool
) -> list[Hit]:
    """Read what candidates say.

    Args:
        ordered: best first.
        most: hits wanted.
        workspace: whose memory.
        stores: where to read.
        include_private: also what only some may read.

    Returns:
        In the given order. What was deleted, superseded or made private meanwhile is left out.
    """
    asked = ordered[: most + _SPARE]
    shown = {candidate.key: row for candidate in asked if (row := candidate.shown) is not None}
    with stores.database.transaction(workspace) as tx:
        rows = {target.key: row for target, row in content_rows(tx, _targets(shown.values())).items()}
        readable = {key for key, row in rows.items() if _may_be_shown(row, include_private=include_private)}
        refs = _chunks(tx, shown.values(), readable)
        evidence = evidence_of(tx, [id_ for kind, id_ in shown.values() if kind == Kind.SUMMARY and id_ in readable])
    texts = _texts(refs, workspace=workspace, stores=stores, include_private=include_private)
    hits: list[Hit] = []
    for candidate in asked:
        kind, id_ = shown.get(candidate.key, ("", ""))
        text = texts.get(id_) if kind == Kind.CHUNK else rows[id_].text if id_ in readable else None
        if id_ in readable and text is not None:
            hits.append(_hit(candidate, kind, rows[id_], text, evidence.get(id_, ())))
    return hits[:most]


def _targets(shown: Iterable[tuple[str, str]]) -> set[Target]:
    return {Target(Kind(kind), id_) for kind, id_ in shown}


def _may_be_shown(row: ContentRow, *, include_private: bool) -> bool:
    return not row.is_deleted and not row.is_superseded and (include_private or not row.is_private)


def _chunks(tx: Transaction, shown: Iterable[tuple[str, str]], readable: Collection[str]) -> list[ChunkRef]:
    targets = {target for target in _targets(shown) if target.kind is Kind.CHUNK and target.key in readable}
    return [ref for found in live_chunks(tx, targets).values() for ref in found] if targets else []


def _texts(
    refs: Sequence[ChunkRef], *, workspace: WorkspaceId, stores: Stores, include_private: bool
) -> Mapping[str, str]:
    cached, _notes = cached_texts(stores.cache, refs)  # a cache that is away costs time and nothing else
    lacking = sorted({ref.chunk_id for ref in refs} - cached.keys())
    if not lacking:
        return cached
    with stores.database.transaction(workspace) as tx:
        return cached | chunk_texts(tx, lacking, include_private=include_private)


def _hit(candidate: Candidate, kind: str, row: ContentRow, text: str, evidence: Sequence[str]) -> Hit:
    return Hit(
        kind=kind,
        id=row.target.key,
        document_id=row.document_id,
        source=row.source,
        source_id=row.source_id,
        title=row.title,
        text=text,
        url=row.url,
        score=candidate.score,
        privacy=str(Privacy.PRIVATE if row.is_private else Privacy.ORG),
        occurred_at=row.occurred_at,
        terms=tuple(candidate.terms),
        edges=candidate.edges,
        evidence=tuple(evidence),
    )
