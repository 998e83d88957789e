"""Documents reach the inbox: what was added, modified or removed, whatever happened to the manifest."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.postgres.docs_stores import live_paths
from tests.steps.pipeline import run_path

WORKSPACE = WorkspaceId("acme")


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    for path, text in files.items():
        target = folder / path
        if text is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)


def ingest(folder: Path, objects: DirectoryObjectStore, **options: Any) -> IngestReport:
    return ingest_docs(folder, workspace=WORKSPACE, organization_id="org", objects=objects, **options)


def take(objects: DirectoryObjectStore, workspace: WorkspaceId = WORKSPACE) -> list[dict[str, Any]]:
    """Empty the inbox and read its events."""
    found = []
    for info in list(objects.list(f"inbox/{workspace}/")):
        found += [json.loads(line) for line in objects.get(info.key).splitlines()]
        objects.delete(info.key)
    return found


def summary(events: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(event["action"], event["payload"]["path"], event["payload"].get("content")) for event in events]


def drop_manifests(objects: DirectoryObjectStore, damaged: bytes | None = None) -> None:
    for info in list(objects.list(f"workspaces/{WORKSPACE}/stores/")):
        objects.delete(info.key) if damaged is None else objects.put_many({info.key: damaged})


def test_only_what_changed_is_put_and_a_rename_is_removal_and_addition(
    folder: Path, objects: DirectoryObjectStore
) -> None:
    write(folder, {"a.md": "a", "b.md": "b", "c.md": "c"})
    assert ingest(folder, objects).put == 3
    assert summary(take(objects)) == [("docs.upserted", f"{name}.md", name) for name in "abc"]

    again = ingest(folder, objects)
    assert (again.put, again.removed, again.unchanged) == (0, 0, 3)
    assert take(objects) == []

    write(folder, {"a.md": "A", "b.md": None, "moved/b.md": "b"})
    third = ingest(folder, objects)
    assert (third.put, third.removed, third.unchanged) == (2, 1, 1)
    assert summary(take(objects)) == [
        ("docs.upserted", "a.md", "A"),
        ("docs.upserted", "moved/b.md", "b"),
        ("docs.removed", "b.md", None),
    ]
    assert ingest(folder, objects, full=True).put == 3


def test_envelopes_are_legal_and_time_moves_on(folder: Path, objects: DirectoryObjectStore) -> None:
    write(folder, {"a.md": "a"})
    ingest(folder, objects)
    first = take(objects)[0]
    write(folder, {"a.md": "b"})
    ingest(folder, objects)
    second = take(objects)[0]
    events = [decode_envelope(json.dumps(event)) for event in (first, second)]
    assert events[0].occurred_at < events[1].occurred_at
    assert (events[0].source, events[0].payload["store"], events[0].payload["revision"]) == ("docs", "docs", 1)
    assert events[0].idempotency_key != events[1].idempotency_key


def test_a_refused_file_is_reported_and_what_is_known_of_it_stays(folder: Path, objects: DirectoryObjectStore) -> None:
    write(folder, {"a.md": "a", "b.md": "b"})
    ingest(folder, objects)
    take(objects)
    write(folder, {"a.md": b"\0", "new.md": b"\0"})
    report = ingest(folder, objects)
    assert (report.put, report.removed, report.unchanged) == (0, 0, 1)
    assert [fault.split(": ")[0] for fault in report.faults] == [str(folder / "a.md"), str(folder / "new.md")]
    write(folder, {"a.md": "a"})
    assert ingest(folder, objects).unchanged == 2
    write(folder, {"a.md": None})
    assert ingest(folder, objects).removed == 1


def test_an_empty_folder_and_a_folder_that_was_emptied(folder: Path, objects: DirectoryObjectStore) -> None:
    assert ingest(folder, objects).is_empty
    write(folder, {"a.md": "a"})
    ingest(folder, objects)
    take(objects)
    write(folder, {"a.md": None})
    report = ingest(folder, objects)
    assert (report.removed, report.is_empty) == (1, False)
    assert summary(take(objects)) == [("docs.removed", "a.md", None)]
    assert ingest(folder, objects).is_empty


def test_another_folder_of_the_same_name_does_not_take_the_store_by_accident(
    folder: Path, objects: DirectoryObjectStore, tmp_path: Path
) -> None:
    write(folder, {"a.md": "a"})
    ingest(folder, objects)
    other = tmp_path / "elsewhere" / "docs"
    write(other, {"b.md": "b"})
    with pytest.raises(PermanentError, match="--store"):
        ingest(other, objects)
    assert ingest(other, objects, store="others").put == 1
    replaced = ingest(other, objects, store="docs")
    assert (replaced.put, replaced.removed) == (1, 1)
    assert ingest(other, objects).unchanged == 1, "the folder is that of the store now"


def test_a_file_that_was_emptied_is_removed_and_an_empty_one_is_no_document(
    folder: Path, objects: DirectoryObjectStore
) -> None:
    write(folder, {"a.md": "a", "b.md": "b", "never.md": ""})
    assert ingest(folder, objects).put == 2
    take(objects)
    write(folder, {"a.md": " \r\n"})
    report = ingest(folder, objects)
    assert (report.put, report.removed, report.unchanged, report.faults) == (0, 1, 1, [])
    assert summary(take(objects)) == [("docs.removed", "a.md", None)]


@pytest.mark.parametrize("damaged", [None, b"", b"{", b"[]", b'{"revision": 1, "at": "x", "files": {}}'])
def test_a_lost_manifest_costs_another_look_and_loses_nothing(
    folder: Path, objects: DirectoryObjectStore, damaged: bytes | None
) -> None:
    write(folder, {"a.md": "a", "gone.md": "g"})
    ingest(folder, objects)
    first_keys = {event["idempotencyKey"] for event in take(objects)}
    drop_manifests(objects, damaged)
    write(folder, {"gone.md": None})
    report = ingest(folder, objects, known_paths=lambda store: [f for f in ("a.md", "gone.md") if store == "docs"])
    assert (report.put, report.removed) == (1, 1)
    put = take(objects)
    assert summary(put) == [("docs.upserted", "a.md", "a"), ("docs.removed", "gone.md", None)]
    assert not first_keys & {event["idempotencyKey"] for event in put}, "else a return to an old text would look known"


class _DiesAt(DirectoryObjectStore):
    """Ends the ingestion at the nth write, before or after it."""

    def __init__(self, root: Path, write_number: int, *, after: bool) -> None:
        super().__init__(root)
        self._left = write_number
        self._after = after

    def put_many(self, objects: Mapping[str, bytes]) -> None:
        self._left -= 1
        if self._left or self._after:
            super().put_many(objects)
        if not self._left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write_number", [1, 2, 3])
def test_a_crash_at_any_write_is_repaired_by_the_next_ingestion(
    session: Session, workspace: WorkspaceId, folder: Path, write_number: int, after: bool
) -> None:
    """Also when the folder went back to what it was before: what the lost ingestion put must not stay."""
    root = session.endpoints.objects_dir

    def put(store: DirectoryObjectStore) -> None:
        ingest_docs(folder, workspace=workspace, organization_id="org", objects=store)

    write(folder, {"a.md": "the old text", "b.md": "to be removed"})
    put(DirectoryObjectStore(root))
    run_path(session, workspace)

    write(folder, {"a.md": "the new text", "b.md": None, "c.md": "added and removed"})
    with pytest.raises(KeyboardInterrupt):
        put(_DiesAt(root, write_number, after=after))
    run_path(session, workspace)

    write(folder, {"a.md": "the old text", "b.md": "to be removed", "c.md": None})
    put(DirectoryObjectStore(root))
    run_path(session, workspace)
    assert live_texts(session, workspace) == {"docs/a.md": "the old text", "docs/b.md": "to be removed"}


def test_a_lost_manifest_and_a_return_to_an_old_text_reach_the_memory(
    session: Session, workspace: WorkspaceId, folder: Path
) -> None:
    def put() -> None:
        def known(store: str) -> list[str]:
            with session.stores.database.transaction(workspace) as tx:
                return live_paths(tx, store)

        ingest_docs(
            folder, workspace=workspace, organization_id="org", objects=session.stores.objects, known_paths=known
        )
        run_path(session, workspace)

    write(folder, {"a.md": "one", "b.md": "b"})
    put()
    write(folder, {"a.md": "two"})
    put()
    for info in list(session.stores.objects.list(f"workspaces/{workspace}/stores/")):
        session.stores.objects.delete(info.key)
    write(folder, {"a.md": "one", "b.md": None})
    put()
    assert live_texts(session, workspace) == {"docs/a.md": "one"}


def test_two_ingestions_at_once_are_harmless(session: Session, workspace: WorkspaceId, folder: Path) -> None:
    write(folder, {f"{number}.md": f"text {number}" for number in range(200)})

    def put() -> None:
        objects = DirectoryObjectStore(session.endpoints.objects_dir)
        ingest_docs(folder, workspace=workspace, organization_id="org", objects=objects)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_path(session, workspace)
    assert live_texts(session, workspace) == {f"docs/{number}.md": f"text {number}" for number in range(200)}
    put()
    assert run_path(session, workspace).work == 0


def live_texts(session: Session, workspace: WorkspaceId) -> dict[str, str]:
    """Read the texts of live documents, without the title that stands above each."""
    with session.stores.database.transaction(workspace) as tx:
        rows = tx.connection.exec_driver_sql(
            "SELECT source_id, string_agg(text, '' ORDER BY chunk_index) AS text "
            "FROM knowledge_documents JOIN knowledge_chunks USING (document_id) "
            "WHERE deleted_at IS NULL AND superseded_at IS NULL GROUP BY source_id"
        )
        return {row.source_id: row.text.partition("\n\n")[2] for row in rows}
