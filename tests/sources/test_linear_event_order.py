"""Linear's events in any order: a store that keeps the greatest rank ends the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from linear_payloads import DONE, EVENT_AT, ISSUE_ID, Payload, a_comment, an_issue, event, webhook

from neural_memory_pipelines.domain.changes import rank
from neural_memory_pipelines.domain.documents import Changes, Deletion, Rename, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.renames import renamed
from neural_memory_pipelines.sources.linear import parse


class _Store:
    """The least that a store does: the description of the greatest rank holds, renames hold for all."""

    def __init__(self) -> None:
        self.renames: list[Rename] = []
        self.told: list[tuple[str, SourceDraft | Deletion]] = []

    def apply(self, one: SourceEvent) -> None:
        outcome = parse(one)
        if isinstance(outcome, Skip):
            self.told += [(one.idempotency_key, gone) for gone in outcome.gone]
            return
        self.renames = sorted({*self.renames, *outcome.renames}, key=lambda rename: rename.as_of)
        self.told += [(one.idempotency_key, says) for says in (*outcome.drafts, *outcome.deletions)]

    def state(self) -> dict[str, str]:
        held: dict[str, tuple[tuple[Any, ...], str]] = {}
        for key, says in self.told:
            now = renamed(says, self.renames)
            order = rank(now.as_of, key, deletes=isinstance(now, Deletion))
            what = "gone" if isinstance(now, Deletion) else now.content_hash()
            held[now.source_id] = max(held.get(now.source_id, (order, what)), (order, what))
        return {source_id: what for source_id, (_, what) in held.items()}


def _life_of_an_issue() -> list[SourceEvent]:
    """Created, commented, edited, closed, moved to another team, put into the bin and taken out again."""

    def at(hour: int) -> str:
        return f"2026-03-02T{hour:02}:00:00.000Z"

    on_ops = {"id": ISSUE_ID, "identifier": "OPS-1", "title": "Carts"}
    moved = an_issue(updatedAt=at(5), state=DONE, completedAt=at(4), previousIdentifiers=["OPS-1"])
    steps: list[tuple[str, Payload]] = [
        ("Issue.create", webhook("Issue", an_issue(identifier="OPS-1", updatedAt=at(1)))),
        ("Comment.create", webhook("Comment", a_comment("One.", issue=on_ops, updatedAt=at(2)))),
        ("Issue.update", webhook("Issue", an_issue(identifier="OPS-1", title="Carts", updatedAt=at(3)))),
        ("Issue.update", webhook("Issue", moved)),
        ("Comment.update", webhook("Comment", a_comment("Two.", updatedAt=at(6)))),
        ("Issue.remove", webhook("Issue", moved | {"trashed": True, "archivedAt": at(7)})),
        ("Issue.restore", webhook("Issue", moved | {"title": "Carts are back"})),
    ]
    hours = [1, 2, 3, 5, 6, 7, 8]
    return [
        replace(event(action, payload, key=str(hour)), occurred_at=EVENT_AT.replace(day=2, hour=hour))
        for hour, (action, payload) in zip(hours, steps, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(st.permutations(_life_of_an_issue()), st.integers(0, 6))
def test_the_order_of_events_does_not_matter(events: list[SourceEvent], twice: int) -> None:
    in_order, shuffled = _Store(), _Store()
    for one in _life_of_an_issue():
        in_order.apply(one)
    for one in [*events, events[twice]]:
        shuffled.apply(one)
    assert shuffled.state() == in_order.state()
    state = in_order.state()
    assert state.keys() == {"SHOP-5", f"SHOP-5/comment/{a_comment()['id']}"}
    assert "gone" not in state.values()
    last = parse(_life_of_an_issue()[-1])
    assert isinstance(last, Changes)
    assert state["SHOP-5"] == last.drafts[0].content_hash()
