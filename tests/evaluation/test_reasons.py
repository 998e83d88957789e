"""Each new version of a document is a reason to evaluate, written in the transaction that persists it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.stores.postgres import eval_events
from neural_memory_pipelines.stores.postgres.eval_events import EvalEvent, consume, put_events, waiting, waiting_ids
from tests.steps.dumps import rows, statuses
from tests.steps.pipeline import run_path
from tests.steps.samples import guide, write_docs

from .memories import NOW, TOPICS, Memory

_PAGES = [f"{topic}.md" for topic in TOPICS]


def test_a_new_version_is_a_reason_and_an_unchanged_document_is_none(memory: Memory) -> None:
    assert memory.events() == [(page, 1, None) for page in _PAGES]
    memory.tell(*TOPICS)
    assert len(memory.events()) == 4
    write_docs(memory.folder, {"anchors.md": guide("anchors", title="Handbook of the anchors")})
    ingest_docs(memory.folder, workspace=memory.workspace, organization_id="org", objects=memory.session.stores.objects)
    run_path(memory.session, memory.workspace)
    # One page is changed, three are gone: a deletion is a version too.
    assert memory.events() == sorted([(page, version, None) for page in _PAGES for version in (1, 2)], key=repr)


def test_events_read_again_give_no_reason(memory: Memory) -> None:
    with memory.session.stores.database.transaction(memory.workspace) as tx:
        tx.connection.exec_driver_sql("DELETE FROM eval_events")
        tx.connection.exec_driver_sql("UPDATE source_events SET status = 'pending'")
    run_path(memory.session, memory.workspace)
    assert statuses(memory.session, memory.workspace) == {"unchanged": 4}
    assert memory.events() == []


def test_reasons_fall_with_the_transaction_of_their_documents(
    session: Session, workspace: WorkspaceId, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = memory.events()

    def failing(*_: Any) -> int:
        raise RuntimeError("the power is out")

    with monkeypatch.context() as patch:
        patch.setattr(eval_events, "put_events", failing)
        with pytest.raises(RuntimeError, match="the power is out"):
            memory.tell(*TOPICS, "engines")
    assert memory.events() == before
    assert rows(session, workspace, "SELECT count(*) FROM knowledge_documents") == [(4,)]
    run_path(session, workspace)
    assert len(memory.events()) == len(before) + 1


def test_many_documents_are_one_statement_a_transaction(memory: Memory) -> None:
    statements: list[str] = []

    def noted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = memory.session.stores.database.engine
    event.listen(engine, "before_cursor_execute", noted)
    try:
        memory.tell(*TOPICS, "engines", "ferries", "gangways", "harbours")
    finally:
        event.remove(engine, "before_cursor_execute", noted)
    assert len(memory.events()) == 8
    inserts = [statement for statement in statements if "INSERT INTO eval_events" in statement]
    assert len(inserts) == 1


def test_what_waits_is_listed_over_all_workspaces_in_one_query(session: Session, workspace: WorkspaceId) -> None:
    others = [WorkspaceId(f"{workspace}-{number}") for number in range(3)]
    for number, other in enumerate(others):
        with session.stores.database.transaction(other) as tx:
            events = [EvalEvent(f"evt_{key}", Suite.NIGHTLY, {"key": key}) for key in range(number + 1)]
            assert put_events(tx, events) == number + 1
            assert put_events(tx, events) == 0
    with session.stores.database.transaction(others[1]) as tx:
        assert consume(tx, ["evt_0", "evt_1", "evt_9"], run_id="run", now=NOW) == [{"key": 1}, {"key": 0}]
        assert consume(tx, ["evt_0"], run_id="other", now=NOW) == []
        assert waiting_ids(tx, Suite.NIGHTLY) == []
    statements: list[str] = []

    def noted(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = session.stores.database.engine
    event.listen(engine, "before_cursor_execute", noted)
    try:
        found = {it.workspace: (it.suite, it.events) for it in waiting(session.stores.database)}
    finally:
        event.remove(engine, "before_cursor_execute", noted)
    assert len([statement for statement in statements if "eval_events" in statement]) == 1
    assert {name: found.get(name) for name in others} == {
        others[0]: (Suite.NIGHTLY, 1),
        others[1]: None,
        others[2]: (Suite.NIGHTLY, 3),
    }
