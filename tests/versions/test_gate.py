"""The gate lets the good version pass, and each of its checks finds the fault that it is there for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.steps.evaluation.suites import Questions, questions_of
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.gate import GATE
from neural_memory_pipelines.steps.versions.quality import compare
from neural_memory_pipelines.stores.postgres.questions import put_questions
from tests.steps.dumps import rows

from .conftest import Memory
from .migrating import TOPICS, build, judge_version, propose, standing_of
from .models import NOISE, turned

WHOLE, SOUND, SAME, GOOD = GATE


@pytest.fixture
def built(memory: Memory) -> Memory:
    """A candidate as good as the served version is built; there are more pages than an answer shows."""
    memory.tell_more(*TOPICS[4:16])
    propose(memory.session, memory.workspace, memory.candidate)
    build(memory.session, memory.workspace, memory.candidate)
    return memory


def _failed(memory: Memory, version: EmbeddingVersion | None = None) -> list[str]:
    judged = version or memory.candidate
    found = judge_version(memory.session, memory.workspace, judged)
    assert list(found) == list(GATE)
    failed = [name for name, finding in found.items() if not finding.passed]
    standing = standing_of(memory.session, memory.workspace, judged)
    assert standing.gate_passed == (not failed)
    assert standing.gate is not None
    assert standing.gate["served"] == memory.served.name
    assert [check["name"] for check in standing.gate["checks"] if not check["passed"]] == failed
    return failed


def _spoil(memory: Memory, change: Callable[[np.ndarray], np.ndarray], *, texts: int = 1) -> None:
    """Change kept vectors of the candidate."""
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        kept = tx.connection.execute(
            text(
                "SELECT content_hash, vector FROM embeddings WHERE embedding_version = :version "
                "ORDER BY content_hash LIMIT :limit"
            ),
            {"version": memory.candidate.name, "limit": texts},
        ).all()
        for row in kept:
            values = change(np.frombuffer(row.vector, "<f4")).astype("<f4")
            tx.connection.execute(
                text(
                    "UPDATE embeddings SET vector = :vector WHERE embedding_version = :version AND content_hash = :key"
                ),
                {"vector": values.tobytes(), "version": memory.candidate.name, "key": row.content_hash},
            )


def test_a_version_as_good_passes_and_stays_asked(built: Memory) -> None:
    assert _failed(built) == []
    standing = standing_of(built.session, built.workspace, built.candidate)
    assert standing.gate is not None
    numbers = {check["name"]: check["numbers"] for check in standing.gate["checks"]}
    assert numbers[GOOD]["questions"] == 16
    assert numbers[GOOD]["recall_at_10"] == numbers[GOOD]["served_recall_at_10"] == 1
    assert numbers[SAME]["embedded_again"] == 32
    assert numbers[SAME]["lowest_cosine"] > 0.99999
    assert numbers[WHOLE]["desired"] == sum(
        Scope(built.workspace, built.candidate, family, built.session.stores).indexed_count() for family in Family
    )


@pytest.mark.parametrize("length", [0.0, 1.01, -2.0])
def test_a_vector_that_is_not_of_length_one_fails(built: Memory, length: float) -> None:
    _spoil(built, lambda values: values * np.float32(length))
    assert SOUND in _failed(built)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_vector_that_is_not_finite_fails(built: Memory, number: float) -> None:
    _spoil(built, lambda values: np.where(np.arange(values.size) == 7, np.float32(number), values), texts=32)
    assert _failed(built) == [SOUND, SAME]


def test_a_vector_of_another_dimension_fails_without_ending_the_gate(built: Memory) -> None:
    _spoil(built, lambda values: values[:384] / np.linalg.norm(values[:384]))
    assert SOUND in _failed(built)


def test_a_lost_vector_fails(built: Memory) -> None:
    scope = Scope(built.workspace, built.candidate, Family.OBSERVATIONS, built.session.stores)
    (place,) = scope.places()
    lost = min(scope.indexed_ids())
    built.session.stores.vectors.delete(place.index, place.namespace, [lost])
    found = judge_version(built.session, built.workspace, built.candidate)
    assert not found[WHOLE].passed
    assert "1 missing" in found[WHOLE].sentence
    assert found[WHOLE].numbers["missing"] == 1


def test_a_text_without_a_vector_fails(built: Memory) -> None:
    with built.session.stores.database.transaction(built.workspace) as tx:
        gone = """DELETE FROM embeddings WHERE embedding_version = :version AND content_hash =
            (SELECT min(content_hash) FROM embeddings WHERE embedding_version = :version)"""
        assert tx.connection.execute(text(gone), {"version": built.candidate.name}).rowcount == 1
    found = judge_version(built.session, built.workspace, built.candidate)
    assert not found[WHOLE].passed
    assert "1 of " in found[WHOLE].sentence


def test_a_vector_that_another_model_made_fails(built: Memory) -> None:
    """It has the right length and dimension; the untouched ones stay as they should be."""
    _spoil(built, lambda values: np.roll(values, 1))
    assert _failed(built) == [SAME]


def test_a_model_that_answers_worse_fails_and_names_what_is_found_later(built: Memory) -> None:
    worse = turned(built.served, model=NOISE)
    propose(built.session, built.workspace, worse)
    build(built.session, built.workspace, worse)
    found = judge_version(built.session, built.workspace, worse)
    assert [name for name, finding in found.items() if not finding.passed] == [GOOD]
    assert "16 titles that stand in for questions" in found[GOOD].sentence
    assert "found later: title:" in found[GOOD].sentence
    assert found[GOOD].numbers["recall_at_10"] < 0.98


def test_both_versions_are_kept_as_runs_of_the_canary_suite(built: Memory) -> None:
    judge_version(built.session, built.workspace, built.candidate)
    query = """SELECT r.embedding_version, r.suite, r.passed, r.accepted_at IS NOT NULL, o.embedding_version,
        (SELECT count(*) FROM eval_results e WHERE e.run_id = r.run_id)
        FROM eval_runs r LEFT JOIN eval_runs o ON o.run_id = r.compared_with ORDER BY o.run_id NULLS FIRST"""
    served, candidate = built.served.name, built.candidate.name
    assert rows(built.session, built.workspace, query) == [
        (served, "canary", True, True, None, 16),
        (candidate, "canary", True, False, served, 16),  # that it may be served is for a person to decide
    ]


def test_a_better_model_passes_where_a_bad_one_is_served(built: Memory) -> None:
    worse = turned(built.served, model=NOISE)
    propose(built.session, built.workspace, worse)
    build(built.session, built.workspace, worse)
    compared = compare(
        built.workspace,
        built.candidate,
        worse,
        stores=built.session.stores,
        load_embedder=built.session.embedder,
    )
    assert compared.candidate.ndcg_at_10 > compared.served.ndcg_at_10
    assert compared.worse == ()


def test_own_questions_take_the_place_of_titles(built: Memory) -> None:
    docs = built.folder.name
    asked = [
        Question("right", "Who checks the tides?", (ExpectedSource("docs", f"{docs}/berths.md"),), weight=1.0),
        Question("easy", "Handbook of the cranes", (ExpectedSource("docs", f"{docs}/cranes.md"),), weight=3.0),
    ]
    with built.session.stores.database.transaction(built.workspace) as tx:
        put_questions(tx, asked)
        put_questions(tx, asked)
    expected = Questions(tuple(sorted(asked, key=lambda each: each.id)), are_own=True)
    assert questions_of(Suite.CANARY, built.workspace, built.session.stores) == expected
    found = judge_version(built.session, built.workspace, built.candidate)[GOOD]
    assert found.passed
    assert found.sentence.startswith("2 questions: ")
    assert 0.75 <= found.numbers["recall_at_10"] <= 1, "the easy one weighs three of four"


def test_the_gate_embeds_a_sample_and_the_questions_and_no_more(built: Memory) -> None:
    spy = built.session.spies[built.candidate.model]
    spy.embedded.clear()
    judge_version(built.session, built.workspace, built.candidate)
    assert len(spy.embedded) == 32 + 16
