"""Keywords of entities: the words that their observations say more often than those of others of their kind.

Which texts are compared is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from neural_memory_pipelines.domain.ids import EntityId

KEYWORDS = 8

# A word of at least three characters that begins with a letter.
_WORD = r"(?u)\b[^\W\d_][\w-]+\w\b"


def keywords_of_entities(
    texts: Mapping[EntityId, Sequence[str]], wanted: Collection[EntityId], *, count: int = KEYWORDS
) -> dict[EntityId, tuple[str, ...]]:
    """Find the words that tell entities apart, by class-based TF-IDF.

    Args:
        texts: of entities of one kind, those not wanted among them: what is common to all tells nothing.
        wanted: of whom keywords are wanted.
        count: at most so many.

    Source:
        Grootendorst 2022, BERTopic, arXiv:2203.05794, section 3.3.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # noqa: PLC0415 - slow to import

    entities = sorted(texts)
    vectorizer = CountVectorizer(token_pattern=_WORD, stop_words="english", binary=False)
    try:
        counts = vectorizer.fit_transform("\n".join(texts[entity]) for entity in entities).tocsr()
    except ValueError:  # no text has a word
        return dict.fromkeys(wanted, ())
    words = vectorizer.get_feature_names_out()
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    idf = np.log1p(lengths.mean() / np.asarray(counts.sum(axis=0)).ravel())
    found: dict[EntityId, tuple[str, ...]] = {}
    for place, entity in enumerate(entities):
        if entity in wanted:
            row = counts[[place]]
            weights = row.data * idf[row.indices]
            best = np.lexsort((row.indices, -weights))[:count]
            found[entity] = tuple(str(words[row.indices[index]]) for index in best)
    return found
