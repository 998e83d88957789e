"""Replays and drops dead letters: the way back for events that could not be processed when they came.

A replay puts an event where it failed; whether it succeeds now is seen when the workspace is built.
"""

from __future__ import annotations

from collections.abc import Sequence

from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import dead_letters, events
from neural_memory_pipelines.stores.postgres.dead_letters import DeadLetter
from neural_memory_pipelines.stores.postgres.engine import Transaction

_ALL = 1_000_000


def choose(tx: Transaction, prefixes: Sequence[str]) -> list[DeadLetter]:
    """Find the dead letters that a person names by the beginnings of their ids; none named means all.

    Raises:
        NotFoundError: a beginning fits no dead letter.
        PermanentError: it fits several.
    """
    if not prefixes:
        return dead_letters.list_dead_letters(tx, limit=_ALL)
    found = dead_letters.find_dead_letters(tx, prefixes)
    for prefix in prefixes:
        fitting = sum(letter.dead_letter_id.startswith(prefix) for letter in found)
        if not fitting:
            raise NotFoundError(f"there is no dead letter {prefix!r}: `dead-letters list` shows their ids")
        if fitting > 1:
            raise PermanentError(f"{fitting} dead letters begin with {prefix!r}: give more of the id")
    return found


def replay_dead_letters(workspace: WorkspaceId, prefixes: Sequence[str], *, stores: Stores) -> int:
    """Have dead letters processed again by the next build: those of the ledger become pending, others go to the inbox.

    Returns:
        How many there are.

    Raises:
        NotFoundError: there is none of this id, or its bytes are gone.
        PermanentError: an id is not clear.
    """
    with stores.database.transaction(workspace) as tx:
        letters = choose(tx, prefixes)
        raw = stores.objects.get_many([letter.raw_key for letter in letters if not letter.is_in_ledger])
        lines = []
        for letter in letters:
            if letter.is_in_ledger:
                continue
            if letter.raw_key not in raw:
                raise NotFoundError(f"{letter.dead_letter_id}: its bytes, {letter.raw_key}, are gone")
            lines.append(raw[letter.raw_key])
        put_lines(stores.objects, workspace, lines)
        events.read_again(tx, [str(letter.idempotency_key) for letter in letters if letter.is_in_ledger])
    return len(letters)


def drop_dead_letters(workspace: WorkspaceId, prefixes: Sequence[str], *, stores: Stores) -> list[DeadLetter]:
    """Give dead letters up: they leave the list, and their events count as skipped. Their bytes stay where they are.

    Returns:
        The letters that were dropped.

    Raises:
        NotFoundError: there is none of this id.
        PermanentError: an id is not clear, or none is given: all at once are not dropped.
    """
    if not prefixes:
        raise PermanentError("which dead letters? Give the ids that `dead-letters list` shows")
    with stores.database.transaction(workspace) as tx:
        letters = choose(tx, prefixes)
        keys = [str(letter.idempotency_key) for letter in letters if letter.is_in_ledger]
        dead_letters.skip_events(tx, keys, reason=str(SkipReason.DROPPED))
        dead_letters.take_off(tx, [letter.dead_letter_id for letter in letters])
    return letters
