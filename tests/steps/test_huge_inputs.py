"""Huge and odd inputs through the pipeline: handled, or refused with a clear reason, and found from their far end."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.chunking import ChunkDraft, chunk_text
from neural_memory_pipelines.domain.documents import Changes, storable
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact_payload
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps import receive
from neural_memory_pipelines.steps.file_text import TEXT_LIMIT_BYTES
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.lines import read_envelope
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.rows import headed_body

from .asking import ask
from .dumps import rows, statuses
from .odd_texts import FAR_WORDS, TEXTS, far_sentence, prose_of
from .pipeline import run_path
from .samples import envelope, issue, page_event

# Against hanging alone: each takes seconds.
pytestmark = pytest.mark.timeout(180)

CHUNKS = (
    "SELECT c.text, c.token_count FROM knowledge_chunks c JOIN knowledge_documents d USING (document_id) "
    "WHERE d.source_id = :source_id AND c.superseded_at IS NULL ORDER BY c.chunk_index"
)
REASONS = "SELECT status, reason FROM source_events UNION ALL SELECT 'dead letter', reason FROM dead_letters ORDER BY 1"
_numbers = itertools.count(1)


def _page(workspace: WorkspaceId, name: str) -> bytes:
    content = f"{TEXTS[name]()}\n\n{far_sentence(name)}\n"
    return page_event(workspace, key=name, path=f"{name}.md", content=content)


def _persist(session: Session, workspace: WorkspaceId, *lines: bytes) -> None:
    version, stores = session.new_workspace_version, session.stores
    put_lines(stores.objects, workspace, lines)
    receive_events(workspace, stores=stores, new_workspace_version=version, organization_id="org")
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.embedder(version))


def _expected_chunks(session: Session, line: bytes) -> tuple[str, tuple[ChunkDraft, ...]]:
    """Cut what a line says by the pure functions alone: the text, and its chunks."""
    event = read_envelope(line)
    payload, _ = redact_payload(event.payload, RedactionPolicy.ALL)
    says = source_named(event.source).parse(replace(event, payload=payload))
    assert isinstance(says, Changes)
    version = session.new_workspace_version
    text = storable(headed_body(says.drafts[0])[0])
    return text, chunk_text(text, version.chunking, session.embedder(version).count_tokens)


def _check_chunks(session: Session, workspace: WorkspaceId, line: bytes, *, source_id: str) -> None:
    """No chunk is above what the model reads; the spans follow each other and rebuild the text."""
    text, chunks = _expected_chunks(session, line)
    assert "".join(text[chunk.start_char : chunk.end_char] for chunk in chunks) == text
    assert all(one.end_char == other.start_char for one, other in pairwise(chunks))
    stored = rows(session, workspace, CHUNKS, source_id=source_id)
    assert stored == [(storable(chunk.text), chunk.token_count) for chunk in chunks]
    version = session.new_workspace_version
    limit = min(version.chunking.max_tokens, session.embedder(version).max_tokens)
    assert max(tokens for _, tokens in stored) <= limit


@pytest.fixture(scope="module")
def built(session: Session) -> WorkspaceId:
    """A workspace that holds all odd texts, built in one run."""
    workspace = WorkspaceId(f"odd-{os.getpid()}")
    put_lines(session.stores.objects, workspace, (_page(workspace, name) for name in TEXTS))
    run_path(session, workspace)
    return workspace


@pytest.mark.parametrize("name", TEXTS)
def test_an_odd_text_is_kept_whole_and_found_by_its_far_end(session: Session, built: WorkspaceId, name: str) -> None:
    told = rows(session, built, "SELECT status, reason FROM source_events WHERE idempotency_key = :key", key=name)
    assert told == [("persisted", None)]
    _check_chunks(session, built, _page(built, name), source_id=f"handbook/{name}.md")

    found = ask(session, built, far_sentence(name), limit=1)
    assert [hit.source_id for hit in found] == [f"handbook/{name}.md"]
    assert FAR_WORDS[name] in found[0].text


def test_an_issue_of_ten_megabytes(session: Session, workspace: WorkspaceId) -> None:
    part = prose_of(1024 * 1024)
    body = "\n\n".join(f"## Part {number}\n\n{part}" for number in range(11)) + "\n\nThe quillfeather is kept here."
    line = envelope(workspace, key="huge", payload=issue(1, body=body))
    assert len(line) > 10 * 1024 * 1024
    _persist(session, workspace, line)
    assert rows(session, workspace, REASONS) == [("persisted", None)]
    ((chunks, most_tokens, found),) = rows(
        session,
        workspace,
        "SELECT count(*), max(token_count), count(*) FILTER (WHERE search @@ plainto_tsquery('quillfeather')) "
        "FROM knowledge_chunks",
    )
    assert chunks > 10_000
    assert most_tokens <= session.new_workspace_version.chunking.max_tokens
    assert found == 1


def test_a_log_of_a_hundred_thousand_lines_with_times_and_numbers(session: Session, workspace: WorkspaceId) -> None:
    log = "\n".join(
        f"2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}.{n:06}Z berth {n * 7919} took 0.{n:06} s" for n in range(100_000)
    )
    line = page_event(workspace, key="log", path="log.txt", content=log)
    _persist(session, workspace, line)
    assert rows(session, workspace, REASONS) == [("persisted", None)]
    _check_chunks(session, workspace, line, source_id="handbook/log.txt")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param("Carts\x00vanish", "Carts\ufffdvanish", id="NUL"),
        pytest.param("Carts \ud83d vanish", "Carts \ufffd vanish", id="a lone surrogate"),
        pytest.param("Carts \udc00\ud800 vanish", "Carts \ufffd\ufffd vanish", id="surrogates in the wrong order"),
    ],
)
def test_what_no_database_keeps_becomes_a_replacement_character(
    session: Session, workspace: WorkspaceId, body: str, kept: str
) -> None:
    _persist(session, workspace, envelope(workspace, key="odd", payload=issue(1, body=body)))
    assert rows(session, workspace, REASONS) == [("persisted", None)]
    ((text, _),) = rows(session, workspace, CHUNKS, source_id="acme/shop#1")
    assert text.endswith(kept)


def test_a_body_of_comments_alone_is_kept_with_its_title(session: Session, workspace: WorkspaceId) -> None:
    body = "<!-- Describe the problem. -->\n" * 3
    _persist(session, workspace, envelope(workspace, key="template", payload=issue(1, body=body)))
    assert rows(session, workspace, REASONS) == [("persisted", None)]
    ((text, _),) = rows(session, workspace, CHUNKS, source_id="acme/shop#1")
    assert "Carts vanish at midnight" in text
    shown = rows(session, workspace, "SELECT coalesce(summary, '') FROM memory_observations")
    assert not any("Describe the problem" in summary for (summary,) in shown)


def _broken_lines(workspace: WorkspaceId) -> Iterator[tuple[str, bytes, str]]:
    """Lines that no event can be read from, by what is wrong with them, with the words that say so."""
    good = envelope(workspace, key="broken")
    yield "not UTF-8", good.replace(b"nightly", b"nightl\xff"), "UTF-8"
    yield "an overlong NUL", good.replace(b"nightly", b"nightl\xc0\x80"), "UTF-8"
    yield "a NUL byte", good.replace(b"nightly", b"nightl\x00"), "control character"
    nested = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "nested", good.replace(b'"The nightly job empties them."', nested), "recursion"
    yield "cut short", good[:-20], "EOF"


@pytest.mark.parametrize("fault", [name for name, *_ in _broken_lines(WorkspaceId("any"))])
def test_a_line_that_cannot_be_read_is_dead_with_its_reason_and_the_next_goes_on(
    session: Session, workspace: WorkspaceId, fault: str
) -> None:
    line, words = next((line, words) for name, line, words in _broken_lines(workspace) if name == fault)
    _persist(session, workspace, line, envelope(workspace, key="good", payload=issue(2)))
    (dead, persisted) = rows(session, workspace, REASONS)
    assert (dead[0], persisted) == ("dead letter", ("persisted", None))
    assert words in dead[1]


def test_an_event_that_is_too_large_is_dead_with_its_reason(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "EVENT_LIMIT_BYTES", 2_000)
    large = envelope(workspace, key="large", payload=issue(1, body="x" * 2_000))
    _persist(session, workspace, large, envelope(workspace, key="small", payload=issue(2)))
    assert rows(session, workspace, REASONS) == [
        ("dead letter", f"{len(large):,} bytes are more than the 2,000 that one event may have: send it in parts"),
        ("persisted", None),
    ]


def test_values_at_the_edge_of_json_stop_no_other_event(session: Session, workspace: WorkspaceId) -> None:
    odd = {
        "deep": {**issue(2), "reactions": json.loads("[" * 150 + "]" * 150)},
        "long title": {**issue(3), "title": "x" * 1_000_000},
        "many labels": {**issue(4), "labels": [{"name": f"label {n}"} for n in range(20_000)]},
        "many digits": {**issue(5), "comments": 10**400},
    }
    lines = [envelope(workspace, key=key, payload=payload) for key, payload in odd.items()]
    _persist(session, workspace, *lines, envelope(workspace, key="good", payload=issue(9)))
    told = dict(rows(session, workspace, "SELECT idempotency_key, concat_ws(': ', status, reason) FROM source_events"))
    assert told.pop("many digits").startswith("dead: payload.comments: expected less than")
    assert told == dict.fromkeys(("deep", "long title", "many labels", "good"), "persisted")


def test_files_of_odd_bytes_are_read_or_refused_by_name(
    session: Session, workspace: WorkspaceId, tmp_path: Path
) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "latin.md").write_bytes("# Pier\n\nLa jetée est fermée.\n".encode("latin-1"))
    (folder / "nul.md").write_bytes(b"# Pier\n\nclosed\x00for now\n")
    (folder / "wide.md").write_bytes("# Pier\n\nclosed\n".encode("utf-16"))
    (folder / "large.md").write_bytes(b"x" * (TEXT_LIMIT_BYTES + 1))
    (folder / "full.md").write_text(prose_of(TEXT_LIMIT_BYTES // 4), encoding="utf-8")
    report = ingest_docs(folder, workspace=workspace, organization_id="org", objects=session.stores.objects)
    assert [fault.partition(f"{folder}/")[2] for fault in report.faults] == [
        f"large.md: {TEXT_LIMIT_BYTES + 1:,} bytes are more than {TEXT_LIMIT_BYTES:,}",
        "nul.md: binary: expected text in UTF-8",
        "wide.md: this is UTF-16: save it as UTF-8",
    ]
    _persist(session, workspace)
    assert statuses(session, workspace) == {"persisted": report.put} == {"persisted": 2}
    ((text, _),) = rows(session, workspace, CHUNKS, source_id="handbook/latin.md")
    assert text == "# Pier\n\nLa jet\ufffde est ferm\ufffde."
