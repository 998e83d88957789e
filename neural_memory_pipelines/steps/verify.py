"""Looks whether the stores agree: each function answers one question with numbers and changes nothing.

What a bad answer leads to is decided by the caller.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres import events, families
from neural_memory_pipelines.stores.vectors.protocol import METADATA_LIMIT_BYTES

_METADATA_SAMPLE = 2_000
_NAMED_IDS = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a question was answered well, in one sentence, with the numbers behind it."""

    passed: bool
    sentence: str
    numbers: dict[str, int] = field(default_factory=dict)
    ids: tuple[str, ...] = ()


def index_parity(scope: Scope) -> Verdict:
    """Compare the index with Postgres, by count and by id."""
    with scope.stores.database.transaction(scope.workspace) as tx:
        desired = families.desired_ids(tx, scope.version, scope.family)
    indexed = scope.indexed_ids()
    counted = scope.indexed_count()
    missing, extra = sorted(desired - indexed), sorted(indexed - desired)
    return Verdict(
        passed=not missing and not extra and counted == len(desired),
        sentence=f"Postgres wants {len(desired)} vectors, the index holds {counted}: "
        f"{len(missing)} missing, {len(extra)} too many",
        numbers={"desired": len(desired), "indexed": counted, "missing": len(missing), "extra": len(extra)},
        ids=tuple([*missing, *extra][:_NAMED_IDS]),
    )


def metadata_size(scope: Scope) -> Verdict:
    """Look for vectors whose metadata is larger than an index should carry (1 KB), in up to 2,000 of them."""
    vectors = scope.stores.vectors
    sizes: dict[str, int] = {}
    for place in scope.places():
        ids = list(islice(vectors.list_ids(place.index, place.namespace), _METADATA_SAMPLE - len(sizes)))
        found = vectors.fetch_metadata(place.index, place.namespace, ids)
        sizes |= {vector: len(json.dumps(dict(value)).encode()) for vector, value in found.items()}
    large = sorted(vector for vector, size_bytes in sizes.items() if size_bytes > METADATA_LIMIT_BYTES)
    largest = max(sizes.values(), default=0)
    return Verdict(
        passed=not large,
        sentence=f"{len(large)} of {len(sizes)} vectors carry over {METADATA_LIMIT_BYTES} bytes; most: {largest}",
        numbers={"looked_at": len(sizes), "over_limit": len(large), "largest_bytes": largest},
        ids=tuple(large[:_NAMED_IDS]),
    )


def no_superseded_indexed(scope: Scope) -> Verdict:
    """Look for vectors of rows that are no longer live."""
    with scope.stores.database.transaction(scope.workspace) as tx:
        retired = families.retired_ids(tx, scope.version, scope.family)
    found = sorted(retired & scope.indexed_ids()) if retired else []
    return Verdict(
        passed=not found,
        sentence=f"{len(found)} superseded rows are still indexed",
        numbers={"superseded": len(retired), "still_indexed": len(found)},
        ids=tuple(found[:_NAMED_IDS]),
    )


def every_live_row_embedded(scope: Scope) -> Verdict:
    """Count live texts that have no vector at the version."""
    with scope.stores.database.transaction(scope.workspace) as tx:
        counts = families.family_counts(tx, scope.version, scope.family)
    return Verdict(
        passed=counts.missing_texts == 0,
        sentence=f"{counts.missing_texts} of {counts.live_texts} live texts have no embedding",
        numbers={"live_texts": counts.live_texts, "missing": counts.missing_texts},
    )


def moved_since(scope: Scope, moment: datetime) -> bool:
    """Tell whether knowledge changed after a moment: stores that differ then are late, not broken."""
    with scope.stores.database.transaction(scope.workspace) as tx:
        return events.settled_since(tx, moment) > 0
