"""Gives every live text a vector at a version, and keeps it for good. Nothing is embedded twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors
from neural_memory_pipelines.steps.pricing import FREE, Price
from neural_memory_pipelines.steps.report import Progress, StepReport, no_progress, timed
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import families
from neural_memory_pipelines.stores.postgres.families import PendingText
from neural_memory_pipelines.stores.postgres.vectors_kept import take_over_vectors

_TEXTS_PER_WINDOW = 4096
_TEXTS_PER_TRANSACTION = 512


def embed_pending(
    scope: Scope,
    *,
    load_embedder: Callable[[], Embedder],
    price: Price = FREE,
    on_progress: Progress = no_progress,
) -> StepReport:
    """Embed the texts of a family that have no vector at a version.

    Args:
        scope: the workspace, version and family, and the stores.
        load_embedder: loads the version's embedder; called only if there is something to embed.
        price: of the version's model.
        on_progress: is told the number of texts embedded.

    Returns:
        seen = live texts, written = texts embedded now, unchanged = texts that had a vector already; tokens as the
        vendor billed them, or else as the embedder counts them.
    """
    report = StepReport()
    workspace, version, family = scope.workspace, scope.version, scope.family
    database = scope.stores.database
    with timed(report), database.lock(workspace, f"embed:{family}:{version.name}"):
        with database.transaction(workspace) as tx:
            before = families.family_counts(tx, version, family)
            if before.missing_texts and (taken := take_over_vectors(tx, version)):
                report.notes.append(f"{taken} vectors are those of another version of the same model")
                before = families.family_counts(tx, version, family)
        on_progress(0, total=before.missing_texts)
        while window := _next_window(scope):
            _embed_window(scope, window, embedder=load_embedder(), report=report, on_progress=on_progress)
    report.seen = before.live_texts
    report.dollars = price.of(report.tokens)
    report.unchanged = before.live_texts - before.missing_texts
    return report


def _next_window(scope: Scope) -> Sequence[PendingText]:
    with scope.stores.database.transaction(scope.workspace) as tx:
        scope.refuse_archived(tx)  # before each window is paid for
        return families.pending_texts(tx, scope.version, scope.family, limit=_TEXTS_PER_WINDOW)


def _embed_window(
    scope: Scope, window: Sequence[PendingText], *, embedder: Embedder, report: StepReport, on_progress: Progress
) -> None:
    # Sorted over the whole window, so that the texts of one batch have about one length; kept in small
    # transactions, so that what has been paid for survives a kill.
    ordered = sorted(window, key=lambda text: len(text.body))
    for start in range(0, len(ordered), _TEXTS_PER_TRANSACTION):
        billed_before = embedder.billed_tokens
        part = ordered[start : start + _TEXTS_PER_TRANSACTION]
        vectors, tokens = embed_texts([text.body for text in part], embedder, counted=[text.tokens for text in part])
        hashes = [text.content_hash for text in part]
        with scope.stores.database.transaction(scope.workspace) as tx:
            families.store_vectors(tx, scope.version, hashes=hashes, vectors=vectors)
        report.written += len(part)
        report.tokens += embedder.billed_tokens - billed_before or tokens
        # Not the text itself: it may be private, and what a run shows stays.
        report.show({"content_hash": part[-1].content_hash, "characters": len(part[-1].body)})
        on_progress(len(part))


def embed_texts(
    texts: Sequence[str], embedder: Embedder, *, counted: Sequence[int | None] | None = None
) -> tuple[Vectors, int]:
    """Embed documents' texts of any length.

    A text longer than the model reads is never cut: it is embedded in pieces, and its vector is the mean of their
    vectors, weighted by tokens and scaled to length 1.

    Args:
        texts: what to embed.
        embedder: with what.
        counted: the tokens of the texts as this embedder counts them, where they are known.

    Returns:
        The vectors, shape (texts, dim), in the order of the texts, and the number of tokens of all of them.
    """
    counts = _token_counts(texts, embedder, counted or [None] * len(texts))
    long = [index for index, tokens in enumerate(counts) if tokens > embedder.max_tokens]
    if not long:
        return embed_in_batches(embedder, texts, role=InputRole.SEARCH_DOCUMENT), sum(counts)

    pieces = {index: _pieces(texts[index], embedder) for index in long}
    flat = [piece for index, text in enumerate(texts) for piece in pieces.get(index, [text])]
    owners = np.array([index for index in range(len(texts)) for _ in pieces.get(index, [""])])
    weights = np.array(embedder.count_tokens(flat), dtype=np.float32).clip(min=1)
    sums = np.zeros((len(texts), embedder.dim), dtype=np.float32)
    np.add.at(sums, owners, embed_in_batches(embedder, flat, role=InputRole.SEARCH_DOCUMENT) * weights[:, None])
    return sums / np.linalg.norm(sums, axis=1, keepdims=True), sum(counts)


def _token_counts(texts: Sequence[str], embedder: Embedder, counted: Sequence[int | None]) -> list[int]:
    unknown = [text for text, tokens in zip(texts, counted, strict=True) if tokens is None]
    fresh = iter(embedder.count_tokens(unknown) if unknown else ())
    return [next(fresh) if tokens is None else tokens for tokens in counted]


def _pieces(text: str, embedder: Embedder) -> list[str]:
    """Halve a text, between words where it can, until the model reads each piece whole."""
    if len(text) <= 1 or embedder.count_tokens([text])[0] <= embedder.max_tokens:
        return [text]
    middle = len(text) // 2
    gap = text.rfind(" ", middle // 2, middle)
    cut = gap if gap > 0 else middle
    return [*_pieces(text[:cut], embedder), *_pieces(text[cut:], embedder)]
