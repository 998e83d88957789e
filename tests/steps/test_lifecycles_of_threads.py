"""Lives of threads: rooms that change their name or turn private, and threads that turn trivial again."""

from __future__ import annotations

import json

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps import assemble
from neural_memory_pipelines.steps.inbox import put_lines

from .dumps import cache_keys, indexed_ids, rows
from .life_events import a_life, a_part, a_room, lines_of, memory_of
from .memory_state import difference
from .pipeline import run_path

pytestmark = pytest.mark.usefixtures("scripted_source")


def test_many_threads_of_a_room_are_told_of_it_by_events_that_are_read_again(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = [(f"m{n}", n, a_part(f"r/{n}", "m", n, f"Words {n} of weight.")) for n in range(9)]
    changed = [("room", 9, a_room(9, room="pier", privacy="private"))]
    expected = memory_of(session, workspace, life, changed)
    monkeypatch.setattr(assemble, "_DOCUMENTS_AT_ONCE", 2)
    other = WorkspaceId(f"{workspace}-again")
    assert difference(expected, memory_of(session, other, life, changed)) == {}
    assert {row[0] for row in rows(session, other, "SELECT privacy FROM knowledge_documents")} == {"private"}


def test_a_thread_whose_room_turns_private_is_private_everywhere(session: Session, workspace: WorkspaceId) -> None:
    put_lines(session.stores.objects, workspace, lines_of(workspace, a_life(a_part("r/1", "m", 1, "Words of weight."))))
    run_path(session, workspace)
    put_lines(session.stores.objects, workspace, lines_of(workspace, [("room", 2, a_room(2, privacy="private"))]))
    run_path(session, workspace)
    (cached,) = (json.loads(value) for key, value in cache_keys(session, workspace).items() if "document:" in key)
    assert cached["privacy"] == "private"


def test_a_thread_that_is_trivial_again_is_gone_everywhere(session: Session, workspace: WorkspaceId) -> None:
    life = a_life(a_part("r/1", "m", 1, "Words of weight."), a_part("r/1", "m", 2, "~ok"))
    for event in life:
        put_lines(session.stores.objects, workspace, lines_of(workspace, [event]))
        run_path(session, workspace)
    assert rows(session, workspace, "SELECT source_id FROM knowledge_documents") == []
    assert not any(indexed_ids(session, workspace, family) for family in Family)
    assert not [key for key in cache_keys(session, workspace) if not key.startswith("cache-generation:")]
