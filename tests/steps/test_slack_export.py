"""A Slack export reaches the inbox as events that say the same as those of the Events API."""

from __future__ import annotations

import json
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.slack import parse
from neural_memory_pipelines.steps import slack_export_files
from neural_memory_pipelines.steps.ingest import IngestReport
from neural_memory_pipelines.steps.slack_export import ingest_slack_export, read_slack_export
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

WORKSPACE = WorkspaceId("acme")
Files = Mapping[str, Any]
DAY = "general/2026-01-02.json"
T1, T2, T3 = "1767348000.000100", "1767348060.000100", "1767348120.000100"

USERS = [
    {
        "id": "U0ADA",
        "name": "ada",
        "real_name": "Ada Lovelace",
        "updated": 1700000000,
        "is_bot": False,
        "profile": {"real_name": "Ada Lovelace", "email": "ada@acme.example", "phone": "+49 30 1234", "fields": None},
    },
    {"id": "U0BEN", "name": "ben", "profile": {"display_name": "Benny"}},
]
CHANNELS = [{"id": "C1", "name": "general", "is_archived": False, "members": ["U0ADA"], "topic": {"value": ""}}]
ROOT = {"type": "message", "user": "U0ADA", "ts": T1, "thread_ts": T1, "text": "Who keeps carts, <@U0BEN>?"}
REPLY = {"type": "message", "user": "U0BEN", "ts": T2, "thread_ts": T1, "text": "We do, for a week."}
EXPORT: Files = {"users.json": USERS, "channels.json": CHANNELS, DAY: [ROOT, REPLY]}


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


def write_folder(folder: Path, files: Files) -> Path:
    for name, value in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return folder


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in files.items():
            archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))
    return path


def take(objects: DirectoryObjectStore) -> list[SourceEvent]:
    """Empty the inbox and read its events."""
    found = []
    for info in list(objects.list(f"inbox/{WORKSPACE}/")):
        found += [decode_envelope(line) for line in objects.get(info.key).splitlines()]
        objects.delete(info.key)
    return found


Put = Callable[..., tuple[IngestReport, list[SourceEvent]]]


@pytest.fixture
def put(tmp_path: Path, objects: DirectoryObjectStore) -> Put:
    def put_export(files: Files, *, path: Path | None = None) -> tuple[IngestReport, list[SourceEvent]]:
        place = path or write_zip(tmp_path / "export.zip", files)
        report = ingest_slack_export(place, workspace=WORKSPACE, organization_id="org", objects=objects)
        return report, take(objects)

    return put_export


def faults(report: IngestReport) -> list[str]:
    """The faults without the folder of the export."""
    return [fault.split("export.zip: ")[-1].split("/folder/")[-1] for fault in report.faults]


def changes_of(event: SourceEvent) -> Changes:
    outcome = parse(event)
    assert isinstance(outcome, Changes), outcome
    return outcome


def test_messages_come_first_then_channels_and_users(put: Put) -> None:
    report, events = put(EXPORT)
    assert (report.put, report.faults, report.put_by_workspace) == (4, [], {"acme": 4})
    assert [event.action for event in events] == ["message", "message", "channel_observed", "users_observed"]
    assert {(event.source, event.organization_id) for event in events} == {("slack", "org")}
    assert events[1].occurred_at.isoformat() == "2026-01-02T10:01:00.000100+00:00"


def test_a_zip_a_folder_and_a_folder_in_a_zip_give_the_same_events(put: Put, tmp_path: Path) -> None:
    _, events = put(EXPORT)
    nested = {f"Acme export/{name}": value for name, value in EXPORT.items()}
    for place in (
        write_folder(tmp_path / "folder", EXPORT),
        write_folder(tmp_path / "nested", nested),
        write_zip(tmp_path / "nested.zip", nested),
    ):
        report, again = put({}, path=place)
        assert (report.faults, again) == ([], events)


def test_a_message_is_the_same_part_as_the_one_of_the_events_api(put: Put) -> None:
    _, (first, *_) = put(EXPORT)
    profile = {"name": "ada", "real_name": "Ada Lovelace", "display_name": ""}
    sent = {**ROOT, "channel": "C1", "channel_type": "channel", "event_ts": T1, "user_profile": profile}
    live = SourceEvent(
        WORKSPACE, "org", "slack", "message", first.occurred_at, "slack:Ev1",
        {"type": "event_callback", "event": sent, "channel_name": "general"},
    )  # fmt: skip
    mine, theirs = ({part.part_id: part for part in changes_of(event).parts} for event in (first, live))
    for part_id in (T1, "channel/name", "channel/privacy"):
        assert mine[part_id] == theirs[part_id]
    assert mine["person/U0ADA"].content == {"name": "Ada Lovelace", "handle": "ada", "is_bot": False}
    assert mine["person/U0BEN"].content == {"name": "Benny", "handle": "ben"}


def test_keys_are_made_of_what_is_said(put: Put) -> None:
    _, events = put(EXPORT)
    chatty = {
        **ROOT,
        "reply_count": 1,
        "replies": [{"user": "U0BEN", "ts": T2}],
        "reactions": [{"name": "+1", "count": 9}],
    }
    _, same = put({**EXPORT, DAY: [chatty, REPLY]})
    assert [event.idempotency_key for event in same] == [event.idempotency_key for event in events]
    later = {**REPLY, "text": "For two weeks.", "edited": {"user": "U0BEN", "ts": "1767350000.000000"}}
    _, other = put({**EXPORT, DAY: [ROOT, later]})
    assert other[0].idempotency_key == events[0].idempotency_key
    assert other[1].idempotency_key != events[1].idempotency_key
    assert len({event.idempotency_key for event in (*events, *other)}) == 7


def test_addresses_of_files_and_of_people_stay_out_of_messages(put: Put) -> None:
    file = {
        "id": "F1",
        "name": "plan.pdf",
        "mimetype": "application/pdf",
        "url_private": "https://files.example?t=xoxe-1",
    }
    _, events = put({**EXPORT, DAY: [{**ROOT, "files": [file], "upload": True}, {**REPLY, "file": file}]})
    spelled = json.dumps([event.payload for event in events[:2]])
    assert "plan.pdf" in spelled
    assert "xoxe" not in spelled
    assert "ada@acme.example" not in spelled
    (account, _) = changes_of(events[-1]).accounts
    assert account.email_hash is not None
    assert "+49" not in json.dumps(events[-1].payload)


@pytest.mark.parametrize(
    ("listing", "folder", "facts", "is_private", "is_direct"),
    [
        ("channels.json", "shop", {"id": "C2", "name": "shop"}, False, False),
        ("groups.json", "leads", {"id": "G2", "name": "leads"}, True, False),
        ("dms.json", "D2", {"id": "D2", "members": ["U0ADA", "U0BEN"]}, True, True),
        ("mpims.json", "mpdm-a--b-1", {"id": "C3", "name": "mpdm-a--b-1"}, True, True),
    ],
)
def test_each_list_says_who_may_read(
    put: Put, listing: str, folder: str, facts: dict[str, Any], is_private: bool, is_direct: bool
) -> None:
    _, events = put({listing: [facts], f"{folder}/2026-01-02.json": [ROOT]})
    for event in events:
        (fact,) = [part for part in changes_of(event).parts if part.part_id == "channel/privacy"]
        assert fact.content == {"is_private": is_private, "is_direct": is_direct}
        assert fact.source_id == facts["id"]


def test_what_is_said_of_a_channel_is_as_of_the_end_of_the_export(put: Put) -> None:
    late = {**REPLY, "edited": {"user": "U0BEN", "ts": "1767350000.000000"}}
    archived = [{**CHANNELS[0], "is_archived": True}, {"id": "C2", "name": "empty"}]
    _, events = put({**EXPORT, "channels.json": archived, DAY: [ROOT, late]})
    said = [part for event in events if event.action == "channel_observed" for part in changes_of(event).parts]
    assert {part.as_of.isoformat() for part in said} == {"2026-01-02T10:33:20+00:00"}
    assert ("C1", {"is_archived": True}) in [(part.source_id, part.content) for part in said]
    assert {part.source_id for part in said} == {"C1", "C2"}


def test_a_deleted_message_is_deleted_as_of_the_end_of_the_export(put: Put) -> None:
    gone = {
        "type": "message",
        "subtype": "tombstone",
        "user": "USLACKBOT",
        "text": "This message was deleted.",
        "ts": T1,
    }
    _, events = put({**EXPORT, DAY: [{**gone, "thread_ts": T1, "hidden": True}, REPLY]})
    (part,) = [part for event in events for part in getattr(parse(event), "parts", ()) if part.part_id == T1]
    assert (part.source_id, part.content) == (f"C1/{T1}", None)
    assert part.as_of.isoformat() == "2026-01-02T10:01:00.000100+00:00"


def test_an_export_without_messages_still_tells_of_channels_and_users(put: Put) -> None:
    report, events = put({"users.json": USERS, "channels.json": CHANNELS})
    assert (report.put, report.faults) == (2, [])
    assert {event.occurred_at.isoformat() for event in events} == {"2023-11-14T22:13:20+00:00"}


def test_many_users_are_divided(put: Put) -> None:
    users = [{"id": f"U{number}", "name": f"u{number}"} for number in range(2_500)]
    _, events = put({**EXPORT, "users.json": users})
    assert [len(changes_of(event).accounts) for event in events if event.action == "users_observed"] == [
        1000,
        1000,
        500,
    ]


# --- what is broken


def test_what_is_broken_is_told_by_its_place_and_the_rest_goes_in(put: Put) -> None:
    report, events = put(
        {
            "users.json": [{"name": "nobody"}, *USERS],
            "channels.json": [*CHANNELS, {"id": "a/b"}, 7],
            "groups.json": b"{",
            DAY: [ROOT, 7, {"type": "message", "text": "when?"}, REPLY],
            "general/2026-01-03.json": b'[{"ts": ',
            "general/2026-01-04.json": b'{"ts": "1"}',
            "general/2026-01-05.json": b"\xff\xfe[]",
            "general/2026-01-06.json": b"[" * 100_000,
            "general/2026-01-07.json": b"\xef\xbb\xbf" + json.dumps([{**ROOT, "ts": T3, "thread_ts": T3}]).encode(),
            "unlisted/2026-01-02.json": [ROOT],
            "unlisted/2026-01-03.json": [ROOT],
        }
    )
    told = faults(report)
    assert told[:3] == [
        "users.json: item 1: user.id: required, but missing",
        "channels.json: item 2: channel.id: expected an id of letters and digits, got 'a/b'",
        "channels.json: item 3: expected an object",
    ]
    assert told[4:7] == [
        "unlisted: is in none of channels.json, groups.json, dms.json, mpims.json: 2 days left out",
        "general/2026-01-02.json: item 2: expected an object",
        "general/2026-01-02.json: item 3: ts: expected a time of Slack such as '1355517523.000005'",
    ]
    broken = [told[3], *told[7:]]
    days = [f"general/2026-01-0{day}.json" for day in (3, 4, 5, 6)]
    assert [fault.split(": ")[0] for fault in broken] == ["groups.json", *days]
    assert Counter(event.action for event in events) == {"message": 3, "channel_observed": 1, "users_observed": 1}


def test_other_files_are_left_alone(put: Put) -> None:
    others = {
        "integration_logs.json": b"not json",
        "canvases.json": b"{",
        "general/canvas_in_the_conversation.json": b"{",
        "FC:F1:notes/2026-01-02.json": b"{",
        "huddle_transcripts.json": b"{",
        "general/deep/er/2026-01-02.json": b"{",
    }
    report, events = put({**EXPORT, **others})
    assert (report.faults, len(events)) == ([], 4)


def test_a_message_that_the_source_cannot_read_goes_in_and_fails_there(put: Put) -> None:
    report, events = put({**EXPORT, DAY: [{**ROOT, "text": 7, "user": ["x"]}]})
    assert (report.faults, report.put) == ([], 3)
    assert events[0].payload["event"]["text"] == 7


def test_what_is_no_export_says_so(put: Put, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("hello")
    for place, error, words in (
        (tmp_path / "nope", NotFoundError, "no such file"),
        (tmp_path / "text.txt", PermanentError, "neither a folder nor a zip"),
        (write_zip(tmp_path / "other.zip", {"a.json": []}), PermanentError, "holds none of channels.json"),
        (write_folder(tmp_path / "other", {"a.json": []}), PermanentError, "holds none of channels.json"),
    ):
        with pytest.raises(error, match=words):
            put({}, path=place)


def test_paths_that_lead_out_are_refused(put: Put, tmp_path: Path) -> None:
    report, events = put({**EXPORT, "../general/2026-01-05.json": [ROOT], "/general/2026-01-06.json": [ROOT]})
    assert sorted(report.faults) == [
        f"{tmp_path}/export.zip: ../general/2026-01-05.json: leads out of the archive",
        f"{tmp_path}/export.zip: /general/2026-01-06.json: leads out of the archive",
    ]
    assert len(events) == 4
    folder = write_folder(tmp_path / "folder", EXPORT)
    outside = write_folder(tmp_path / "outside", {"secret.json": [{**ROOT, "text": "secret"}]})
    (folder / "general" / "2026-01-05.json").symlink_to(outside / "secret.json")
    (folder / "linked").symlink_to(outside)
    report, events = put({}, path=folder)
    assert report.faults == [f"{folder}/general/2026-01-05.json: leads out of the folder"]
    assert "secret" not in json.dumps([event.payload for event in events])


def test_a_zip_that_would_fill_the_disk_is_refused(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = write_zip(tmp_path / "bomb.zip", {"channels.json": CHANNELS, DAY: b" " * 5_000_000})
    monkeypatch.setattr(slack_export_files, "_UNPACKED_LIMIT_BYTES", 1_000_000)
    with pytest.raises(PermanentError, match="would unpack to 5000"):
        put({}, path=bomb)


def test_a_file_that_is_too_large_is_a_fault(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_export_files, "FILE_LIMIT_BYTES", 2_000)
    report, events = put({**EXPORT, "general/2026-01-03.json": [{**ROOT, "text": "x" * 3_000}]})
    assert faults(report) == ["general/2026-01-03.json: larger than 2000 bytes"]
    assert len(events) == 4


def test_damaged_and_locked_members_are_faults(put: Put, tmp_path: Path) -> None:
    place = write_zip(tmp_path / "export.zip", {**EXPORT, "general/2026-01-03.json": [ROOT] * 50})
    data = bytearray(place.read_bytes())
    with zipfile.ZipFile(place) as archive:
        start = archive.getinfo("general/2026-01-03.json").header_offset
    data[start + 60 : start + 70] = b"\x00" * 10
    place.write_bytes(data)
    report, events = put({}, path=place)
    assert [fault.split(": ")[0] for fault in faults(report)] == ["general/2026-01-03.json"]
    assert len(events) == 4


def test_an_export_is_not_held_in_memory(tmp_path: Path) -> None:
    words = "we keep carts for a week and then some " * 40
    days = {
        f"general/2026-01-{day:02}.json": [
            {**ROOT, "ts": f"17673{day:02}{number:03}.000100", "text": words} for number in range(200)
        ]
        for day in range(1, 29)
    }
    place = write_zip(tmp_path / "large.zip", {**EXPORT, **days})
    whole_bytes = sum(len(json.dumps(day)) for day in days.values())
    tracemalloc.start()
    count = sum(1 for _ in read_slack_export(place))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 28 * 200 + 2
    assert peak_bytes < whole_bytes / 3


def test_progress_counts_days(tmp_path: Path, objects: DirectoryObjectStore) -> None:
    seen: list[tuple[int, int | None]] = []

    def note(done: int, *, total: int | None = None) -> None:
        seen.append((done, total))

    place = write_zip(tmp_path / "e.zip", {**EXPORT, "general/2026-01-03.json": b"{"})
    ingest_slack_export(place, workspace=WORKSPACE, organization_id="o", objects=objects, on_progress=note)
    assert seen == [(0, 2), (1, None), (1, None)]


def test_a_real_export_goes_in_whole_and_twice_is_once(put: Put, shared_data: Path) -> None:
    place = shared_data / "slack_export" / "tests" / "testarchive.zip"
    report, events = put({}, path=place)
    assert (report.put, report.faults) == (161, [])
    assert len({event.idempotency_key for event in events}) == 161
    assert put({}, path=place)[1] == events
    outcomes = Counter(type(parse(event)) for event in events)
    assert outcomes == {Changes: 150, Skip: 11}
