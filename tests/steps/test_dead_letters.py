"""Dead letters: listed with their reasons, replayed after a fix, dropped; none is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.protocol import Source
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps import receive
from neural_memory_pipelines.steps.dead_letters import drop_dead_letters, replay_dead_letters
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.dead_letters import DeadLetter, count_causes, list_dead_letters

from .dumps import rows, statuses
from .pipeline import run_path
from .samples import envelope


def _letters(session: Session, workspace: WorkspaceId) -> list[DeadLetter]:
    with session.stores.database.transaction(workspace) as tx:
        return list_dead_letters(tx, limit=100)


def _break(patch: pytest.MonkeyPatch, fault: str) -> None:
    def parse(event: Any) -> Any:
        raise InvalidEventError(fault)

    broken = {**SOURCES, "github": Source(parse, SOURCES["github"].subject)}
    patch.setattr("neural_memory_pipelines.sources.registry.SOURCES", broken)


def test_a_replay_after_a_fix_ends_persisted(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_lines(session.stores.objects, workspace, [envelope(workspace, key="k")])
    with monkeypatch.context() as patch:
        _break(patch, "payload.issue: broken for now")
        run_path(session, workspace)
        (letter,) = _letters(session, workspace)
        assert (letter.source, letter.reason, letter.is_in_ledger) == ("github", "payload.issue: broken for now", True)
        assert statuses(session, workspace) == {"dead": 1}

        assert replay_dead_letters(workspace, [], stores=session.stores) == 1
        run_path(session, workspace)
        assert [letter.reason for letter in _letters(session, workspace)] == ["payload.issue: broken for now"]

    assert replay_dead_letters(workspace, [letter.dead_letter_id[:12]], stores=session.stores) == 1
    run_path(session, workspace)
    assert _letters(session, workspace) == []
    assert statuses(session, workspace) == {"persisted": 1}
    assert rows(session, workspace, "SELECT source_id FROM knowledge_documents") == [("acme/shop#1",)]


def test_a_line_that_could_not_be_read_is_replayed_through_the_inbox(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = envelope(workspace, key="k")
    put_lines(session.stores.objects, workspace, [line])
    with monkeypatch.context() as patch:

        def refuse(line: bytes) -> Any:
            raise InvalidEventError("the envelope has a new field")

        patch.setattr(receive, "read_envelope", refuse)
        run_path(session, workspace)
    (letter,) = _letters(session, workspace)
    assert not letter.is_in_ledger

    assert replay_dead_letters(workspace, [], stores=session.stores) == 1
    run_path(session, workspace)
    assert _letters(session, workspace) == []
    assert statuses(session, workspace) == {"persisted": 1}


def test_what_is_dropped_counts_as_skipped_and_its_bytes_stay(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_lines(session.stores.objects, workspace, [envelope(workspace, key="k"), b"no JSON"])
    _break(monkeypatch, "broken")
    run_path(session, workspace)
    with session.stores.database.transaction(workspace) as tx:
        assert sorted(cause.letters for cause in count_causes(tx)) == [1, 1]
    ids = [letter.dead_letter_id for letter in _letters(session, workspace)]
    dropped = drop_dead_letters(workspace, ids, stores=session.stores)
    assert _letters(session, workspace) == []
    settled = "SELECT status, reason FROM source_events"
    assert rows(session, workspace, settled) == [("skipped", "dropped")]
    assert len(session.stores.objects.get_many([letter.raw_key for letter in dropped])) == 2


def test_ids_are_clear_or_refused(session: Session, workspace: WorkspaceId) -> None:
    put_lines(session.stores.objects, workspace, [b"one", b"two"])
    run_path(session, workspace)
    with pytest.raises(NotFoundError, match="no dead letter 'dead_none'"):
        replay_dead_letters(workspace, ["dead_none"], stores=session.stores)
    with pytest.raises(PermanentError, match="2 dead letters begin with 'dead_'"):
        drop_dead_letters(workspace, ["dead_"], stores=session.stores)
    with pytest.raises(PermanentError, match="which dead letters"):
        drop_dead_letters(workspace, [], stores=session.stores)
