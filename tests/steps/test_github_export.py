"""Backups of GitHub's issues and pull requests reach the inbox: one event for each object, whatever form they have."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import Changes
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps import github_files
from neural_memory_pipelines.steps.github_export import ExportReport, ingest_github_export
from neural_memory_pipelines.steps.github_objects import LeftOut, Unknown, take_apart
from neural_memory_pipelines.stores.objects.directory import DirectoryObjectStore

WORKSPACE = WorkspaceId("acme")
WEB = "https://github.com/acme/shop"
API = "https://api.github.com/repos/acme/shop"
ADA = {"login": "ada", "id": 7, "type": "User"}
BEN = {"login": "ben", "id": 8, "type": "User"}

Json = dict[str, Any]
Export = Callable[..., tuple[list[Json], ExportReport]]


def issue(number: int = 1, **changes: Any) -> Json:
    value = {
        **{"id": 100 + number, "number": number, "title": f"Carts vanish ({number})", "body": "At midnight."},
        **{"state": "open", "user": ADA, "labels": [], "comments": 0},
        **{"html_url": f"{WEB}/issues/{number}", "url": f"{API}/issues/{number}"},
        **{"created_at": "2026-03-01T09:00:00Z", "updated_at": "2026-03-02T10:00:00Z"},
    }
    return {key: item for key, item in (value | changes).items() if item is not ...}


def pull(number: int = 2, **changes: Any) -> Json:
    ends = {"head": {"ref": "fix"}, "base": {"ref": "main"}, "merged_at": None}
    places = {"html_url": f"{WEB}/pull/{number}", "url": f"{API}/pulls/{number}"}
    return issue(number, **(ends | places | changes))


def comment(number: int, name: int, **changes: Any) -> Json:
    value = {
        **{"id": name, "body": f"Decision {name}: carts are kept for a week, as the night job empties them."},
        **{"user": BEN, "issue_url": f"{API}/issues/{number}", "url": f"{API}/issues/comments/{name}"},
        **{"html_url": f"{WEB}/issues/{number}#issuecomment-{name}"},
        **{"created_at": "2026-03-01T10:00:00Z", "updated_at": f"2026-03-01T10:00:{name % 60:02}Z"},
    }
    return {key: item for key, item in (value | changes).items() if item is not ...}


def review(number: int, name: int, **changes: Any) -> Json:
    value = {
        **{"id": name, "body": "This needs a test of the night job before it can go in.", "state": "CHANGES_REQUESTED"},
        **{"user": BEN, "html_url": f"{WEB}/pull/{number}#pullrequestreview-{name}", "commit_id": "c" * 40},
        **{"pull_request_url": f"{API}/pulls/{number}", "submitted_at": "2026-03-01T11:00:00Z"},
    }
    return value | changes


def review_comment(number: int, name: int, **changes: Any) -> Json:
    value = {
        **{"id": name, "body": "Why is this a week and not a month, as for the other carts?", "user": BEN},
        **{"url": f"{API}/pulls/comments/{name}", "html_url": f"{WEB}/pull/{number}#discussion_r{name}"},
        **{"pull_request_url": f"{API}/pulls/{number}", "path": "job.py", "diff_hunk": "@@", "commit_id": "c" * 40},
        **{"created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z"},
        "pull_request_review_id": 31,
    }
    return value | changes


LABELED = {"event": "labeled", "id": 1, "url": f"{API}/issues/events/1", "actor": ADA, "label": {"name": "bug"}}


def in_timeline(event: str, value: Json) -> Json:
    """Show an object as the timeline does; some programs write the fields of all events into each."""
    return {"event": event, "actor": None, "commit_url": None, "created_at": None, "url": None} | value


@pytest.fixture
def objects(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "objects")


@pytest.fixture
def export(tmp_path: Path, objects: DirectoryObjectStore) -> Export:
    """Write files, JSON or bytes, and ingest them."""

    def run(files: dict[str, Any], **options: Any) -> tuple[list[Json], ExportReport]:
        folder = tmp_path / "backup"
        for name, value in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(value if isinstance(value, bytes) else json.dumps(value, indent=2).encode())
        report = ingest_github_export(folder, workspace=WORKSPACE, organization_id="org", objects=objects, **options)
        return list(_take(objects)), report

    return run


def _take(objects: DirectoryObjectStore) -> Iterator[Json]:
    for info in list(objects.list(f"inbox/{WORKSPACE}/")):
        yield from map(json.loads, objects.get(info.key).splitlines())
        objects.delete(info.key)


def kinds(events: list[Json]) -> list[tuple[str, int]]:
    return [(event["action"], event["payload"]["id"]) for event in events]


def test_a_backup_of_github_metadata_backup(export: Export) -> None:
    """It puts an issue beside its timeline, which holds the comments and reviews, and a pull beside its comments."""
    said = in_timeline("commented", comment(1, 11, actor=BEN))
    reviewed = in_timeline("reviewed", review(2, 31))
    events, report = export(
        {
            "issues/1.json": {"type": "issue", "issue": issue(1, comments=1), "events": [LABELED, said]},
            "pulls/2.json": {
                **{"type": "pull", "pull": pull(2), "events": [reviewed, in_timeline("commented", comment(2, 12))]},
                "comments": [review_comment(2, 21)],
            },
            "state.json": {"version": 2, "last_backup": "2026-03-03T00:00:00Z", "failed_issues": []},
        }
    )
    assert report.faults == []
    assert kinds(events) == [
        *(("issues.observed", 101), ("issue_comment.observed", 11)),
        *(("pull_request.observed", 102), ("pull_request_review_comment.observed", 21)),
        *(("pull_request_review.observed", 31), ("issue_comment.observed", 12)),
    ]
    assert events[0]["payload"] == issue(1, comments=1) | {"events": [LABELED]}
    assert events[1]["payload"] == comment(1, 11), "as the API returns it by itself"
    assert events[2]["payload"]["events"] == [reviewed]
    assert events[4]["payload"] == review(2, 31)
    assert (report.put, report.files) == (6, 3)
    assert report.kinds == {
        **{"issues": 1, "issue_comment": 2, "pull_request": 1},
        **{"pull_request_review": 1, "pull_request_review_comment": 1},
    }
    assert report.notes == ["1 states of a backup left out"]


def test_a_backup_of_github_backup(export: Export, tmp_path: Path) -> None:
    """It adds arrays to the object itself, and writes more than issues; a clone of the repository lies beside them."""
    clone = tmp_path / "backup" / "repositories" / "shop" / "repository"
    (clone / ".git").mkdir(parents=True)
    (clone / "package.json").write_text("{}")
    root = "repositories/shop"
    events, report = export(
        {
            f"{root}/issues/1.json": issue(
                comments=2, comment_data=[comment(1, 11), comment(1, 12)], event_data=[LABELED], timeline_data=[LABELED]
            ),
            f"{root}/pulls/2.json": pull(
                comment_regular_data=[comment(2, 13)],
                comment_data=[review_comment(2, 21)],
                review_data=[review(2, 31)],
                commit_data=[{"sha": "c" * 40}],
            ),
            f"{root}/milestones/1.json": {"url": f"{API}/milestones/1", "number": 1, "title": "m"},
            f"{root}/labels/labels.json": [{"url": f"{API}/labels/{name}", "name": name} for name in ("bug", "good")],
            f"{root}/discussions/9.json": {
                "number": 9,
                "url": f"{WEB}/discussions/9",
                "createdAt": "2026-01-01T00:00:00Z",
            },
        }
    )
    assert [name for name, _ in kinds(events)] == [
        *("issues.observed", "issue_comment.observed", "issue_comment.observed", "pull_request.observed"),
        *("pull_request_review.observed", "issue_comment.observed", "pull_request_review_comment.observed"),
    ]
    assert events[0]["payload"] == issue(comments=2) | {"events": [LABELED], "timeline": [LABELED]}
    assert events[3]["payload"] == pull(commit_data=[{"sha": "c" * 40}], reviews=[review(2, 31)])
    assert report.notes == [
        "2 labels left out",
        "1 milestones left out",
        f"{clone}: a git repository of its own, left out",
    ]
    (fault,) = report.faults
    assert "discussions/9.json: an object of the GraphQL API" in fault


def test_arrays_in_files_of_their_own_and_arrays_of_issues(export: Export) -> None:
    events, report = export(
        {
            "issues/1.json": issue(1),
            "issues/1-comments.json": [comment(1, 11)],
            "issues/1-timeline.json": {"timeline": [LABELED, in_timeline("commented", comment(1, 11))]},
            "issues/10-comments.json": [comment(10, 12)],
            "pulls/2_review_comments.json": [review_comment(2, 21)],
            "pulls/2.json": pull(2),
            "page-1.json": [issue(3), pull(4, comments=[comment(4, 13), comment(4, 14)])],
            "single/comment.json": comment(3, 15),
            "lonely/events.json": [LABELED, in_timeline("commented", comment(5, 16))],
        }
    )
    assert report.faults == []
    assert sorted(value for _, value in kinds(events)) == [11, 12, 13, 14, 15, 16, 21, 101, 102, 103, 104]
    by_id = {event["payload"]["id"]: event["payload"] for event in events}
    assert by_id[101] == issue(1) | {"timeline": [LABELED]}
    assert by_id[104]["comments"] == 2
    assert report.notes == ["1 events without their issue left out"]


def test_gzipped_files_and_both_forms_of_one_file(export: Export) -> None:
    events, report = export(
        {
            "1.json.gz": gzip.compress(json.dumps(issue(1)).encode()),
            "1-comments.json.gz": gzip.compress(json.dumps([comment(1, 11)]).encode()),
            "2.json": issue(2),
            "2.json.gz": gzip.compress(json.dumps(issue(2, title="older")).encode()),
        }
    )
    assert (report.faults, sorted(value for _, value in kinds(events))) == ([], [11, 101, 102, 102])


def test_what_cannot_be_read_is_told_by_its_file_and_the_rest_goes_in(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_files, "_FILE_LIMIT_BYTES", 20_000)
    bad: dict[str, Any] = {
        "cut.json": b'{"issue": {',
        "empty.json": b"",
        "latin.json": b'{"a": "\xff"}',
        "deep.json": b"[" * 10_000,
        "cut.json.gz": gzip.compress(os.urandom(5_000))[:-100],
        "no.json.gz": b"\x1f\x8bno",
        "large.json": b'"' + b"x" * 30_000 + b'"',
        "bomb.json.gz": gzip.compress(b" " * 3_000_000),
        "null.json": None,
        "number.json": 7,
        "settings.json": {"theme": "dark"},
        "user.json": {"login": "ada", "id": 7, "html_url": "https://github.com/ada"},
        "timeless.json": issue(9, updated_at=..., created_at=...),
        "mixed.json": issue(3, comments=[comment(3, 31), "no comment", {"id": 5}]),
        "4.json": issue(4),
        "4-comments.json": b"[",
        "4-events.json": {"a": 1},
    }
    events, report = export(
        bad | {"good.json": issue(1), "readme.md": b"text", ".hidden/x.json": b"{", "x.jsonl": b"{"}
    )
    told = sorted(fault.removeprefix(f"{tmp_path}/backup/").split(":")[0] for fault in report.faults)
    assert told == sorted([*(name for name in bad if name != "4.json"), "mixed.json"])
    assert sorted(value for _, value in kinds(events)) == [31, 101, 103, 104]
    assert report.put == 4


def test_links_and_pipes_are_left_alone(export: Export, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "outside.json").write_text(json.dumps(issue(1)))
    (tmp_path / "backup" / "link.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(tmp_path / "backup" / "pipe.json")
    assert export({})[1].is_empty
    for name, words in (("nope", "no such folder"), ("outside.json", "this is a file")):
        with pytest.raises(NotFoundError, match=words):
            ingest_github_export(
                tmp_path / name,
                workspace=WORKSPACE,
                organization_id="org",
                objects=DirectoryObjectStore(tmp_path / "o"),
            )


def test_the_repository_is_filled_in_where_objects_do_not_tell(export: Export) -> None:
    nameless = {"html_url": ..., "url": ...}
    files = {
        "1.json": issue(1, **nameless, comments=[comment(1, 11, **nameless, issue_url=...)]),
        "2.json": pull(2, **nameless)
        | {
            "reviews": [review(2, 31, html_url=None, pull_request_url=None)],
            "review_comments": [review_comment(2, 21, html_url=None, url=None, pull_request_url=None)],
        },
        "3.json": issue(3),
    }
    assert export(files)[1].put == 1
    events, report = export(files, repository="other/place")
    assert report.faults == []
    assert sorted(event["payload"]["html_url"] for event in events) == [
        "https://github.com/acme/shop/issues/3",
        "https://github.com/other/place/issues/1",
        "https://github.com/other/place/issues/1#issuecomment-11",
        "https://github.com/other/place/pull/2",
        "https://github.com/other/place/pull/2#discussion_r21",
        "https://github.com/other/place/pull/2#pullrequestreview-31",
    ]


def test_events_are_those_of_their_objects_and_the_same_each_time(export: Export) -> None:
    files = {"1.json": issue(1, comments=[comment(1, 11)]), "2.json": pull(2, reviews=[review(2, 31)])}
    events, _ = export(files)
    assert [event["occurredAt"] for event in events] == [
        *("2026-03-02T10:00:00Z", "2026-03-01T10:00:11Z", "2026-03-02T10:00:00Z", "2026-03-01T11:00:00Z")
    ]
    assert export(files)[0] == events
    assert len({event["idempotencyKey"] for event in events}) == 4


def test_every_event_is_one_that_the_github_source_reads(export: Export) -> None:
    events, report = export(
        {
            "1.json": {"issue": issue(1), "events": [LABELED, in_timeline("commented", comment(1, 11))]},
            "2.json": pull(2, reviews=[review(2, 31)], review_comments=[review_comment(2, 21)]),
        }
    )
    assert (len(events), report.faults) == (5, [])
    found: set[str] = set()
    for event in events:
        changes = source_named("github").parse(decode_envelope(json.dumps(event)))
        assert isinstance(changes, Changes), event["action"]
        found |= {draft.source_id for draft in changes.drafts}
    assert found == {
        *("acme/shop#1", "acme/shop#1/comment/11", "acme/shop#2"),
        *("acme/shop#2/review/31", "acme/shop#2/review-comment/21"),
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "issue",
                        "pull",
                        "comments",
                        "comment_data",
                        "events",
                        "timeline",
                        "reviews",
                        "event",
                        "html_url",
                    ),
                    *("url", "number", "id", "attachments", "last_backup", "createdAt", "submitted_at", "node_id", "x"),
                ]
            ),
            inner | st.sampled_from(["commented", "reviewed", f"{WEB}/issues/1", f"{API}/labels/bug"]),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, repository=st.none() | st.just("acme/shop"))
def test_any_json_is_taken_apart_without_an_error(value: Any, repository: str | None) -> None:
    before = json.dumps(value)
    for item in take_apart(value, repository=repository):
        assert isinstance(item, dict | LeftOut | Unknown)
    assert json.dumps(value) == before, "it is not the caller's to change"
