"""Embedding many texts: batches of like length, as many at a time as the embedder can use, order kept.

Knows no model. What to embed, and where the vectors go, is decided by the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

import numpy as np

from neural_memory_pipelines.errors import ContractError
from neural_memory_pipelines.models.embedders.limits import TextTooLongError
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors

_BATCHES_IN_FLIGHT_PER_WORKER = 2  # one computing, one waiting: no worker idles, and memory stays bounded
_UNIT_NORM_TOLERANCE = 1e-3


def embed_in_batches(
    embedder: Embedder,
    texts: Sequence[str],
    *,
    role: InputRole,
    on_batch: Callable[[int], None] | None = None,
) -> Vectors:
    """Embed any number of texts, in their order.

    The first error stops the rest: batches that did not start never do, and those under way are waited for.

    Args:
        embedder: decides batch size and concurrency.
        texts: texts, each of at most `embedder.max_tokens` tokens.
        role: what the texts are embedded for.
        on_batch: called from this thread after each finished batch, with the number of texts done so far.

    Returns:
        float32 array of shape (len(texts), dim), rows of length 1.

    Raises:
        TextTooLongError: a text is over the limit; names its position in `texts`.
        TransientError: the model's service did not answer.
        ContractError: the embedder gave vectors of a wrong shape or type, not finite, or not of length 1.
    """
    vectors: Vectors = np.empty((len(texts), embedder.dim), dtype=np.float32)
    batches = _batches_by_length(texts, embedder.batch_size)
    running: dict[Future[Vectors], list[int]] = {}
    done_texts = 0
    with ThreadPoolExecutor(max_workers=embedder.workers, thread_name_prefix="embed") as pool:
        try:
            while True:
                room = embedder.workers * _BATCHES_IN_FLIGHT_PER_WORKER - len(running)
                for batch in islice(batches, room):
                    running[pool.submit(_embed_batch, embedder, texts, batch, role)] = batch
                if not running:
                    return vectors
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    batch = running.pop(future)
                    vectors[batch] = future.result()
                    done_texts += len(batch)
                    if on_batch is not None:
                        on_batch(done_texts)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _batches_by_length(texts: Sequence[str], size: int) -> Iterator[list[int]]:
    """Group positions of texts of like length, longest first: little padding, and the short ones end the work."""
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]), reverse=True)
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _embed_batch(embedder: Embedder, texts: Sequence[str], batch: list[int], role: InputRole) -> Vectors:
    try:
        vectors = embedder.embed([texts[index] for index in batch], role=role)
    except TextTooLongError as error:
        raise error.at(batch[error.index]) from error
    _refuse_bad_vectors(vectors, embedder=embedder, texts=len(batch))
    return vectors


def _refuse_bad_vectors(vectors: Vectors, *, embedder: Embedder, texts: int) -> None:
    expected = (texts, embedder.dim)
    if vectors.shape != expected or vectors.dtype != np.float32:
        raise ContractError(
            f"{embedder.model} returned {vectors.dtype} of shape {vectors.shape}; expected float32 of shape {expected}"
        )
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    # A value that is not finite makes its norm so, and no comparison with that is true.
    bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_NORM_TOLERANCE))
    if bad.size:
        raise ContractError(
            f"{embedder.model} returned {bad.size} of {texts} vectors that are not of length 1; "
            f"the first has length {norms[bad[0]]:.4g}"
        )
