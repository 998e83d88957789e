"""What describes entities, counted in the tables: related entities, contributions, hours, and texts for keywords.

Only what all may read is counted; what is made of it is in `domain/profiles/`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from neural_memory_pipelines.domain.ids import EntityId
from neural_memory_pipelines.domain.profiles.descriptors import HOURS, Contribution, Related
from neural_memory_pipelines.stores.postgres.clusters import ENTITIES_OF_OBSERVATIONS
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.profile_evidence import TIES, WORK
from neural_memory_pipelines.stores.postgres.streams import over_whole_sets

_MOST_RELATED = 10

_ASKED = "ANY(CAST(:entities AS text[]))"

_RELATED = f"""
WITH work AS MATERIALIZED (SELECT DISTINCT work_id, entity_id, kind, name FROM ({WORK}) w)
SELECT * FROM (
    SELECT of_id, kind, entity_id, name, works,
        row_number() OVER (PARTITION BY of_id, kind ORDER BY works DESC, name, entity_id) AS place
    FROM (
        SELECT m.entity_id AS of_id, o.kind, o.entity_id, o.name, count(*) AS works
        FROM work m JOIN work o USING (work_id)
        WHERE m.entity_id = {_ASKED} AND o.entity_id <> m.entity_id GROUP BY 1, 2, 3, 4) counted) ranked
WHERE place <= {_MOST_RELATED} ORDER BY of_id, kind, place"""

_CONTRIBUTIONS = f"""
SELECT entity_id AS of_id, edge, document_type, count(DISTINCT document_id) AS documents FROM ({WORK}) w
WHERE entity_id = {_ASKED} GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3"""

# What stands for everything says least of its owner: it comes last.
_OWNED = f"""
SELECT from_id, from_kind, from_name, to_id, to_name FROM ({TIES}) t
WHERE edge = 'OWNED_BY' AND (from_id = {_ASKED} OR to_id = {_ASKED})
ORDER BY from_name = '*', from_name, from_id, to_name, to_id"""

# A source that knows only the date gives midnight, UTC, to the microsecond.
_HOURS = f"""
WITH about AS ({ENTITIES_OF_OBSERVATIONS})
SELECT entity_id AS of_id, CASE WHEN occurred_at <> date_trunc('day', occurred_at, 'UTC')
        THEN extract(hour FROM occurred_at AT TIME ZONE :timezone)::int END AS hour,
    count(*) AS observations, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM about WHERE entity_id = {_ASKED} GROUP BY 1, 2"""

# Ids are hashes: the first by id are a sample, and the same one each time.
_SAMPLES = f"""
WITH about AS MATERIALIZED ({ENTITIES_OF_OBSERVATIONS}),
ranked AS (
    SELECT a.entity_id, h.kind, a.observation_id,
        row_number() OVER (PARTITION BY a.entity_id ORDER BY a.observation_id) AS place
    FROM about a JOIN entities h USING (entity_id) WHERE h.kind = ANY(CAST(:kinds AS text[])))
SELECT r.kind, r.entity_id AS of_id, concat_ws(E'\\n', o.title, o.text) AS body
FROM ranked r JOIN memory_observations o USING (observation_id)
WHERE r.place <= CASE WHEN r.entity_id = {_ASKED} THEN :most ELSE :others END ORDER BY 1, 2, r.place"""


@dataclass(frozen=True, slots=True)
class Seen:
    """When an entity was seen: by hour of the day in the time zone asked for, first and last (aware)."""

    hours: tuple[int, ...]
    first_at: datetime
    last_at: datetime


def related_entities(tx: Transaction, entities: Sequence[EntityId]) -> dict[EntityId, dict[str, list[Related]]]:
    """List by kind the entities that take part in the same work as each of `entities`, the most frequent first."""
    found: dict[EntityId, dict[str, list[Related]]] = defaultdict(lambda: defaultdict(list))
    for row in over_whole_sets(tx, _RELATED, {"entities": list(entities)}):
        found[EntityId(row.of_id)][row.kind].append(Related(EntityId(row.entity_id), row.name, row.works))
    return found


def contributions_of(tx: Transaction, entities: Sequence[EntityId]) -> dict[EntityId, list[Contribution]]:
    """Count by edge and type the documents that entities have to do with."""
    found: dict[EntityId, list[Contribution]] = defaultdict(list)
    for row in over_whole_sets(tx, _CONTRIBUTIONS, {"entities": list(entities)}):
        found[EntityId(row.of_id)].append(Contribution(row.edge, row.document_type, row.documents))
    return found


def owned_by(tx: Transaction, entities: Sequence[EntityId]) -> dict[EntityId, list[Related]]:
    """List the components that each of `entities` owns; one that stands for everything comes last."""
    found: dict[EntityId, list[Related]] = defaultdict(list)
    for row in over_whole_sets(tx, _OWNED, {"entities": list(entities)}):
        if row.from_kind == "component":
            found[EntityId(row.to_id)].append(Related(EntityId(row.from_id), row.from_name, 0, owns=True))
    return found


def owners_of(tx: Transaction, entities: Sequence[EntityId]) -> dict[EntityId, list[Related]]:
    """List who owns each of `entities`."""
    found: dict[EntityId, list[Related]] = defaultdict(list)
    for row in over_whole_sets(tx, _OWNED, {"entities": list(entities)}):
        found[EntityId(row.from_id)].append(Related(EntityId(row.to_id), row.to_name, 0, owns=True))
    return found


def seen_by_hour(tx: Transaction, entities: Sequence[EntityId], *, timezone: str) -> dict[EntityId, Seen]:
    """Count the observations of entities by hour of the day in an IANA time zone; those of a mere date have no hour."""
    hours: dict[EntityId, list[int]] = defaultdict(lambda: [0] * HOURS)
    spans: dict[EntityId, tuple[datetime, datetime]] = {}
    for row in over_whole_sets(tx, _HOURS, {"entities": list(entities), "timezone": timezone}):
        entity = EntityId(row.of_id)
        if row.hour is not None:
            hours[entity][row.hour] = row.observations
        first, last = spans.get(entity, (row.first_at, row.last_at))
        spans[entity] = (min(first, row.first_at), max(last, row.last_at))
    return {entity: Seen(tuple(hours[entity]), first, last) for entity, (first, last) in spans.items()}


def sample_texts(
    tx: Transaction, entities: Sequence[EntityId], *, kinds: Sequence[str], most: int, others: int
) -> dict[str, dict[EntityId, list[str]]]:
    """Read observations' texts by kind of entity and entity: the same ones each time.

    Args:
        tx: the transaction.
        entities: of whom `most` texts each are read.
        kinds: the kinds of entities whose texts are read; of all others of these, `others` texts each.
        most: texts of each of `entities`.
        others: texts of each other entity.
    """
    found: dict[str, dict[EntityId, list[str]]] = defaultdict(lambda: defaultdict(list))
    values = {"entities": list(entities), "kinds": list(kinds), "most": most, "others": others}
    for row in over_whole_sets(tx, _SAMPLES, values):
        found[row.kind][EntityId(row.of_id)].append(row.body)
    return found
