"""What only some may read is found by those alone who ask for it, and never takes the place of what all may read."""

from __future__ import annotations

from typing import Any

import pytest

from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Hit
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from tests.steps.asking import ask
from tests.steps.dumps import places_of, rows
from tests.steps.pipeline import run_path
from tests.steps.samples import envelope

_QUESTION = "Decision: the till of the northern pier is paid in coins"
_PUBLIC, _CLOSED, _DIRECT = "C0PIER", "C0SAFE", "D0ADABEN"


def _message(workspace: WorkspaceId, number: int, text: str, *, channel: str = _PUBLIC, kind: str = "channel") -> bytes:
    ts = f"{1772445600 + 60 * number}.000100"
    message = {"type": "message", "channel": channel, "channel_type": kind, "ts": ts, "user": "U1", "text": text}
    payload = {"type": "event_callback", "event_id": f"Ev{channel}{ts}", "event": message}
    return envelope(workspace, key=f"{channel} {ts}", source="slack", action="message", payload=payload)


def _turned_private(workspace: WorkspaceId, channel: str) -> bytes:
    event = {"type": "message", "subtype": "channel_convert_to_private", "channel": channel, "user": "U1", "text": "x"}
    event |= {"ts": "1772900000.000100", "event_ts": "1772900000.000100", "channel_type": "group"}
    payload = {"type": "event_callback", "event_id": f"Ev{channel}private", "event": event}
    at = "2026-03-08T00:00:00Z"
    key = f"{channel} private"
    return envelope(workspace, key=key, source="slack", action="message", occurredAt=at, payload=payload)


def _ask(session: Session, workspace: WorkspaceId, **options: Any) -> list[Hit]:
    return ask(session, workspace, _QUESTION, **options)


def _channels(hits: list[Hit]) -> set[str]:
    return {hit.source_id.partition("/")[0] for hit in hits}


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace where the same was said to all, in a private channel and between two."""
    lines = [
        _message(workspace, 1, f"{_QUESTION}."),
        _message(workspace, 2, f"{_QUESTION}, as of May.", channel=_CLOSED, kind="group"),
        _message(workspace, 3, f"{_QUESTION}, as of June.", channel=_DIRECT, kind="im"),
    ]
    put_lines(session.stores.objects, workspace, lines)
    run_path(session, workspace)
    return workspace


def test_private_threads_and_all_that_they_say_are_private(session: Session, told: WorkspaceId) -> None:
    query = "SELECT split_part(source_id, '/', 1), d.privacy, array_agg(DISTINCT o.privacy) FROM knowledge_documents d "
    query += "JOIN memory_observations o USING (document_id) GROUP BY 1, 2"
    assert set(map(repr, rows(session, told, query))) == {
        repr((_PUBLIC, "org", ["org"])),
        repr((_CLOSED, "private", ["private"])),
        repr((_DIRECT, "private", ["private"])),
    }


def test_private_threads_are_found_by_those_alone_who_ask_for_them(session: Session, told: WorkspaceId) -> None:
    assert _channels(_ask(session, told)) == {_PUBLIC}
    hits = _ask(session, told, include_private=True)
    assert _channels(hits) == {_PUBLIC, _CLOSED, _DIRECT}
    assert {hit.source_id.partition("/")[0] for hit in hits if hit.privacy == Privacy.PRIVATE} == {_CLOSED, _DIRECT}


@pytest.mark.parametrize("family", [Family.CHUNKS, Family.OBSERVATIONS])
def test_the_index_knows_who_may_read_a_vector(session: Session, told: WorkspaceId, family: Family) -> None:
    (place,) = places_of(session, told, family)
    ids = list(session.stores.vectors.list_ids(place.index, place.namespace))
    metadata = session.stores.vectors.fetch_metadata(place.index, place.namespace, ids)
    privacy = {
        str(row[0]): row[1] for row in rows(session, told, "SELECT document_id, privacy FROM knowledge_documents")
    }
    assert ids
    assert {value["privacy"] for value in metadata.values()} == {"org", "private"}
    assert all(value["privacy"] == privacy[str(value["document_id"])] for value in metadata.values())


def test_a_channel_that_turned_private_is_hidden_at_once_and_in_the_index_after_the_next_run(
    session: Session, told: WorkspaceId
) -> None:
    put_lines(session.stores.objects, told, [_turned_private(told, _PUBLIC)])
    _persist_only(session, told)
    assert _ask(session, told) == []
    assert _channels(_ask(session, told, include_private=True)) == {_PUBLIC, _CLOSED, _DIRECT}

    run_path(session, told)
    version = session.active_version(told)
    for family in Family:
        where = {"privacy": "org"}
        vector = session.embedder(version).embed([_QUESTION], role="search_query")[0]  # type: ignore[arg-type]
        for place in places_of(session, told, family):
            assert session.stores.vectors.query(place.index, place.namespace, vector, top_k=50, where=where) == []


@pytest.mark.parametrize("is_indexed", [True, False], ids=["indexed", "not indexed since"])
def test_as_many_hits_come_back_however_many_private_ones_are_nearer(
    session: Session, workspace: WorkspaceId, is_indexed: bool
) -> None:
    # More than are asked of the index at first: each has a chunk and the views of its decision.
    near = [_message(workspace, n, f"{_QUESTION}, {n}.", channel=_CLOSED) for n in range(1, 101)]
    far = [
        _message(workspace, n, f"Decision: berth {n} is free on Mondays, for boats of the museum.") for n in (1, 2, 3)
    ]
    put_lines(session.stores.objects, workspace, [*near, *far])
    run_path(session, workspace)
    assert _channels(_ask(session, workspace, limit=3)) == {_CLOSED}

    put_lines(session.stores.objects, workspace, [_turned_private(workspace, _CLOSED)])
    if is_indexed:
        run_path(session, workspace)
    else:
        _persist_only(session, workspace)
    hits = _ask(session, workspace, limit=3)
    assert len(hits) == 3
    assert _channels(hits) == {_PUBLIC}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def _persist_only(session: Session, workspace: WorkspaceId) -> None:
    version = session.active_version(workspace)
    receive_events(workspace, stores=session.stores, new_workspace_version=version, organization_id="org")
    persist_pending(workspace, stores=session.stores, version=version, load_embedder=lambda: session.embedder(version))
