"""Names topics: the words and phrases that a topic's texts say and those of other topics do not.

Which words can be names is in `words.py`; which texts are compared is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.topics.words import stems_of, terms_of

KEYWORDS = 8
_PHRASE_FACTOR = 1.3  # a phrase tells more than the words it is made of, and is said less often
_LABEL_KEYWORDS = 3
_LABEL_LIMIT_CHARS = 60
_NO_LABEL = "unnamed topic"


def keywords_of(
    topics: Sequence[Sequence[str]], *, others: Sequence[Sequence[str]] = (), count: int = KEYWORDS
) -> list[list[str]]:
    """Find the keywords of topics by class-based TF-IDF, the weightiest first.

    A text counts once for each of its words, so that a long one does not name the topic alone; a word that only one of
    several texts says is no keyword. No keyword is part of another, or another's plural.

    Args:
        topics: the texts of each topic whose keywords are wanted. It is enough to give a sample of a large one, 200
            texts for instance; memory and time grow with all texts, about 4 CPU-seconds for 100,000 short ones.
        others: texts of other topics, that common words be known; a sample is enough. Names of unchanged topics can so
            stay, without reading all texts.
        count: most keywords of a topic.

    Returns:
        A list for each of `topics`; empty where no text has a word that could be one.

    Source:
        Grootendorst 2022, BERTopic, arXiv:2203.05794, section 3.3: weight = tf * log(1 + A / f), tf the count in a
        topic, f in all, A the average count of all words of a topic.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - slow to import

    classes = [*topics, *others]
    vectorizer = CountVectorizer(analyzer=_terms_of_class, dtype=np.int32)
    try:
        counts = vectorizer.fit_transform(classes).tocsr()
    except ValueError:  # no text has a word, for which scikit-learn has no other sign
        return [[] for _ in topics]
    terms = vectorizer.get_feature_names_out()
    everywhere = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()
    rarity = np.log1p(everywhere.sum() / len(classes) / everywhere)
    return [_best(counts[[row]], terms, rarity, texts=len(texts), count=count) for row, texts in enumerate(topics)]


def label_of(keywords: Sequence[str]) -> str:
    """Name a topic by its first keywords that share no word, at most three and 60 characters: `kafka, load test`."""
    chosen: list[str] = []
    said: set[str] = set()
    for keyword in keywords:
        words = stems_of(keyword)
        if said & words or len(", ".join([*chosen, keyword])) > _LABEL_LIMIT_CHARS:
            continue
        chosen.append(keyword)
        said.update(words)
        if len(chosen) == _LABEL_KEYWORDS:
            break
    return ", ".join(chosen) or _NO_LABEL


def _terms_of_class(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield from sorted(terms_of(text))


def _best(
    row: Any, terms: npt.NDArray[np.object_], rarity: npt.NDArray[np.float64], *, texts: int, count: int
) -> list[str]:
    """Choose the weightiest terms of a topic: greedily, leaving out what a chosen one says already."""
    spoken = row.data >= min(2, texts)
    if not spoken.any():
        spoken = row.data > 0
    columns, data = row.indices[spoken], row.data[spoken]
    names = [str(terms[column]) for column in columns]
    factors = np.array([_PHRASE_FACTOR if " " in name else 1.0 for name in names])
    weights = data * rarity[columns] * factors
    chosen: list[str] = []
    said: list[frozenset[str]] = []
    for place in sorted(range(len(names)), key=lambda place: (-weights[place], names[place])):
        words = stems_of(names[place])
        if any(words <= other or other <= words for other in said):
            continue
        chosen.append(names[place])
        said.append(words)
        if len(chosen) == count:
            break
    return chosen
