"""The laws of identity and idempotency, on the whole path and real stores."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.chunking import embedding_text
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity

from .asking import ask
from .doubles import ReadOnly, RefusingEmbedder, SpyEmbedder, SpyIndex, session_with
from .dumps import cache_keys, dump, indexed_ids, rows, statuses
from .pipeline import PathReport, ingest_folder, run_path
from .samples import DECISION, envelope, guide, issue, issue_comment, prose, write_docs

BERTHS, CRANES = guide("anchors", "berths", "cargo") + "\n" + DECISION, guide("cranes", "docks", title="Cranes")
CHUNKS = "SELECT chunk_id, chunk_hash FROM knowledge_chunks WHERE superseded_at IS NULL ORDER BY chunk_id"
VERSIONS = "SELECT source_id, version FROM knowledge_documents ORDER BY source_id"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_docs(tmp_path / "handbook", {"berths.md": BERTHS, "yard/cranes.md": CRANES})


def _ingest(session: Session, workspace: WorkspaceId, folder: Path) -> PathReport:
    ingest_folder(session, workspace, folder)
    return run_path(session, workspace)


def _write_events(tmp_path: Path, workspace: WorkspaceId) -> Path:
    file = tmp_path / "events.jsonl"
    lines = [
        envelope(workspace, key="issue", payload=issue(1)),
        envelope(workspace, key="comment", action="issue_comment.created", payload=issue_comment(2, 22)),
        envelope(workspace, key="unsupported", action="watch.started", payload={}),
    ]
    file.write_bytes(b"\n".join(lines))
    return file


def test_a_second_database_gets_the_same_ids(
    session: Session, second_session: Session, workspace: WorkspaceId, folder: Path, tmp_path: Path
) -> None:
    events = _write_events(tmp_path, workspace)
    contents = []
    for each in (session, second_session):
        ingest_events(events, workspace=None, organization_id="org", objects=each.stores.objects)
        _ingest(each, workspace, folder)
        contents.append(dump(each, workspace))
    assert contents[0] == contents[1]
    counts = {name: len(held) for name, held in contents[0].items()}
    assert counts["documents"] == 5
    assert counts["chunks"] == counts["chunks index"] >= 8
    assert counts["observations index"] > counts["observations"] >= 3


def test_an_unchanged_rerun_does_nothing(
    session: Session, workspace: WorkspaceId, folder: Path, tmp_path: Path
) -> None:
    events = _write_events(tmp_path, workspace)
    objects = session.stores.objects
    ingest_events(events, workspace=None, organization_id="org", objects=objects)
    first = _ingest(session, workspace, folder)
    assert first.work > 0
    before = dump(session, workspace)

    docs_again = ingest_docs(folder, workspace=workspace, organization_id="org", objects=objects)
    events_again = ingest_events(events, workspace=None, organization_id="org", objects=objects)
    frozen = session_with(
        session,
        vectors=ReadOnly(session.stores.vectors, "upsert", "delete", "delete_namespace"),
        cache=ReadOnly(session.stores.cache, "set_many", "delete_many"),
    )
    second = run_path(frozen, workspace, embedder=RefusingEmbedder(session.embedder(session.new_workspace_version)))

    assert (docs_again.put, docs_again.removed, docs_again.unchanged) == (0, 0, 2)
    assert (events_again.put, second.received.written, second.received.unchanged) == (3, 0, 3)
    assert second.persisted.events.seen == 0
    assert second.work == 0
    assert second.primed.unchanged == second.primed.seen == 5
    assert dump(session, workspace) == before


def test_events_that_say_the_same_again_write_no_version(
    session: Session, workspace: WorkspaceId, folder: Path
) -> None:
    _ingest(session, workspace, folder)
    before, versions = dump(session, workspace), rows(session, workspace, VERSIONS)
    ingest_docs(folder, workspace=workspace, organization_id="org", objects=session.stores.objects, full=True)
    frozen = session_with(session, vectors=ReadOnly(session.stores.vectors, "upsert", "delete"))
    again = run_path(frozen, workspace, embedder=RefusingEmbedder(session.embedder(session.new_workspace_version)))

    assert (again.received.written, again.persisted.events.unchanged, again.work) == (2, 2, 0)
    assert rows(session, workspace, VERSIONS) == versions
    after = dump(session, workspace)
    assert {**after, "events": before["events"]} == before


_LATER_SECONDS = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())


def _changed(session: Session, workspace: WorkspaceId, folder: Path, page: str) -> tuple[SpyEmbedder, SpyIndex]:
    write_docs(folder, {"berths.md": page, "yard/cranes.md": CRANES})
    os.utime(folder / "berths.md", (_LATER_SECONDS, _LATER_SECONDS))
    index = SpyIndex(session.stores.vectors)
    embedder = SpyEmbedder(session.embedder(session.new_workspace_version))
    watched = session_with(session, vectors=index)
    ingest_folder(watched, workspace, folder)
    run_path(watched, workspace, embedder=embedder)
    return embedder, index


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        pytest.param("# Guide\n", f"# Guide\n\n{prose('tides', sentences=5)}\n", None, id="a paragraph on top"),
        pytest.param("Berths rule 7 tells", "Berths rule 7 reminds", 1, id="one sentence"),
    ],
)
def test_a_change_embeds_and_upserts_its_chunk_alone(
    session: Session, workspace: WorkspaceId, folder: Path, old: str, new: str, replaced: int | None
) -> None:
    _ingest(session, workspace, folder)
    before = dict(rows(session, workspace, CHUNKS))
    assert BERTHS.count(old) == 1
    embedder, index = _changed(session, workspace, folder, BERTHS.replace(old, new))
    after = dict(rows(session, workspace, CHUNKS))

    (added,) = set(after) - set(before)
    assert len(embedder.embedded) == 1
    assert new.split("\n")[-2 if replaced is None else 0] in embedder.embedded[0]
    (upserted,) = index.upserted
    assert upserted.endswith("#" + after[added][:16])
    gone = set(before) - set(after)
    assert {vector.split("#")[1] for vector in index.deleted} == {before[chunk][:16] for chunk in gone}
    assert len(gone) <= 1 if replaced is None else len(gone) == replaced
    assert rows(session, workspace, VERSIONS) == [("handbook/berths.md", 2), ("handbook/yard/cranes.md", 1)]


def test_a_removed_file_is_gone_everywhere_and_comes_back_the_same(
    session: Session, workspace: WorkspaceId, folder: Path
) -> None:
    _ingest(session, workspace, folder)
    question = "what does berths rule 7 tell the berths crew"
    before = {name: dump(session, workspace)[name] for name in ("chunks", "observations", "chunks index", "embeddings")}
    (gone_id,) = rows(
        session, workspace, "SELECT document_id FROM knowledge_documents WHERE source_id LIKE '%berths%'"
    )[0]
    assert ask(session, workspace, question)[0].source_id == "handbook/berths.md"

    write_docs(folder, {"yard/cranes.md": CRANES})
    report = _ingest(session, workspace, folder)
    assert (report.persisted.documents.deleted, report.primed.deleted) == (1, 1)
    assert not any(vector.startswith(gone_id) for vector in indexed_ids(session, workspace, Family.CHUNKS))
    assert indexed_ids(session, workspace, Family.OBSERVATIONS) == set()
    assert not any(gone_id in key or "berths" in key for key in cache_keys(session, workspace))
    assert {hit.source_id for hit in ask(session, workspace, question)} == {"handbook/yard/cranes.md"}

    write_docs(folder, {"berths.md": BERTHS, "yard/cranes.md": CRANES})
    ingest_folder(session, workspace, folder)
    run_path(session, workspace, embedder=RefusingEmbedder(session.embedder(session.new_workspace_version)))
    after = dump(session, workspace)
    assert {name: after[name] for name in before} == before
    assert rows(session, workspace, VERSIONS)[0] == ("handbook/berths.md", 3)
    assert ask(session, workspace, question)[0].source_id == "handbook/berths.md"


def test_an_emptied_file_leaves_nothing_behind(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    _ingest(session, workspace, folder)
    (folder / "berths.md").write_text("---\ntitle: Berths\n---\n", encoding="utf-8")
    report = _ingest(session, workspace, folder)
    assert report.persisted.events.reasons == {"empty": 1}
    assert report.persisted.documents.deleted == 1
    left = rows(session, workspace, "SELECT source_id FROM knowledge_documents WHERE deleted_at IS NULL")
    assert left == [("handbook/yard/cranes.md",)]


@pytest.mark.parametrize("run_between", [True, False], ids=["one run each", "all in one run"])
def test_content_that_returns_ends_as_it_was(
    session: Session, workspace: WorkspaceId, folder: Path, run_between: bool
) -> None:
    _ingest(session, workspace, folder)
    before = rows(session, workspace, CHUNKS)
    for page in (guide("winches"), BERTHS):
        write_docs(folder, {"berths.md": page, "yard/cranes.md": CRANES})
        ingest_folder(session, workspace, folder)
        if run_between:
            run_path(session, workspace)
    run_path(session, workspace)

    assert rows(session, workspace, CHUNKS) == before
    assert rows(session, workspace, VERSIONS)[0] == ("handbook/berths.md", 3)
    assert statuses(session, workspace) == {"persisted": 4}
    version = session.active_version(workspace)
    assert all(index_parity(Scope(workspace, version, family, session.stores)).passed for family in Family)


def test_hashes_in_the_tables_are_those_of_the_texts_that_are_embedded(
    session: Session, workspace: WorkspaceId, folder: Path, tmp_path: Path
) -> None:
    page = "# Nuls \0 and \U0001f6a2\n\n" + prose("ships") + "\n\n## Été\n\n" + prose("quais") + "\n\n" + DECISION
    write_docs(folder, {"berths.md": BERTHS, "plain.md": prose("buoys", sentences=60), "odd.md": page})
    ingest_events(
        _write_events(tmp_path, workspace), workspace=None, organization_id="org", objects=session.stores.objects
    )
    spy = SpyEmbedder(session.embedder(session.new_workspace_version))
    ingest_folder(session, workspace, folder)
    run_path(session, workspace, embedder=spy)

    chunks = rows(session, workspace, "SELECT section_label, text, chunk_hash FROM knowledge_chunks")
    expected = {hash_text(embedding_text(label, body)): embedding_text(label, body) for label, body, _ in chunks}
    assert {chunk_hash for *_, chunk_hash in chunks} == set(expected)
    assert all(label for label, *_ in chunks)
    views = rows(session, workspace, "SELECT unnest(ARRAY[text, title, summary]) FROM memory_observations")
    expected |= {hash_text(view): view for (view,) in views if view is not None}
    assert sorted(spy.embedded) == sorted(expected.values())
    assert {key for (key,) in rows(session, workspace, "SELECT content_hash FROM embeddings")} == set(expected)
