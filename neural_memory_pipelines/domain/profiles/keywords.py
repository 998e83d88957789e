"""Keywords of entities: the words that their observations say more often than those of others of their kind.

Which texts are compared is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.topics.labels import keywords_of

KEYWORDS = 8


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
    entities = sorted(texts)
    asked = [entity for entity in entities if entity in wanted]
    others = [texts[entity] for entity in entities if entity not in wanted]
    found = keywords_of([texts[entity] for entity in asked], others=others, count=count)
    return {entity: tuple(words) for entity, words in zip(asked, found, strict=True)}
