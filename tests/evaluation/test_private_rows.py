"""Evaluation asks as anybody in the organization may: nothing private is asked, shown or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import ExpectedSource, Question
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from tests.steps.holdings import found_in, holdings
from tests.steps.pipeline import run_path
from tests.steps.samples import envelope

from .memories import Memory

_SAID = "Decision: the till of the northern pier is paid in coins"
_PUBLIC, _CLOSED, _DIRECT = "C0PIER", "C0SAFE", "D0ADABEN"
_SECRET = "as of the secret May"


def _message(workspace: WorkspaceId, number: int, text: str, *, channel: str, kind: str) -> bytes:
    ts = f"{1772445600 + 60 * number}.000100"
    message = {"type": "message", "channel": channel, "channel_type": kind, "ts": ts, "user": "U1", "text": text}
    payload = {"type": "event_callback", "event_id": f"Ev{channel}{ts}", "event": message}
    return envelope(workspace, key=f"{channel} {ts}", source="slack", action="message", payload=payload)


@pytest.fixture
def told(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Memory:
    """A workspace where the same was said to all, in a private channel and between two."""
    lines = [
        _message(workspace, 1, f"{_SAID}.", channel=_PUBLIC, kind="channel"),
        _message(workspace, 2, f"{_SAID}, {_SECRET}.", channel=_CLOSED, kind="group"),
        _message(workspace, 3, f"{_SAID}, {_SECRET} again.", channel=_DIRECT, kind="im"),
    ]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return Memory(session, workspace, tmp_path)


def _source_ids(memory: Memory) -> dict[str, str]:
    return dict(memory.ask("SELECT split_part(source_id, '/', 1), source_id FROM knowledge_documents"))


def test_private_answers_are_not_shown_and_not_kept(told: Memory) -> None:
    by_channel = _source_ids(told)
    assert set(by_channel) == {_PUBLIC, _CLOSED, _DIRECT}
    told.keep(*(Question(name, _SAID, (ExpectedSource("slack", key),)) for name, key in by_channel.items()))
    done = told.evaluate("run")
    assert done.run is not None
    places = {it.question_id: it.place for it in done.run.results}
    assert places == {_PUBLIC: 1, _CLOSED: None, _DIRECT: None}
    assert {hit.source_id for it in done.run.results for hit in it.hits} == {by_channel[_PUBLIC]}
    hits = told.ask("SELECT DISTINCT hits::text FROM eval_results")
    assert all(_CLOSED not in kept and _DIRECT not in kept for (kept,) in hits)


def test_titles_of_private_documents_are_no_questions(told: Memory) -> None:
    done = told.evaluate("run")
    assert done.run is not None
    assert [it.expects for it in done.run.results] == [(ExpectedSource("slack", _source_ids(told)[_PUBLIC]),)]
    kept = {place: text for place, text in holdings(told.session, told.workspace).items() if place.startswith("eval_")}
    assert set(kept) >= {"eval_runs", "eval_results", "eval_events"}
    assert found_in(kept, [_SECRET]) == {}
