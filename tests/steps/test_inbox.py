"""Whatever is put into the inbox ends as a row of the ledger, a dead letter or a rejected line."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_bytes
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.event_files import EventText, read_event_file
from neural_memory_pipelines.steps.inbox import list_inbox, put_lines, route_unsorted, split_lines
from neural_memory_pipelines.steps.lines import read_envelope
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore
from neural_memory_pipelines.stores.objects.protocol import ObjectStore

from .doubles import session_with
from .dumps import rows, statuses, wipe
from .samples import envelope, issue

_numbers = itertools.count()


def _receive(session: Session, workspace: WorkspaceId) -> StepReport:
    return receive_events(
        workspace,
        stores=session.stores,
        new_workspace_version=session.new_workspace_version,
        organization_id="org",
    )


def _put(session: Session, workspace: WorkspaceId, data: bytes, name: str = "events.json") -> None:
    session.stores.objects.put_many({f"inbox/{workspace}/{name}": data})


def _events(workspace: WorkspaceId, count: int = 3) -> list[bytes]:
    return [envelope(workspace, key=f"event-{number}", payload=issue(number + 1)) for number in range(count)]


def _pretty(workspace: WorkspaceId) -> bytes:
    return json.dumps(json.loads(_events(workspace, 1)[0]), indent=2).encode()


FORMS: dict[str, tuple[Callable[[WorkspaceId], bytes], int]] = {
    "JSON lines": (lambda w: b"\n".join(_events(w)), 3),
    "JSON lines with a last line end": (lambda w: b"\n".join(_events(w)) + b"\n", 3),
    "JSON lines with blank lines and CRLF": (lambda w: b"\r\n\r\n".join(_events(w)) + b"\r\n", 3),
    "JSON lines after a byte order mark": (lambda w: b"\xef\xbb\xbf" + b"\n".join(_events(w)), 3),
    "an array": (lambda w: b"[" + b",\n".join(_events(w)) + b"]", 3),
    "a pretty array": (lambda w: json.dumps([json.loads(e) for e in _events(w)], indent=2).encode(), 3),
    "one object": (lambda w: _events(w, 1)[0], 1),
    "one pretty object": (_pretty, 1),
    "one pretty object with CRLF": (lambda w: _pretty(w).replace(b"\n", b"\r\n"), 1),
    "nothing": (lambda w: b"", 0),
    "blank lines": (lambda w: b"\n\n", 0),
    "an empty array": (lambda w: b"[]", 0),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(session: Session, workspace: WorkspaceId, form: str, packed: bool) -> None:
    write, count = FORMS[form]
    data = write(workspace)
    _put(session, workspace, gzip.compress(data) if packed else data)
    report = _receive(session, workspace)
    assert (report.seen, report.written, report.failed) == (count, count, 0)
    keys = rows(session, workspace, "SELECT idempotency_key FROM source_events ORDER BY sequence")
    assert keys == [(f"event-{number}",) for number in range(count)]
    assert list(session.stores.objects.list(f"inbox/{workspace}/")) == []


def test_raw_lines_are_kept_as_received(session: Session, workspace: WorkspaceId) -> None:
    spaced = json.dumps(json.loads(_events(workspace, 1)[0]), separators=(" ,  ", " : ")).encode()
    _put(session, workspace, spaced + b"\n" + _events(workspace, 2)[1] + b"\n")
    _receive(session, workspace)
    kept = rows(session, workspace, "SELECT raw_key, content_hash FROM source_events ORDER BY sequence")
    raw = [session.stores.objects.get(key) for key, _ in kept]
    assert raw == [spaced, _events(workspace, 2)[1]]
    assert [content_hash for _, content_hash in kept] == [hash_bytes(line) for line in raw]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(b"x" * 1000)[:-9], id="gzip that was cut off"),
        pytest.param(gzip.compress(b"x" * 1000)[:20] + b"noise" * 9, id="gzip with noise"),
        pytest.param(b"\x1f\x8b", id="nothing but the mark of gzip"),
        pytest.param(b"\x00\x01\xfe\xff", id="no text"),
        pytest.param(b"{" * 50_000, id="nested too deep"),
        pytest.param(b'{"workspaceId": "acme",', id="an object that was cut off"),
        pytest.param(b"42", id="a number"),
    ],
)
def test_an_object_that_cannot_be_read_is_one_dead_letter(
    session: Session, workspace: WorkspaceId, data: bytes
) -> None:
    _put(session, workspace, data, "bad.json")
    put_lines(session.stores.objects, workspace, _events(workspace))
    report = _receive(session, workspace)
    assert (report.seen, report.written, report.failed) == (4, 3, 1)
    ((reason, origin, raw_key),) = rows(session, workspace, "SELECT reason, origin, raw_key FROM dead_letters")
    assert reason
    assert origin.startswith(f"inbox/{workspace}/bad.json")
    assert session.stores.objects.get(raw_key) == data
    assert list(session.stores.objects.list(f"inbox/{workspace}/")) == []
    _put(session, workspace, data, "bad-again.json")
    assert _receive(session, workspace).failed == 1
    assert len(rows(session, workspace, "SELECT 1 FROM dead_letters")) == 1, "the same bytes are one dead letter"


@pytest.mark.parametrize("broken", [b'{\n "workspaceId": "acme",\n', b'[\n{"a": 1},\n{"a": 2}\n', b"[1,\n2"])
def test_a_broken_array_or_object_of_several_lines_is_one_dead_letter(
    session: Session, workspace: WorkspaceId, broken: bytes
) -> None:
    _put(session, workspace, broken, "bad.json")
    assert _receive(session, workspace).failed == 1
    ((reason, raw_key),) = rows(session, workspace, "SELECT reason, raw_key FROM dead_letters")
    assert "not JSON" in reason
    assert "line " in reason
    assert session.stores.objects.get(raw_key) == broken


def test_lines_in_front_of_a_bad_one_and_behind_it_are_received(session: Session, workspace: WorkspaceId) -> None:
    first, second, third = _events(workspace)
    _put(session, workspace, b"\n".join([first, b"{bad", second, b'{"also": "bad"}', third]))
    report = _receive(session, workspace)
    assert (report.written, report.failed) == (3, 2)
    origins = rows(session, workspace, "SELECT origin FROM dead_letters ORDER BY origin")
    assert [origin.rsplit(":", 1)[1] for (origin,) in origins] == ["2", "4"]


def test_an_object_that_is_replaced_while_it_is_read_is_received_too(session: Session, workspace: WorkspaceId) -> None:
    class Racing(DirectoryObjectStore):
        def delete(self, key: str, *, if_etag: str | None = None) -> bool:
            if key.startswith("inbox/") and rivals:
                super().put_many({key: rivals.pop()})
            return super().delete(key, if_etag=if_etag)

    first, second = _events(workspace, 2)
    rivals = [second]
    objects = Racing(session.endpoints.objects_dir)
    _put(session, workspace, first)
    racing = session_with(session, objects=objects)
    assert _receive(racing, workspace).written == 1
    assert _receive(racing, workspace).written == 1
    assert statuses(session, workspace) == {"pending": 2}


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


def _route(objects: ObjectStore) -> tuple[int, int]:
    return route_unsorted(objects, list_inbox(objects).unsorted)


def _lines_below(objects: ObjectStore, prefix: str) -> list[bytes]:
    found = objects.get_many([info.key for info in objects.list(prefix)])
    return [line for data in found.values() for line in data.split(b"\n") if line]


def test_unsorted_objects_are_routed_by_their_envelopes(objects: ObjectStore) -> None:
    acme, beta = WorkspaceId("acme"), WorkspaceId("beta.b-1")
    broken = gzip.compress(b"x" * 1000)[:-9]  # once: it holds the second in which it was made
    homeless = [
        b"{}",
        b"no JSON",
        b"[" * 50_000,
        envelope(WorkspaceId("../up"), key="k"),
        envelope(acme, key="k", workspaceId=7),
    ]
    objects.put_many(
        {
            "inbox/mixed.jsonl": b"\n".join([*_events(acme), *_events(beta, 2), *homeless]),
            "inbox/array.json": b"[" + _events(acme, 1)[0] + b"]",
            "inbox/packed.json.gz": gzip.compress(_pretty(beta)),
            "inbox/not a workspace/events.json": _events(acme, 1)[0],
            "inbox/broken.gz": broken,
            "inbox/acme/sorted.jsonl": _events(acme, 1)[0],
        }
    )
    assert _route(objects) == (8, 6)
    listing = list_inbox(objects)
    assert listing.unsorted == []
    assert set(listing.by_workspace) == {acme, beta}
    assert len(_lines_below(objects, "inbox/acme/")) == 6
    assert len(_lines_below(objects, "inbox/beta.b-1/")) == 3
    rejected = b"".join(objects.get(info.key) for info in objects.list("rejected/"))
    assert all(line in rejected for line in homeless)
    assert broken in rejected
    assert _route(objects) == (0, 0)


def test_routing_an_object_that_another_process_took_does_nothing(objects: ObjectStore) -> None:
    objects.put_many({"inbox/a.json": _events(WorkspaceId("acme"), 1)[0]})
    unsorted = list_inbox(objects).unsorted
    assert route_unsorted(objects, unsorted) == (1, 0)
    assert route_unsorted(objects, unsorted) == (0, 0)


def test_lines_keep_the_order_in_which_they_were_put(session: Session, workspace: WorkspaceId) -> None:
    lines = [envelope(workspace, key=f"{number:05}", payload=issue(1)) for number in range(2_300)]
    assert put_lines(session.stores.objects, workspace, lines) == 2_300
    assert len(list(session.stores.objects.list(f"inbox/{workspace}/"))) == 3
    _receive(session, workspace)
    keys = rows(session, workspace, "SELECT idempotency_key FROM source_events ORDER BY sequence")
    assert [key for (key,) in keys] == [f"{number:05}" for number in range(2_300)]


def _both_ways(path: Path, data: bytes) -> tuple[list[bytes], list[bytes]]:
    """Read the same bytes as a file and as an object of the inbox; a fault is one item, of no bytes."""
    path.write_bytes(data)
    from_file = [item.json if isinstance(item, EventText) else b"" for item in read_event_file(path)]
    try:
        return from_file, split_lines("key", data)
    except InvalidEventError:
        return from_file, [b""]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("form", FORMS)
def test_files_and_the_inbox_are_read_alike(tmp_path: Path, form: str, packed: bool) -> None:
    data = FORMS[form][0](WorkspaceId("acme"))
    from_file, from_inbox = _both_ways(tmp_path / "events", gzip.compress(data) if packed else data)
    assert from_file == from_inbox
    assert len(from_file) == FORMS[form][1]


WORKSPACE = WorkspaceId("property")
TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "workspaceId": st.sampled_from([WORKSPACE, "other", "no good", None]),
        "organizationId": TEXTS,
        "source": st.sampled_from(["docs", "github", "fax"]),
        "occurredAt": st.sampled_from(["2026-03-02T10:00:00Z", "0001-01-01T00:00:00+09:00", "yesterday", 0]),
        "idempotencyKey": st.sampled_from(["one", "two", "nul \0", "half \ud800", ""]),
        "payload": VALUES,
    },
)
LINES = st.one_of(
    st.builds(lambda fields: envelope(WORKSPACE, key="plain", **fields), FIELDS),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(min_size=1, max_size=12).map(lambda data: data.replace(b"\n", b" ")),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(LINES, max_size=4),
    between=st.sampled_from([b"\n", b"\r\n", b"\n\n", b",\n"]),
    is_array=st.booleans(),
)
def test_files_and_the_inbox_are_read_alike_whatever_is_in_them(
    tmp_path: Path, lines: list[bytes], between: bytes, is_array: bool
) -> None:
    data = between.join(lines)
    from_file, from_inbox = _both_ways(tmp_path / "events", b"[" + data + b"]" if is_array else data)
    assert from_file == from_inbox
    assert not any(b"\n" in line for line in from_inbox), "each is one line of JSON lines"


def _expected_lines(data: bytes) -> list[bytes]:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return [line for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    return split_lines("one JSON value", data)


def _ledger_key(line: bytes) -> str | None:
    """Read the key that makes a line an event that is known already."""
    try:
        return storable(read_envelope(line).idempotency_key)
    except InvalidEventError:
        return None


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, min_size=1, max_size=8), is_sorted=st.booleans(), packed=st.booleans())
def test_no_line_is_ever_lost(
    session: Session, tmp_path: Path, lines: list[bytes], is_sorted: bool, packed: bool
) -> None:
    wipe(session, WORKSPACE)
    objects = DirectoryObjectStore(tmp_path / f"objects-{next(_numbers)}")
    here = session_with(session, objects=objects)
    data = b"\n".join(lines)
    assume(data[:2] != b"\x1f\x8b")
    expected = _expected_lines(data)
    data = gzip.compress(data) if packed else data
    key = f"inbox/{WORKSPACE}/a.jsonl" if is_sorted else "inbox/a.jsonl"
    objects.put_many({key: data})
    if not is_sorted:
        _route(objects)
    report = _receive(here, WORKSPACE)

    with_key = rows(here, WORKSPACE, "SELECT idempotency_key, raw_key FROM source_events")
    dead = rows(here, WORKSPACE, "SELECT reason, raw_key FROM dead_letters")
    raw = objects.get_many([raw_key for _, raw_key in (*with_key, *dead)])
    assert len(raw) == len({raw_key for _, raw_key in (*with_key, *dead)})
    elsewhere = [*_lines_below(objects, "rejected/"), *_lines_below(objects, "inbox/")]
    kept = {*raw.values(), *elsewhere}
    known_keys = {idempotency_key for idempotency_key, _ in with_key}
    # An object that is one broken array or object is kept whole, as it came.
    whole = next((raw for raw in kept if raw in {data, b"\n".join(lines)}), b"")
    for line in expected:
        assert line in kept or _ledger_key(line) in known_keys or line in _unpacked(whole), f"lost: {line!r}"
    assert report.seen == report.written + report.unchanged + report.failed
    assert report.written == len(with_key)
    assert not any(info.key.startswith(f"inbox/{WORKSPACE}/") for info in objects.list("inbox/"))
