"""Which event wins, what becomes of bad ones, and that each is accounted for."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import PersistReport, persist_pending
from neural_memory_pipelines.steps.receive import receive_events

from .dumps import dump, rows, statuses
from .pipeline import PathReport, run_path
from .samples import envelope, issue, issue_comment, page_event, prose

DOCUMENT = "SELECT title, version, deleted_at IS NOT NULL FROM knowledge_documents WHERE source_id = :source_id"
DEAD = "SELECT idempotency_key, reason, raw_key FROM dead_letters ORDER BY idempotency_key"
EARLY, LATE, LATEST = "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z", "2026-03-04T10:00:00Z"


def _run(session: Session, workspace: WorkspaceId, lines: Sequence[bytes]) -> PathReport:
    put_lines(session.stores.objects, workspace, lines)
    return run_path(session, workspace)


def _issue_event(workspace: WorkspaceId, updated: str, **fields: object) -> bytes:
    payload = {**issue(1, updated=updated), "title": f"As of {updated}"}
    return envelope(workspace, key=f"issue-{updated}", occurredAt=LATEST, payload=payload, **fields)


@pytest.mark.parametrize("runs", [1, 2], ids=["in one run", "in two runs"])
def test_an_older_event_never_overwrites_a_newer_state(session: Session, workspace: WorkspaceId, runs: int) -> None:
    lines = [_issue_event(workspace, LATE), _issue_event(workspace, EARLY)]
    for part in [lines] if runs == 1 else [lines[:1], lines[1:]]:
        _run(session, workspace, part)
    assert rows(session, workspace, DOCUMENT, source_id="acme/shop#1") == [(f"As of {LATE}", 2, False)]
    settled = "SELECT status, reason FROM source_events WHERE idempotency_key = :key"
    assert rows(session, workspace, settled, key=f"issue-{EARLY}") == [("skipped", "superseded")]
    assert rows(session, workspace, settled, key=f"issue-{LATE}") == [("persisted", None)]


def test_the_same_content_seen_again_later_makes_what_lies_between_outdated(
    session: Session, workspace: WorkspaceId
) -> None:
    def page(key: str, content: str, at: str) -> bytes:
        return page_event(workspace, key=key, path="a.md", content=content, at=at)

    _run(session, workspace, [page("first", "# One", EARLY), page("again", "# One", LATEST)])
    _run(session, workspace, [page("between", "# Two", LATE)])
    assert rows(session, workspace, DOCUMENT, source_id="handbook/a.md") == [("One", 3, False)]
    assert statuses(session, workspace) == {"persisted": 1, "unchanged": 1, "skipped": 1}


def test_a_known_idempotency_key_is_the_same_event(session: Session, workspace: WorkspaceId) -> None:
    first = _run(session, workspace, [envelope(workspace, key="k"), envelope(workspace, key="k")])
    other = envelope(workspace, key="k", payload={**issue(1, updated=LATEST), "title": "Another"})
    second = _run(session, workspace, [other])
    assert (first.received.written, first.received.unchanged) == (1, 1)
    assert (second.received.written, second.received.unchanged, second.work) == (0, 1, 0)
    assert rows(session, workspace, DOCUMENT, source_id="acme/shop#1") == [("Carts vanish at midnight (1)", 1, False)]


@pytest.mark.parametrize("runs", [1, 2], ids=["in one run", "in two runs"])
def test_a_deletion_that_arrives_before_an_older_creation_wins(
    session: Session, workspace: WorkspaceId, runs: int
) -> None:
    deleted = issue_comment(2, 22, action="deleted", updated=LATE)
    created = issue_comment(2, 22, updated=EARLY)
    fields = {"occurredAt": LATE}
    lines = [
        envelope(workspace, key="deleted", action="issue_comment.deleted", payload=deleted, **fields),
        envelope(workspace, key="created", action="issue_comment.created", payload=created, **fields),
    ]
    for part in [lines] if runs == 1 else [lines[:1], lines[1:]]:
        _run(session, workspace, part)
    source_id = "acme/shop#2/comment/22"
    assert rows(session, workspace, DOCUMENT, source_id=source_id) == [("", 2, True)]
    live = "SELECT count(*) FROM memory_observations WHERE text LIKE '%kept for a week%' AND superseded_at IS NULL"
    assert rows(session, workspace, live) == [(0,)]


def test_every_order_of_arrival_ends_in_the_same_state(session: Session, workspace: WorkspaceId) -> None:
    moments = [f"2026-03-0{day}T10:00:00Z" for day in range(1, 8)]
    lines = [
        page_event(workspace, key=at, path="a.md", content=None if day % 3 == 2 else f"# Day {day}", at=at)
        for day, at in enumerate(moments)
    ]
    for seed in range(4):
        shuffled = random.Random(seed).sample(lines, len(lines))
        renamed = [
            line.replace(b"a.md", b"%d.md" % seed).replace(b'Key": "', b'Key": "%d-' % seed) for line in shuffled
        ]
        _run(session, workspace, renamed[:3])
        _run(session, workspace, renamed[3:])
    ends = rows(session, workspace, "SELECT title, deleted_at FROM knowledge_documents ORDER BY source_id")
    assert ends == [("Day 6", None)] * 4


def _persist(session: Session, workspace: WorkspaceId, lines: Sequence[bytes], embedder: Embedder) -> PersistReport:
    put_lines(session.stores.objects, workspace, lines)
    version = session.new_workspace_version
    receive_events(workspace, stores=session.stores, new_workspace_version=version, organization_id="org")
    progress: list[int] = []
    totals: list[int | None] = []

    def on_progress(done: int, *, total: int | None = None) -> None:
        progress.append(done)
        totals.append(total)

    report = persist_pending(
        workspace, stores=session.stores, version=version, load_embedder=lambda: embedder, on_progress=on_progress
    )
    assert sum(progress) == totals[0] == report.events.seen == len(lines)
    return report


@pytest.mark.parametrize("positions", [(0,), (40,), (63, 64), (150,)], ids=str)
def test_a_value_that_postgres_refuses_buries_its_event_alone(
    session: Session, workspace: WorkspaceId, positions: tuple[int, ...]
) -> None:
    lines = [page_event(workspace, key=f"{n:03}", path=f"{n}.md", content=f"# Page {n}") for n in range(150)]
    refused = {}
    for position in positions:
        # No index of Postgres takes a name of 4,000 characters that cannot be compressed.
        path = "/".join(f"{random.Random(position + part).getrandbits(800):x}" for part in range(0, 2_000, 100))
        refused[f"refused-{position}"] = page_event(workspace, key=f"refused-{position}", path=path, content="# A")
        lines.insert(position, refused[f"refused-{position}"])
    report = _persist(session, workspace, lines, session.embedder(session.new_workspace_version))

    assert (report.events.written, report.events.failed) == (150, len(positions))
    assert statuses(session, workspace) == {"persisted": 150, "dead": len(positions)}
    dead = rows(session, workspace, DEAD)
    assert [key for key, *_ in dead] == sorted(refused)
    for key, reason, raw_key in dead:
        assert "cannot hold a value: index row size" in reason
        assert session.stores.objects.get(raw_key) == refused[key]
    assert rows(session, workspace, "SELECT count(*) FROM knowledge_documents") == [(150,)]


def test_each_bad_event_is_a_dead_letter_and_all_else_goes_on(session: Session, workspace: WorkspaceId) -> None:
    bad = {
        "no JSON": b'{"workspaceId": ',
        "no object": b'["an", "array"]',
        "no UTF-8": b'{"workspaceId": "\xff"}',
        "too deep": b'{"a":' + b"[" * 100_000,
        "no key": envelope(workspace, key=""),
        "unknown source": envelope(workspace, key="unknown", source="fax"),
        "other workspace": envelope(WorkspaceId("elsewhere"), key="elsewhere"),
        "before time": envelope(workspace, key="before", occurredAt="0001-01-01T00:00:00+05:00"),
        "after time": envelope(workspace, key="after", occurredAt="9999-12-31T23:59:59-05:00"),
        "bad payload": envelope(workspace, key="payload", payload={**issue(3), "title": None}),
        "bad time": page_event(workspace, key="time", path="t.md", content="# T", at=EARLY).replace(b"02-01", b"99-99"),
    }
    good = [envelope(workspace, key=f"good-{n}", payload=issue(n)) for n in range(1, 4)]
    skipped = [envelope(workspace, key="skipped\0", action="watch\0.started", payload={})]
    report = _run(session, workspace, [*good[:2], *bad.values(), *skipped, *good[2:]])

    dead = rows(session, workspace, DEAD)
    assert len(dead) == len(bad)
    assert all(reason for _, reason, _ in dead)
    raw = session.stores.objects.get_many([raw_key for *_, raw_key in dead])
    assert sorted(raw.values()) == sorted(bad.values())
    reasons = {key: reason for key, reason, _ in dead if key}
    assert "expected one of docs, github" in reasons["unknown"]
    assert "lies in the inbox of" in reasons["elsewhere"]
    assert reasons["payload"].startswith("payload.title: expected a string")
    assert "occurredAt" in reasons["before"]
    assert "occurredAt" in reasons["after"]

    received, settled = report.received, report.persisted.events
    assert (received.written, received.failed) == (6, 9)
    assert statuses(session, workspace) == {"persisted": 3, "skipped": 1, "dead": 2}
    assert (settled.seen, settled.written, settled.skipped, settled.failed) == (6, 3, 1, 2)
    assert dump(session, workspace)["inbox"] == []
    assert _run(session, workspace, []).work == 0


def test_a_raw_artifact_that_is_lost_is_a_dead_letter(session: Session, workspace: WorkspaceId) -> None:
    put_lines(
        session.stores.objects,
        workspace,
        [envelope(workspace, key="lost"), envelope(workspace, key="kept", payload=issue(2))],
    )
    version = session.new_workspace_version
    receive_events(workspace, stores=session.stores, new_workspace_version=version, organization_id="org")
    ((raw_key,),) = rows(session, workspace, "SELECT raw_key FROM source_events WHERE idempotency_key = 'lost'")
    session.stores.objects.delete(raw_key)
    run_path(session, workspace)
    assert statuses(session, workspace) == {"persisted": 1, "dead": 1}
    ((key, reason, dead_key),) = rows(session, workspace, DEAD)
    assert (key, dead_key) == ("lost", raw_key)
    assert reason.endswith("is missing from the object store")


def test_a_document_that_cannot_be_hashed_stops_no_other(session: Session, workspace: WorkspaceId) -> None:
    unspeakable = f"---\nweight: 0x{'f' * 9_000}\n---\n# A number that Python refuses to spell\n"
    lines = [page_event(workspace, key="stone", path="stone.md", content=unspeakable)]
    _run(session, workspace, [*lines, envelope(workspace, key="road")])
    assert sum(statuses(session, workspace).values()) == 2
    assert rows(session, workspace, DOCUMENT, source_id="acme/shop#1") != []


def test_a_parser_that_trips_over_an_event_stops_no_other(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = SOURCES["github"]

    def parse(event: SourceEvent) -> Changes | Skip:
        if event.idempotency_key == "stone":
            raise ZeroDivisionError("a stone \0 \ud800")
        return github.parse(event)

    monkeypatch.setitem(SOURCES, "github", replace(github, parse=parse))
    _run(session, workspace, [envelope(workspace, key="stone"), envelope(workspace, key="road", payload=issue(2))])
    assert statuses(session, workspace) == {"persisted": 1, "dead": 1}
    ((key, reason, _),) = rows(session, workspace, DEAD)
    assert (key, reason) == ("stone", "the github parser failed: ZeroDivisionError: a stone \ufffd \ufffd")


@pytest.mark.parametrize("spelling", ["escapes", "bytes"])
def test_what_no_database_stores_becomes_a_replacement_character(
    session: Session, workspace: WorkspaceId, spelling: str
) -> None:
    odd = "nul \0 half \ud83d. pair \U0001f6a2 and the letters \\u0000"
    page = page_event(
        workspace, key=f"key {odd}", path=f"{odd[6:]}.md", content=f"# {odd}\n\n## Decision\n\n{odd} {prose('x')}"
    )
    issue_line = envelope(workspace, key="issue", payload={**issue(1, body=odd), "milestone": {"title": odd}})
    lines = [page, issue_line]
    if spelling == "bytes":
        lines = [json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "surrogatepass") for line in lines]
    _run(session, workspace, lines)

    mended = "nul \ufffd half \ufffd. pair \U0001f6a2 and the letters \\u0000"
    assert statuses(session, workspace) == {"persisted": 2}
    found = rows(session, workspace, "SELECT title, source_id FROM knowledge_documents WHERE source = 'docs'")
    assert found == [(mended, f"handbook/{mended[6:]}.md")]
    milestone = "SELECT metadata_json ->> 'milestone' FROM knowledge_documents WHERE source = 'github'"
    assert rows(session, workspace, milestone) == [(mended,)]
    chunks = rows(session, workspace, "SELECT text FROM knowledge_chunks WHERE text LIKE '%nul%'")
    assert len(chunks) >= 2
    assert all(mended in body for (body,) in chunks)
    observations = rows(session, workspace, "SELECT text FROM memory_observations WHERE text LIKE '%nul%'")
    assert any(mended in body for (body,) in observations)
    lineage = "SELECT lineage_json ->> 'event' FROM knowledge_documents"
    assert set(rows(session, workspace, lineage)) == {(f"key {mended}",), ("issue",)}
