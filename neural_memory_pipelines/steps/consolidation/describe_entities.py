"""Puts together what describes entities in words and counts.

What is counted is read in `stores/postgres/profile_descriptors.py`, keywords are found in `domain/profiles/`.
"""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.graph import NodeKind
from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.profiles.descriptors import Descriptors, Related
from neural_memory_pipelines.domain.profiles.keywords import keywords_of_entities
from neural_memory_pipelines.stores.postgres import profile_descriptors
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.profile_evidence import EvidenceStanding

# Bounds of the texts that keywords are found in: more of an entity tell little new, and others only say what is common.
_TEXTS_OF_ENTITY = 200
_TEXTS_OF_OTHERS = 20


def describe_entities(
    tx: Transaction, standings: Sequence[EvidenceStanding], *, timezone: str
) -> dict[EntityId, Descriptors]:
    """Describe entities; one whose observations are gone meanwhile is missing.

    Args:
        tx: the transaction.
        standings: which entities.
        timezone: IANA name of the time zone of their active hours.
    """
    entities = [item.entity_id for item in standings]
    seen = profile_descriptors.seen_by_hour(tx, entities, timezone=timezone)
    related = profile_descriptors.related_entities(tx, entities)
    owned = profile_descriptors.owned_by(tx, entities)
    owners = profile_descriptors.owners_of(tx, entities)
    contributions = profile_descriptors.contributions_of(tx, entities)
    keywords = _keywords(tx, standings)
    return {
        entity: Descriptors(
            keywords=keywords.get(entity, ()),
            collaborators=tuple(related[entity][NodeKind.PERSON]),
            components=_owned_first(owned[entity], related[entity][NodeKind.COMPONENT]),
            repositories=tuple(related[entity][NodeKind.REPOSITORY]),
            projects=tuple(related[entity][NodeKind.PROJECT]),
            teams=tuple(related[entity][NodeKind.TEAM]),
            owners=tuple(owners[entity]),
            contributions=tuple(contributions[entity]),
            active_hours=times.hours,
            timezone=timezone,
            first_seen_at=times.first_at,
            last_seen_at=times.last_at,
        )
        for entity, times in seen.items()
    }


def _owned_first(owned: Sequence[Related], touched: Sequence[Related]) -> tuple[Related, ...]:
    works = {item.entity_id: item.works for item in touched}
    own = [Related(item.entity_id, item.name, works.get(item.entity_id, 0), owns=True) for item in owned]
    known = {item.entity_id for item in owned}
    return (*own, *(item for item in touched if item.entity_id not in known))


def _keywords(tx: Transaction, standings: Sequence[EvidenceStanding]) -> dict[EntityId, tuple[str, ...]]:
    entities = {item.entity_id for item in standings}
    kinds = sorted({item.kind for item in standings})
    samples = profile_descriptors.sample_texts(
        tx, sorted(entities), kinds=kinds, most=_TEXTS_OF_ENTITY, others=_TEXTS_OF_OTHERS
    )
    return {
        entity: words
        for texts in samples.values()
        for entity, words in keywords_of_entities(texts, entities & texts.keys()).items()
    }
