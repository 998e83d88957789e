"""The stores of one process, held together. Which implementation each is gets decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.stores.cache.protocol import Cache
from neural_memory_pipelines.stores.objects.protocol import ObjectStore
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.vectors.bulk import BulkFill
from neural_memory_pipelines.stores.vectors.protocol import VectorIndex


@dataclass(frozen=True, slots=True)
class Stores:
    """Where everything is kept.

    `environment` is a part of the names of indexes (see `domain/placement.py`); `bulk` is None where the index cannot
    be filled at once.
    """

    database: Database
    objects: ObjectStore
    vectors: VectorIndex
    cache: Cache
    environment: str = ""
    bulk: BulkFill | None = None
