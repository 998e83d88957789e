"""Batching: order, bounded concurrency, the first error, and the word of a model that is not kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from neural_memory_pipelines.errors import ContractError, TransientError
from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.limits import TextTooLongError, refuse_too_long
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors


@dataclass
class RecordingEmbedder:
    """Puts a text's number on the unit circle; records its calls; `spoil` may break what it returns."""

    batch_size: int = 4
    workers: int = 2
    spoil: Callable[[Vectors], Vectors] = lambda vectors: vectors
    fail_on: str = ""
    calls: list[list[str]] = field(default_factory=list)
    roles: set[InputRole] = field(default_factory=set)
    most_at_once: int = 0
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    model = "test/recording"
    dim = 2
    max_tokens = 40
    billed_tokens = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        with self._lock:
            self.calls.append(list(texts))
            self.roles.add(role)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(0.002)
            if self.fail_on and self.fail_on in texts:
                raise TransientError("the model's service did not answer")
            refuse_too_long(self.count_tokens(texts), model=self.model, max_tokens=self.max_tokens)
            return self.spoil(expected(texts))
        finally:
            with self._lock:
                self._at_once -= 1


def expected(texts: Sequence[str]) -> Vectors:
    angles = np.array([float(text.partition(" ")[0]) / 100 for text in texts], dtype=np.float32)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def numbered(count: int) -> list[str]:
    return [f"{index} " + "x" * ((index * 7) % 23) for index in range(count)]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 57])
@pytest.mark.parametrize("workers", [1, 3])
def test_order_and_progress(count: int, workers: int) -> None:
    embedder = RecordingEmbedder(workers=workers)
    done: list[int] = []
    vectors = embed_in_batches(embedder, numbered(count), role=InputRole.SEARCH_QUERY, on_batch=done.append)
    assert vectors.shape == (count, 2)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, expected(numbered(count)) if count else vectors)
    assert len(done) == -(-count // 4)
    assert done == sorted(set(done))
    assert done[-1:] == ([count] if count else [])
    assert embedder.roles <= {InputRole.SEARCH_QUERY}
    assert embedder.most_at_once <= workers


def test_batches_hold_texts_of_like_length() -> None:
    embedder = RecordingEmbedder(workers=1)
    embed_in_batches(embedder, numbered(40), role=InputRole.SEARCH_DOCUMENT)
    lengths = [len(text) for call in embedder.calls for text in call]
    assert lengths == sorted(lengths, reverse=True)
    assert {len(call) for call in embedder.calls} == {4}


def test_workers_work_at_once() -> None:
    embedder = RecordingEmbedder(workers=3)
    meeting = threading.Barrier(3, timeout=10)

    def meet(vectors: Vectors) -> Vectors:
        meeting.wait()
        return vectors

    embedder.spoil = meet
    embed_in_batches(embedder, numbered(24), role=InputRole.SEARCH_DOCUMENT)
    assert embedder.most_at_once == 3


def test_first_error_stops_the_rest() -> None:
    texts = ["0 " + "x" * 30, *numbered(400)]
    embedder = RecordingEmbedder(fail_on=texts[0])
    with pytest.raises(TransientError, match="did not answer"):
        embed_in_batches(embedder, texts, role=InputRole.SEARCH_DOCUMENT)
    assert len(embedder.calls) < 20
    calls = len(embedder.calls)
    time.sleep(0.02)
    assert len(embedder.calls) == calls


def test_batches_that_wait_for_a_worker_never_start_after_an_error() -> None:
    texts = ["0 " + "x" * 30, *numbered(400)]

    def linger(vectors: Vectors) -> Vectors:
        time.sleep(0.3)
        return vectors

    embedder = RecordingEmbedder(workers=2, batch_size=1, fail_on=texts[0], spoil=linger)
    with pytest.raises(TransientError):
        embed_in_batches(embedder, texts, role=InputRole.SEARCH_DOCUMENT)
    # Four were handed to the pool: one failed, at most two were under way by then, one was still waiting.
    assert len(embedder.calls) <= 3


def test_error_of_the_callback_stops_the_rest() -> None:
    embedder = RecordingEmbedder()

    def refuse(done_texts: int) -> None:
        raise RuntimeError(f"enough after {done_texts}")

    with pytest.raises(RuntimeError, match="enough after 4"):
        embed_in_batches(embedder, numbered(400), role=InputRole.SEARCH_DOCUMENT, on_batch=refuse)
    assert len(embedder.calls) < 20


def test_too_long_text_is_named_by_its_own_position() -> None:
    texts = numbered(30)
    texts[17] = "17 " + "x" * 60
    with pytest.raises(TextTooLongError, match="text 17 has 63 tokens") as raised:
        embed_in_batches(RecordingEmbedder(), texts, role=InputRole.SEARCH_DOCUMENT)
    assert raised.value.index == 17


def _with_nan(vectors: Vectors) -> Vectors:
    vectors[-1, 0] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda vectors: vectors[:-1], r"shape \(3, 2\); expected float32 of shape \(4, 2\)"),
        (lambda vectors: np.pad(vectors, ((0, 0), (0, 1))), r"shape \(4, 3\)"),
        (lambda vectors: vectors.astype(np.float64), "float64"),
        (lambda vectors: vectors * 1.01, "4 of 4 vectors .* length 1.01"),
        (lambda vectors: vectors * 0, "length 0"),
        (_with_nan, "1 of 4 vectors .* length nan"),
        (lambda vectors: np.full_like(vectors, np.inf), "length inf"),
    ],
)
def test_broken_vectors_are_refused(spoil: Callable[[Vectors], Vectors], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        embed_in_batches(RecordingEmbedder(spoil=spoil), numbered(8), role=InputRole.SEARCH_DOCUMENT)


def test_real_embedder_through_batches(embedder: Embedder) -> None:
    texts = [f"observation {index} " + "about the release " * (index % 9) for index in range(150)]
    vectors = embed_in_batches(embedder, texts, role=InputRole.SEARCH_DOCUMENT)
    direct = embedder.embed(texts, role=InputRole.SEARCH_DOCUMENT)
    assert np.einsum("ij,ij->i", vectors, direct).min() > 0.9999
