"""In whatever order events arrive, once or twice, in one run or in many: the memory ends the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines

from ..conftest import SAMPLES
from .memory_state import difference, memory_state
from .pipeline import run_path
from .samples import envelope, issue, issue_comment, page_event, prose

_SHUFFLES = 3


def _at(day: int, hour: int = 10) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def _issue(workspace: WorkspaceId, key: str, day: int, *, action: str = "issues.edited", **fields: Any) -> bytes:
    payload = {
        "action": action.partition(".")[2],
        "repository": {"full_name": "acme/shop", "id": 1},
        "issue": {**issue(1, updated=_at(day)), **fields},
    }
    return envelope(workspace, key=key, action=action, occurredAt=_at(day), payload=payload)


def _comment(workspace: WorkspaceId, key: str, day: int, *, action: str, body: str) -> bytes:
    payload = issue_comment(1, 11, action=action, updated=_at(day))
    payload["comment"]["body"] = body
    return envelope(workspace, key=key, action=f"issue_comment.{action}", occurredAt=_at(day), payload=payload)


def _life_of_an_issue(workspace: WorkspaceId) -> list[bytes]:
    """An issue with a comment: edited, closed, reopened, deleted; links come and go; two edits in one second."""
    return [
        _issue(workspace, "opened", 1, action="issues.opened", body="See #2 and @ben."),
        _issue(workspace, "edited", 2, body="See #3."),
        _issue(workspace, "same second", 2, body="See #2, #3 and acme/till#9.", labels=[{"name": "area/till"}]),
        _issue(workspace, "closed", 3, action="issues.closed", body="See #3.", state="closed"),
        _issue(workspace, "reopened", 4, action="issues.reopened", body="See #3."),
        _comment(workspace, "said", 2, action="created", body="Decision: carts are kept for a week."),
        _comment(workspace, "said otherwise", 4, action="edited", body="Decision: carts are kept for a day."),
        envelope(workspace, key="two", action="issues.opened", payload=issue(2, updated=_at(1))),
        envelope(workspace, key="three", action="issues.opened", payload=issue(3, updated=_at(6))),
    ]


def _life_of_a_deleted_issue(workspace: WorkspaceId) -> list[bytes]:
    return [*_life_of_an_issue(workspace), _issue(workspace, "deleted", 5, action="issues.deleted", body="See #3.")]


def _life_of_a_page(workspace: WorkspaceId) -> list[bytes]:
    texts = [prose("berths"), prose("berths") + "\n\n" + prose("cranes"), None, prose("berths"), prose("tides")]
    return [
        page_event(workspace, key=f"page-{day}", path="guide.md", content=text, at=_at(day))
        for day, text in enumerate(texts, start=1)
    ]


def _life_of_a_renamed_repository(workspace: WorkspaceId) -> list[bytes]:
    renamed = {
        "action": "renamed",
        "changes": {"repository": {"name": {"from": "shop"}}},
        "repository": {"full_name": "acme/store", "name": "store", "id": 1, "updated_at": _at(6)},
        "sender": {"login": "ada", "id": 7, "type": "User"},
    }
    later = json.loads(json.dumps(issue(2, updated=_at(7))).replace("acme/shop", "acme/store"))
    return [
        *_life_of_an_issue(workspace),
        envelope(workspace, key="renamed", action="repository.renamed", occurredAt=_at(6), payload=renamed),
        envelope(workspace, key="two again", action="issues.edited", occurredAt=_at(7), payload=later),
    ]


def _samples(workspace: WorkspaceId) -> list[bytes]:
    lines = [line for file in sorted(SAMPLES.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()]
    return [json.dumps(json.loads(line) | {"workspaceId": workspace}).encode() for line in lines]


_LIVES = [
    _life_of_an_issue,
    _life_of_a_deleted_issue,
    _life_of_a_page,
    _life_of_a_renamed_repository,
    _samples,
]


def _told(session: Session, workspace: WorkspaceId, batches: Sequence[Sequence[bytes]]) -> dict[str, list[Any]]:
    for batch in batches:
        put_lines(session.stores.objects, workspace, batch)
        run_path(session, workspace)
    return memory_state(session, workspace)


def _shuffled(lines: Sequence[bytes], seed: int) -> Iterator[list[bytes]]:
    """Some events come twice, all in another order, in one to four runs."""
    generator = random.Random(seed)
    mixed = [*lines, *generator.sample(lines, len(lines) // 3)]
    generator.shuffle(mixed)
    runs = generator.randint(1, 4)
    for run in range(runs):
        yield mixed[run::runs]


@pytest.mark.parametrize("life", _LIVES, ids=lambda life: life.__name__.strip("_"))
def test_every_order_ends_in_the_same_memory(session: Session, workspace: WorkspaceId, life: Any) -> None:
    expected = _told(session, workspace, [life(workspace)])
    assert expected["documents"]
    for seed in range(_SHUFFLES):
        other = WorkspaceId(f"{workspace}-{seed}")
        told = _told(session, other, list(_shuffled(life(other), seed)))
        assert difference(expected, told) == {}, f"shuffle {seed}"
