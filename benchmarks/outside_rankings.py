"""What other libraries rank first on the same texts: BM25 by bm25s, plain MiniLM, and two usual ways to join them.

Nothing of the product's search is used here; its embedder class alone computes MiniLM's vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import bm25s  # type: ignore[import-untyped]  # it has no stubs
import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole

Scores = npt.NDArray[np.float64]
"""Shape (questions, texts)."""

_TOP = 10
_JOINED = 100
_RRF_K = 60
_BM25_OF_WORDS = "BM25 (bm25s, stemmed)" if find_spec("Stemmer") else "BM25 (bm25s, PyStemmer is not installed)"


def outside_rankings(
    texts: Mapping[str, str], questions: Sequence[str], embedder: Embedder
) -> dict[str, list[list[str]]]:
    """Rank texts for each question by what is usual elsewhere.

    Args:
        texts: by key.
        questions: in plain words.
        embedder: of what reads a whole text at once; what it cannot read is cut from the end.

    Returns:
        By the name of the way, ten keys for each question.
    """
    keys = list(texts)
    words, meaning = _bm25(list(texts.values()), questions), _cosines(list(texts.values()), questions, embedder)
    ways = {
        _BM25_OF_WORDS: words,
        "MiniLM, one vector a text": meaning,
        f"RRF of both (k = {_RRF_K})": np.stack([_rrf(*legs) for legs in zip(words, meaning, strict=True)]),
        "sum of z-scores of both": np.stack([_z_sum(*legs) for legs in zip(words, meaning, strict=True)]),
    }
    return {name: [[keys[at] for at in _best(row, _TOP)] for row in scores] for name, scores in ways.items()}


def _bm25(texts: Sequence[str], questions: Sequence[str]) -> Scores:
    """Score by bm25s as it comes: Lucene's variant, k1 = 1.5, b = 0.75, English stop words."""
    stemmer = _stemmer()
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    asked = bm25s.tokenize(list(questions), stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return np.stack([np.asarray(index.get_scores(words), dtype=np.float64) for words in asked])


def _stemmer() -> Any:
    if not find_spec("Stemmer"):
        return None
    import Stemmer  # type: ignore[import-not-found]  # noqa: PLC0415 - no stubs; without it the benchmark runs and says so

    return Stemmer.Stemmer("english")


def _cosines(texts: Sequence[str], questions: Sequence[str], embedder: Embedder) -> Scores:
    cut = [_cut(text, embedder) for text in texts]
    documents = embed_in_batches(embedder, cut, role=InputRole.SEARCH_DOCUMENT)
    asked = embed_in_batches(embedder, list(questions), role=InputRole.SEARCH_QUERY)
    return np.asarray(asked @ documents.T, dtype=np.float64)


def _cut(text: str, embedder: Embedder) -> str:
    """Keep as many words from the beginning as the model reads."""
    words = text.split()
    fits, too_many = 0, min(len(words), embedder.max_tokens) + 1  # a word has at least one token
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if embedder.count_tokens([" ".join(words[:middle])])[0] <= embedder.max_tokens:
            fits = middle
        else:
            too_many = middle
    return " ".join(words[:fits])


def _rrf(words: Scores, meaning: Scores) -> Scores:
    """Add up 1 / (k + place) over the first hundred of each.

    Source: G. Cormack, C. Clarke, S. Buettcher, Reciprocal rank fusion outperforms Condorcet, SIGIR 2009.
    """
    joined = np.zeros_like(words)
    for leg in (words, meaning):
        best = _best(leg, _JOINED)
        joined[best] += 1 / (_RRF_K + np.arange(1, len(best) + 1))
    return joined


def _z_sum(words: Scores, meaning: Scores) -> Scores:
    """Add up standardized scores over what is among the first hundred of either."""
    united = np.union1d(_best(words, _JOINED), _best(meaning, _JOINED))
    joined = np.full_like(words, -np.inf)
    joined[united] = sum((leg[united] - leg[united].mean()) / leg[united].std() for leg in (words, meaning))
    return joined


def _best(scores: Scores, most: int) -> npt.NDArray[np.intp]:
    return np.argsort(-scores, kind="stable")[:most]
