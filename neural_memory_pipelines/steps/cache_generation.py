"""Tells whether the cache is still the one that was primed: a token lies in it for as long as it is warm.

What is primed under the token is up to the steps that prime.
"""

from __future__ import annotations

import secrets

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import caches

_GENERATION_TTL_SECONDS = 20 * 60 * 60


def generation_key(workspace: WorkspaceId) -> str:
    """Name the token that is there for as long as the cache is warm."""
    return f"cache-generation:{workspace}"


def warm_generation(workspace: WorkspaceId, *, stores: Stores) -> str:
    """Read the cache's token; if the cache lost it, everything counts as not primed and a new one begins.

    The token lives shorter than what is primed under it, so that entries are renewed before they run out.
    """
    key = generation_key(workspace)
    with stores.database.transaction(workspace) as tx:
        known = caches.generation(tx)
        held = stores.cache.get_many([key]).get(key)
        if held is not None and held == known:
            return held
        token = secrets.token_hex(8)
        stores.cache.set_many({key: token}, ttl_seconds=_GENERATION_TTL_SECONDS)
        caches.set_generation(tx, token)
    return token
