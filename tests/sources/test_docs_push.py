"""Pushes of docs: what becomes of each file, whose the commit is, and what a wrong payload is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from docs_events import AS_OF, CHANGED_AT, docs_event

from neural_memory_pipelines.domain.documents import Changes, Commit
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources import docs

AFTER = "3f1c" * 10
BEFORE = "77aa" * 10


def file(status: str = "added", path: str = "a.md", **fields: Any) -> dict[str, Any]:
    """A file of a push; a field that is None is left out."""
    whole = {"status": status, "path": path, "changedAt": CHANGED_AT, "commit": AFTER, **fields}
    if status != "removed":
        whole = {"content": "words", **whole}
    return {key: value for key, value in whole.items() if value is not None}


def push(*files: dict[str, Any], **fields: Any) -> Changes:
    parsed = docs.parse(docs_event(docs.PUSHED, payload(*files, **fields)))
    assert isinstance(parsed, Changes)
    return parsed


def payload(*files: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "store": "handbook",
        "ref": "refs/heads/main",
        "before": BEFORE,
        "after": AFTER,
        "deliveryId": "d-1",
        "forced": False,
        "repository": "acme/handbook",
        "files": list(files),
        **fields,
    }


def gone(changes: Changes) -> dict[str, str]:
    return {deletion.source_id: deletion.reason for deletion in changes.deletions}


def test_each_file_of_a_push_becomes_a_draft_or_a_deletion() -> None:
    changes = push(
        file("added", "new.md", content="# New"),
        file("modified", "rfcs/0002.md", content="# Two", url="https://example.org/2"),
        file("removed", "old.md"),
        file("renamed", "to.md", previousPath="from.md", content="moved"),
    )
    assert [(draft.source_id, draft.title) for draft in changes.drafts] == [
        ("handbook/new.md", "New"),
        ("handbook/rfcs/0002.md", "Two"),
        ("handbook/to.md", "To"),
    ]
    assert gone(changes) == {"handbook/old.md": "removed from the store", "handbook/from.md": "renamed to to.md"}
    assert {item.as_of for item in (*changes.drafts, *changes.deletions)} == {AS_OF}
    assert changes.drafts[1].url == "https://example.org/2"
    assert changes.drafts[0].occurred_at == datetime(2024, 5, 1, 10, tzinfo=UTC)


def test_a_push_names_its_commit() -> None:
    assert push().commit == Commit("handbook", AFTER, BEFORE, "d-1", "refs/heads/main")
    first = push(before="0" * 40, deliveryId=None, ref=None)
    assert first.commit == Commit("handbook", AFTER)
    assert (first.drafts, first.deletions) == ((), ())


def test_a_push_says_of_a_file_what_its_own_event_says() -> None:
    content = "# Title\n\n## Decision\n\nWe do, see acme/shop#3.\n"
    (pushed,) = push(file("modified", "a.md", content=content), repository=None).drafts
    alone = docs.parse(
        docs_event(docs.UPSERTED, {"store": "handbook", "path": "a.md", "content": content, "changedAt": CHANGED_AT})
    )
    assert isinstance(alone, Changes)
    assert alone.drafts == (pushed,)


def test_a_bare_number_names_nothing_in_words_and_belongs_to_the_repository_in_fields() -> None:
    (draft,) = push(file(content="---\nrequires: '#12'\n---\nSee #13, and acme/shop#14.")).drafts
    named = [link.target.handle for link in draft.links if link.target]
    assert named == ["github:acme/handbook#12", "github:acme/shop#14"]


@pytest.mark.parametrize("content", ["", " \n", "---\ntitle: x\n---\n", "\x89PNG\0\1"])
def test_a_file_without_text_is_gone(content: str) -> None:
    assert gone(push(file("modified", content=content))) == {"handbook/a.md": "emptied"}


def test_a_file_whose_content_is_null_is_no_text() -> None:
    whole = file("modified") | {"content": None}
    assert gone(push(whole)) == {"handbook/a.md": "emptied"}


def test_files_that_take_each_others_place_are_not_gone() -> None:
    changes = push(
        file("renamed", "b.md", previousPath="a.md", content="was a"),
        file("renamed", "a.md", previousPath="b.md", content="was b"),
    )
    assert {draft.source_id: draft.body for draft in changes.drafts} == {
        "handbook/b.md": "was a",
        "handbook/a.md": "was b",
    }
    assert changes.deletions == ()
    replaced = push(file("removed", "a.md"), file("added", "a.md", content="again"))
    assert [draft.body for draft in replaced.drafts] == ["again"]
    assert replaced.deletions == ()


def test_a_push_is_about_no_single_document() -> None:
    assert docs.subject(docs_event(docs.PUSHED, payload(file()) | {"path": "a.md"})) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"store": None}, "payload.store: "),
        ({"store": "a/b"}, "payload.store: "),
        ({"after": None}, "payload.after: "),
        ({"after": "HEAD"}, "payload.after: "),
        ({"before": "main"}, "payload.before: "),
        ({"deliveryId": 7}, "payload.deliveryId: "),
        ({"forced": "no"}, "payload.forced: "),
        ({"repository": "acme"}, "payload.repository: "),
        ({"files": None}, "payload.files: "),
        ({"files": {}}, "payload.files: "),
        ({"files": [7]}, r"payload.files\[0\]: "),
        ({"files": [file(), file("deleted", "b.md")]}, r"payload.files\[1\].status: expected one of added, "),
        ({"files": [file(path="../x")]}, r"payload.files\[0\].path: expected a path relative"),
        ({"files": [file(), file(path="b.md", changedAt="now")]}, r"payload.files\[1\].changedAt: expected an ISO"),
        ({"files": [file(), file(), file()]}, r"payload.files\[1\].path: the push describes 'a.md' twice"),
        ({"files": [file("renamed")]}, r"payload.files\[0\].previousPath: required"),
        ({"files": [file("renamed", previousPath="/x")]}, r"payload.files\[0\].previousPath: expected"),
        ({"files": [{"status": "added", "path": "a.md", "changedAt": CHANGED_AT}]}, r"payload.files\[0\].content: req"),
        ({"files": [{"status": "added", "path": "a.md", "content": "x"}]}, r"payload.files\[0\].changedAt: required"),
        ({"files": [file(author="Ada")]}, r"payload.files\[0\].author: "),
        ({"files": [file(author={"name": 3})]}, r"payload.files\[0\].author.name: "),
        ({"files": [file(authors=[{"email": []}])]}, r"payload.files\[0\].authors\[0\].email: "),
    ],
)
def test_a_wrong_field_of_a_push_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEventError, match=f"^{message}"):
        push(**fields)
