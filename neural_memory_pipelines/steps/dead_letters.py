"""Replays and drops dead letters: the way back for events that could not be processed when they came.

A replay puts an event where it failed; whether it succeeds now is seen when the workspace is built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact, redact_payload
from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.steps.inbox import inbox_prefix, put_lines
from neural_memory_pipelines.steps.lines import read_json
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import dead_letters, events
from neural_memory_pipelines.stores.postgres.dead_letters import DeadLetter
from neural_memory_pipelines.stores.postgres.engine import Transaction

_ALL = 1_000_000
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|([nrtbf"/\\]))')
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "/": "/", "\\": "\\"}


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
        unread = [letter for letter in letters if not letter.is_in_ledger]
        for letter in unread:
            if letter.raw_key not in raw:
                raise NotFoundError(f"{letter.dead_letter_id}: its bytes, {letter.raw_key}, are gone")
        put_lines(stores.objects, workspace, [raw[letter.raw_key] for letter in unread if letter.is_line])
        # An object that could not be split into lines goes back as it was: joined to others it would be another.
        for letter in unread:
            if not letter.is_line:
                name = f"{inbox_prefix(workspace)}{letter.dead_letter_id}"
                stores.objects.put_many({name: raw[letter.raw_key]})
        events.read_again(tx, [str(letter.idempotency_key) for letter in letters if letter.is_in_ledger])
    return len(letters)


def readable(data: bytes, policy: RedactionPolicy) -> str:
    """Spell the bytes of a dead letter for a person: JSON indented, other text without its escapes, all of it redacted.

    Escapes would hide from redaction what begins after them.
    """
    try:
        value = redact_payload({"line": read_json(data)}, policy)[0]["line"]
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except (InvalidEventError, RecursionError):
        text = _ESCAPE.sub(_unescaped, data.decode("utf-8", "replace"))
    # Once more, for names of fields, and for what a source would have hashed.
    return redact(text, policy).text


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _SIGNS[escape[2]]


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
