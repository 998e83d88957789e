"""Events reach the inbox: the good ones, while each bad one is told by its place in the file."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError, NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.steps.ingest import IngestReport
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

WORKSPACE = WorkspaceId("acme")


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


def take(objects: DirectoryObjectStore, workspace: WorkspaceId = WORKSPACE) -> list[dict[str, Any]]:
    """Empty the inbox and read its events."""
    found = []
    for info in list(objects.list(f"inbox/{workspace}/")):
        found += [json.loads(line) for line in objects.get(info.key).splitlines()]
        objects.delete(info.key)
    return found


def envelope(number: int = 1, **changes: Any) -> dict[str, Any]:
    value = {
        "workspaceId": "acme",
        "organizationId": "org",
        "source": "docs",
        "action": "docs.removed",
        "occurredAt": "2026-01-02T03:04:05Z",
        "idempotencyKey": f"key-{number}",
        "payload": {"store": "s", "path": "a.md"},
    }
    return {name: item for name, item in (value | changes).items() if item is not ...}


def lines(*items: Any) -> bytes:
    return "\n".join(item if isinstance(item, str) else json.dumps(item) for item in items).encode()


@pytest.fixture
def put_file(tmp_path: Path, objects: DirectoryObjectStore) -> Callable[..., IngestReport]:
    def put(data: bytes, *, name: str = "events.jsonl", **options: Any) -> IngestReport:
        (tmp_path / name).write_bytes(data)
        arguments: dict[str, Any] = {"workspace": None, "organization_id": "org", "objects": objects} | options
        return ingest_events(tmp_path / name, **arguments)

    return put


def places(report: IngestReport) -> list[str]:
    """The fault's places, without the folder."""
    return [fault.split("/")[-1] for fault in report.faults]


Put = Callable[..., IngestReport]


@pytest.mark.parametrize(
    "data",
    [
        lines(envelope(1), envelope(2)),
        lines(envelope(1), envelope(2)) + b"\n",
        b"\xef\xbb\xbf" + lines(envelope(1), envelope(2)).replace(b"\n", b"\r\n"),
        json.dumps([envelope(1), envelope(2)]).encode(),
        json.dumps([envelope(1), envelope(2)], indent=2).encode(),
        json.dumps([envelope(1), envelope(2)], indent=2).encode("utf-16"),
        gzip.compress(lines(envelope(1), envelope(2))),
        gzip.compress(json.dumps([envelope(1), envelope(2)]).encode()),
    ],
    ids=["lines", "lines+end", "windows", "array", "pretty-array", "utf-16", "gzip-lines", "gzip-array"],
)
def test_each_way_to_write_events_down_is_read(put_file: Put, objects: DirectoryObjectStore, data: bytes) -> None:
    report = put_file(data)
    assert (report.put, report.faults) == (2, [])
    assert [event["idempotencyKey"] for event in take(objects)] == ["key-1", "key-2"]


def test_one_pretty_printed_event_is_read(put_file: Put) -> None:
    assert put_file(json.dumps(envelope(), indent=2).encode()).put == 1
    assert put_file(json.dumps(envelope()).encode()).put == 1


def test_a_bad_line_is_told_by_its_true_number_and_the_others_go_in(
    put_file: Put, objects: DirectoryObjectStore
) -> None:
    report = put_file(
        lines(
            "",
            envelope(1),
            "",
            "   ",
            '{"workspaceId": "acme", ',
            envelope(2, source=...),
            envelope(3, occurredAt="yesterday"),
            envelope(4, source="jira"),
            envelope(5, workspaceId="a/b"),
            "[1, 2]",
            "not json",
            envelope(6),
        )
    )
    assert report.put == 2
    faults = places(report)
    assert [fault.split(":")[1] for fault in faults] == ["5", "6", "7", "8", "9", "10", "11"]
    for fault, words in zip(
        faults,
        ["not JSON", "source", "occurredAt", "jira", "workspaceId", "object", "not JSON: Expecting value (column 1)"],
        strict=True,
    ):
        assert words in fault
        assert "line 1" not in fault
    assert [event["idempotencyKey"] for event in take(objects)] == ["key-1", "key-6"]


def test_a_bad_first_line_does_not_hide_the_others(put_file: Put) -> None:
    report = put_file(lines("# exported", envelope(1), "}", envelope(2)))
    assert report.put == 2
    assert [fault.split(":")[1] for fault in places(report)] == ["1", "3"]


def test_an_array_in_the_first_line_does_not_hide_the_others(put_file: Put) -> None:
    report = put_file(lines("[]", envelope(1), "", envelope(2)))
    assert report.put == 2
    assert [fault.split(":")[1] for fault in places(report)] == ["1"]


def test_a_number_with_too_many_digits_is_a_fault(put_file: Put) -> None:
    report = put_file(b'{"a":\n' + b"9" * 5_000 + b"}")
    assert (report.put, len(report.faults)) == (0, 1)
    assert "not JSON" in report.faults[0]


@pytest.mark.parametrize(
    "data", [b"{" * 1_000_000, b"}" * 1_000_000, b"{}" * 500_000, b"\n" * 1_000_000, b"[\n" * 500_000]
)
def test_hostile_bytes_are_read_in_time_linear_in_their_number(put_file: Put, data: bytes) -> None:
    started_seconds = time.process_time()
    put_file(data)
    assert time.process_time() - started_seconds < 5


def test_items_of_an_array_are_told_by_their_number(put_file: Put) -> None:
    report = put_file(json.dumps([envelope(1), envelope(2, action=...), 3], indent=1).encode(), name="all.json")
    assert report.put == 1
    assert [fault[: len("all.json: item 2: ")] for fault in places(report)] == [
        "all.json: item 2: ",
        "all.json: item 3: ",
    ]
    assert "action" in report.faults[0]


def test_a_broken_array_and_a_broken_object_are_told_by_line_and_column(put_file: Put) -> None:
    broken = json.dumps([envelope(1), envelope(2)], indent=2).encode()[:-30]
    report = put_file(b"\n" + broken, name="all.json")
    assert (report.put, len(report.faults)) == (0, 1)
    last_line = len((b"\n" + broken).splitlines())
    assert f"line {last_line}, column" in report.faults[0]
    report = put_file(json.dumps(envelope(), indent=2).encode()[:-2], name="one.json")
    assert (report.put, len(report.faults)) == (0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\x1f\x8bnot gzip at all",
        gzip.compress(b"x" * 100_000)[:-20],
        os.urandom(10_000).replace(b"\n", b"-"),
    ],
    ids=["utf-16 cut", "latin-1", "deep", "deep line", "no gzip", "gzip cut", "noise"],
)
def test_what_is_no_event_file_is_a_fault_and_no_crash(put_file: Put, data: bytes) -> None:
    report = put_file(data)
    assert (report.put, len(report.faults)) == (0, 1)
    assert "events.jsonl" in report.faults[0]


def test_the_whole_lines_of_a_cut_gzip_file_go_in(put_file: Put) -> None:
    noise = [envelope(number, payload={"store": "s", "path": os.urandom(40).hex()}) for number in range(2_000)]
    packed = gzip.compress(lines(*noise))
    report = put_file(packed[: len(packed) // 2])
    assert 100 < report.put < 1_900
    assert "gzip" in report.faults[-1]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"[]"])
def test_a_file_without_events_is_empty_and_no_fault(put_file: Put, data: bytes) -> None:
    report = put_file(data)
    assert (report.is_empty, report.faults) == (True, [])


def test_a_folder_and_a_missing_file_say_so(objects: DirectoryObjectStore, tmp_path: Path) -> None:
    for path, error, words in (
        (tmp_path, PermanentError, "this is a folder"),
        (tmp_path / "nope", NotFoundError, "no such file"),
        (tmp_path / "f.jsonl" / "x", PermanentError, "cannot be opened"),
    ):
        (tmp_path / "f.jsonl").touch()
        with pytest.raises(error, match=words):
            ingest_events(path, workspace=None, organization_id="org", objects=objects)


def test_a_pipe_is_read(objects: DirectoryObjectStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(lines(envelope(1), envelope(2))))
    writer.start()
    report = ingest_events(tmp_path / "pipe", workspace=None, organization_id="org", objects=objects)
    writer.join()
    assert report.put == 2


def test_the_workspace_of_the_command_overrides_that_of_the_envelopes(
    put_file: Put, objects: DirectoryObjectStore
) -> None:
    data = lines(envelope(1), envelope(2, workspaceId="beta"))
    assert put_file(data).put_by_workspace == {"acme": 1, "beta": 1}
    assert put_file(data, workspace=WorkspaceId("gamma")).put_by_workspace == {"gamma": 2}
    assert {event["workspaceId"] for event in take(objects, WorkspaceId("gamma"))} == {"gamma"}


def test_bare_payloads_are_wrapped_and_bad_ones_are_told(put_file: Put, objects: DirectoryObjectStore) -> None:
    issue = {"html_url": "https://github.com/o/r/issues/1", "updated_at": "2026-01-02T03:04:05Z", "title": "\ud800"}
    report = put_file(lines(issue, {"x": 1}, "7", "nope"), workspace=WORKSPACE, source="github")
    assert report.put == 1
    assert [fault.split(":")[1] for fault in places(report)] == ["2", "3", "4"]
    event = take(objects)[0]
    assert (event["workspaceId"], event["source"], event["action"]) == ("acme", "github", "issues.observed")
    assert event["payload"]["title"] == "\ufffd"


def test_every_event_that_goes_in_can_be_read_again(put_file: Put, objects: DirectoryObjectStore) -> None:
    odd = {"store": "s", "path": "a.md", "text": '\ud800 "\\u0000" \u2028 \x7f', "number": 1e308, "deep": [[[[]]]]}
    put_file(lines(envelope(1, payload=odd), envelope(2, idempotencyKey="\u2028\ud83d\ude00")))
    for info in objects.list("inbox/"):
        for line in objects.get(info.key).split(b"\n")[:-1]:
            decode_envelope(line)


def test_a_large_file_of_lines_is_not_held_in_memory(objects: DirectoryObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    line = json.dumps(envelope(payload={"store": "s", "path": "a.md", "text": "x" * 20_000})).encode() + b"\n"
    with path.open("wb") as stream:
        for _ in range(5_000):
            stream.write(line)
    size_bytes = path.stat().st_size
    tracemalloc.start()
    report = ingest_events(path, workspace=None, organization_id="org", objects=objects)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    shutil.rmtree(tmp_path / "objects")
    path.unlink()
    assert (report.put, size_bytes > 100_000_000) == (5_000, True)
    assert peak_bytes < size_bytes / 2


def test_a_wrong_source_is_named(put_file: Put) -> None:
    report = put_file(lines({"x": 1}), workspace=WORKSPACE, source="docs")
    assert "do not come without an envelope" in report.faults[0]
    with pytest.raises(InvalidEventError):
        decode_envelope(b"{}")
