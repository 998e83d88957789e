"""The labelled edges: how many the pipeline finds, how many of those it finds are right, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.entities import resolve_entities
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.relationships import reconcile_relationships
from tests.steps.dumps import rows

from . import sampling
from .labelled import SETS, Edge, LabelledFile, labelled_files
from .scores import Score, score_set
from .stated import CHANGED_AT, PEPS, docs_payload

PRECISION, RECALL = 0.95, 0.90
HEADERS = frozenset({EdgeType.SUPERSEDES, EdgeType.REQUIRES})

_EDGES = """SELECT 'docs:' || a.source_id, r.type, 'docs:' || b.source_id, c.text, e.start_char, e.end_char, e.quote,
    e.field, e.document_id = a.document_id OR e.document_id = b.document_id
    FROM relationships r JOIN knowledge_documents a ON a.document_id = r.from_id
    JOIN knowledge_documents b ON b.document_id = r.to_id
    JOIN relationship_evidence e USING (relationship_id) JOIN knowledge_chunks c USING (chunk_id)
    WHERE r.until IS NULL AND r.type IN ('SUPERSEDES', 'REQUIRES', 'REFERENCES')"""


@pytest.fixture(scope="module")
def scores(shared_data: Path) -> dict[str, Score]:
    """What redaction and parsing make of all labelled files, by set."""
    return {name: score_set(name, shared_data) for name in SETS}


def test_precision_and_recall_over_all(scores: dict[str, Score]) -> None:
    total = Score()
    for score in scores.values():
        total.add(score)
    assert total.right.total() + total.missed.total() >= 200
    report = "\n".join([f"precision {total.precision():.3f}, recall {total.recall():.3f}", *total.misses])
    assert total.precision() >= PRECISION, report
    assert total.recall() >= RECALL, report


@pytest.mark.parametrize(
    ("name", "types"),
    [("peps", [*HEADERS, EdgeType.AUTHORED_BY]), ("handbook", [EdgeType.OWNED_BY])],
)
def test_what_fields_and_rules_state_is_found_whole(name: str, types: list[EdgeType], scores: dict[str, Score]) -> None:
    score = scores[name]
    assert score.right.total() > 0
    for kind in types:
        assert (score.precision(kind), score.recall(kind)) == (1.0, 1.0), "\n".join(score.misses)


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("github", sampling.github_payloads),
        ("handbook", sampling.handbook_pages),
        ("peps", sampling.proposals),
    ],
)
def test_exactly_the_sampled_files_are_labelled(
    name: str, sample: Callable[[Path], list[str]], shared_data: Path
) -> None:
    assert sorted(labelled.file for labelled in labelled_files(name)) == sample(shared_data)


def test_prose_is_labelled_where_the_sample_says_so(shared_data: Path) -> None:
    read_whole = [entry.file for entry in labelled_files("peps") if EdgeType.REFERENCES in entry.types]
    assert sorted(read_whole) == sampling.proposals_read_whole(shared_data)


@pytest.mark.parametrize("name", SETS)
def test_labels_of_words_quote_the_file(name: str, shared_data: Path) -> None:
    for labelled in labelled_files(name):
        text = " ".join((shared_data / labelled.file).read_text(encoding="utf-8").split())
        for edge, where in labelled.edges.items():
            assert edge.type in labelled.types
            if not where.startswith(("field:", "CODEOWNERS: ")):
                assert where.partition("…")[0] in text, f"{labelled.file}: {where}"


def test_a_score_counts_what_is_right_wrong_and_missed() -> None:
    right, missed, wrong = (Edge("a", EdgeType.REFERENCES, target) for target in "bcd")
    unjudged = Edge("a", EdgeType.OWNED_BY, "b")
    score = Score()
    score.count(
        LabelledFile("f", frozenset({EdgeType.REFERENCES}), {right: "B", missed: "C"}),
        {right: "B", wrong: "D", unjudged: "B"},
    )
    assert (score.precision(), score.recall(EdgeType.REFERENCES)) == (0.5, 0.5)
    assert score.misses == ["not labelled: f: a REFERENCES d by 'D'", "not found: f: a REFERENCES c by 'C'"]
    assert (score.precision(EdgeType.RESOLVES), score.recall(EdgeType.RESOLVES)) == (1.0, 1.0)


def _proposal_event(data: Path, handle: str, workspace: WorkspaceId) -> bytes:
    path = handle.removeprefix(f"docs:{PEPS}/")
    content = (data / path).read_text(encoding="utf-8")
    envelope = {
        "workspaceId": workspace,
        "organizationId": "org",
        "source": "docs",
        "action": "docs.upserted",
        "occurredAt": CHANGED_AT.isoformat(),
        "idempotencyKey": path,
        "payload": docs_payload(PEPS, path, content),
    }
    return json.dumps(envelope).encode()


def test_headers_become_edges_whose_evidence_is_in_a_chunk(
    shared_data: Path, session: Session, workspace: WorkspaceId
) -> None:
    labels = [edge for labelled in labelled_files("peps") for edge in labelled.edges]
    wanted = {edge for edge in labels if edge.type in HEADERS}
    handles = sorted({handle for edge in wanted for handle in (edge.origin, edge.target)})
    stores = session.stores
    put_lines(stores.objects, workspace, (_proposal_event(shared_data, handle, workspace) for handle in handles))
    receive_events(workspace, stores=stores, new_workspace_version=session.new_workspace_version, organization_id="org")
    version = session.active_version(workspace)
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.embedder(version))
    resolve_entities(workspace, stores=stores)
    reconcile_relationships(workspace, stores=stores)

    found = rows(session, workspace, _EDGES)
    assert {Edge(a, EdgeType(kind), b) for a, kind, b, *_ in found if kind in HEADERS} == wanted
    assert {field for _, kind, *_, field, _ in found if kind in HEADERS} >= {"frontmatter.requires"}
    for *_, text, start, end, quote, field, is_of_either in found:
        assert text[start:end][:300] == quote
        assert bool(quote) or bool(field)
        assert is_of_either
