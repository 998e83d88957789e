"""Texts longer than the model reads are embedded whole, in pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.steps.embed import embed_texts

from .doubles import SpyEmbedder
from .dumps import rows
from .pipeline import ingest_folder, run_path
from .samples import guide, prose, write_docs

HASHED = HashedEmbedder()


def _mean_of(pieces: list[str]) -> np.ndarray:
    vectors = HASHED.embed(pieces, role=InputRole.SEARCH_DOCUMENT).astype(np.float64)
    weighted = (vectors * np.array(HASHED.count_tokens(pieces), dtype=np.float64)[:, None]).sum(axis=0)
    return np.asarray(weighted / np.linalg.norm(weighted))


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(alphabet="ab \n\u00e9\U0001f6a2", min_size=1, max_size=200), min_size=1, max_size=6),
    max_tokens=st.integers(1, 12),
)
def test_nothing_is_cut_and_every_vector_has_length_one(texts: list[str], max_tokens: int) -> None:
    spy = SpyEmbedder(HASHED, max_tokens=max_tokens)
    vectors, tokens = embed_texts(texts, spy)
    assert vectors.shape == (len(texts), HASHED.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert sum(map(len, spy.embedded)) == sum(map(len, texts)), "every character is embedded once"
    assert tokens == sum(HASHED.count_tokens(texts))
    alone = [embed_texts([text], SpyEmbedder(HASHED, max_tokens=max_tokens))[0][0] for text in texts]
    assert np.allclose(vectors, alone, atol=1e-6), "a vector depends on its own text alone"


def test_a_long_text_gets_the_mean_of_its_pieces_weighted_by_tokens() -> None:
    long, short = prose("berths", sentences=9), "Short enough."
    spy = SpyEmbedder(HASHED, max_tokens=40)
    vectors, _ = embed_texts([short, long], spy)
    pieces = [piece for piece in spy.embedded if piece != short]
    assert len(pieces) >= 4
    assert "".join(sorted(pieces, key=long.index)) == long
    assert len(set(HASHED.count_tokens(pieces))) > 1, "weights must matter"
    assert np.allclose(vectors[1], _mean_of(pieces), atol=1e-6)
    assert np.array_equal(vectors[0], HASHED.embed([short], role=InputRole.SEARCH_DOCUMENT)[0])


@pytest.mark.parametrize("max_tokens", [50, 8192])
def test_stored_vectors_are_unit_length_whatever_the_model_reads(
    session: Session, workspace: WorkspaceId, tmp_path: Path, max_tokens: int
) -> None:
    ingest_folder(session, workspace, write_docs(tmp_path / "handbook", {"berths.md": guide("berths", "cranes")}))
    spy = SpyEmbedder(session.embedder(session.new_workspace_version), max_tokens=max_tokens)
    report = run_path(session, workspace, embedder=spy)
    stored = [np.frombuffer(row[0], "<f4") for row in rows(session, workspace, "SELECT vector FROM embeddings")]
    assert len(stored) == sum(each.written for each in report.embedded.values()) >= 2
    assert np.allclose(np.linalg.norm(stored, axis=1), 1, atol=1e-5)
    assert (len(spy.embedded) > len(stored)) == (max_tokens == 50)
