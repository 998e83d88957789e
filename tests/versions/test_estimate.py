"""What an estimate says is what the build then does, and to estimate leaves no trace."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.steps.pricing import Price
from neural_memory_pipelines.steps.versions.estimate import Estimate, estimate_build
from tests.steps.doubles import RefusingEmbedder
from tests.steps.dumps import dump
from tests.steps.pipeline import run_path

from .conftest import Memory
from .migrating import build, ingest_sample, promote_it, propose
from .models import PRICE, TURNED, TrialSession, turned


def _estimate(
    session: TrialSession, workspace: WorkspaceId, version: EmbeddingVersion, price: Price = PRICE
) -> Estimate:
    return estimate_build(
        workspace, version, stores=session.stores, load_embedder=lambda: session.embedder(version), price=price
    )


@pytest.fixture
def sample(trial: TrialSession, workspace: WorkspaceId) -> WorkspaceId:
    """The sample workspace of the project, where messages are chunks and observations of the same words."""
    ingest_sample(trial, workspace)
    run_path(trial, workspace)
    return workspace


def test_the_build_embeds_what_the_estimate_counted(trial: TrialSession, sample: WorkspaceId) -> None:
    version = turned(trial.new_workspace_version)
    estimate = _estimate(trial, sample, version)
    trial.spies[TURNED].embedded.clear()
    propose(trial, sample, version)
    totals = build(trial, sample, version)
    embedded = trial.spies[TURNED].embedded
    assert len(embedded) == len(set(embedded)) == totals["embed"].written == estimate.texts > 30
    assert totals["index"].written == estimate.vectors
    assert totals["embed"].tokens == estimate.tokens == sum(trial.spies[TURNED].count_tokens(embedded))
    assert totals["embed"].dollars == pytest.approx(estimate.dollars)
    assert estimate.dollars == pytest.approx(estimate.tokens * 0.5 / 1_000_000)
    assert estimate.texts_embedded_already == 0
    assert (estimate.workspace, estimate.version) == (sample, version.name)

    after = _estimate(trial, sample, version)
    assert (after.texts, after.tokens, after.dollars, after.seconds) == (0, 0, 0, 0)
    assert after.texts_embedded_already == estimate.texts
    assert after.vectors == estimate.vectors


def test_to_estimate_writes_nothing(memory: Memory) -> None:
    before = dump(memory.session, memory.workspace)
    estimate = _estimate(memory.session, memory.workspace, memory.candidate)
    assert estimate.texts > 4
    assert estimate.seconds > 0, "a model of this machine is timed on a sample"
    after = dump(memory.session, memory.workspace)
    assert after == before


def test_what_a_service_would_be_asked_is_counted_and_not_sent(memory: Memory) -> None:
    refusing = RefusingEmbedder(memory.session.embedder(memory.candidate))
    estimate = estimate_build(
        memory.workspace,
        memory.candidate,
        stores=memory.session.stores,
        load_embedder=lambda: refusing,
        price=Price(dollars_per_million_tokens=0.12, inputs_per_minute=120),
    )
    assert estimate.seconds == pytest.approx(estimate.texts / 2)


def test_what_is_kept_and_what_a_like_version_has_costs_nothing(memory: Memory) -> None:
    session, workspace = memory.session, memory.workspace
    spread = session.successor(workspace, model=memory.served.model, topology="store")
    free = _estimate(session, workspace, spread)
    assert (free.texts, free.dollars, free.seconds) == (0, 0, 0)
    assert free.vectors > free.texts_embedded_already > 4, "a title may be a summary as well"

    propose(session, workspace, memory.candidate)
    build(session, workspace, memory.candidate)
    promote_it(session, workspace, memory.candidate, force=True)
    memory.tell_more("engines")
    assert _estimate(session, workspace, spread).texts == 0, "the version before it is kept up to date"


def test_a_text_that_two_families_share_is_counted_once(memory: Memory) -> None:
    session, workspace = memory.session, memory.workspace
    with session.stores.database.transaction(workspace) as tx:
        hashed = "encode(sha256(convert_to(text, 'UTF8')), 'hex')"
        tx.connection.execute(text(f"UPDATE knowledge_chunks SET section_label = '', chunk_hash = {hashed}"))
        said = "SELECT min(text) FROM knowledge_chunks"
        first = "SELECT min(observation_id) FROM memory_observations"
        tx.connection.execute(
            text(f"UPDATE memory_observations SET text = ({said}) WHERE observation_id = ({first})"),
        )
    estimate = _estimate(session, workspace, memory.candidate)
    propose(session, workspace, memory.candidate)
    session.spies[TURNED].embedded.clear()
    build(session, workspace, memory.candidate)
    assert len(session.spies[TURNED].embedded) == estimate.texts
    assert estimate.texts_embedded_already == 0
