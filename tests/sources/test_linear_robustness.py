"""Damaged Linear payloads: each is read or refused, and what is read is sound."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linear_payloads import (
    CANCELED,
    DONE,
    LATER,
    Payload,
    a_comment,
    a_project,
    a_relation,
    an_api_comment,
    an_api_issue,
    an_issue,
    an_update,
    event,
    webhook,
)
from linear_sample import sample_events

from neural_memory_pipelines.domain.documents import Changes, SourceDraft
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.linear import envelope_fields, parse, subject

_ResultT = TypeVar("_ResultT")


def _deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"nodes": [value]}
    return value


_FULL_ISSUE = an_api_issue(
    parent={"id": "p1", "identifier": "SHOP-1"},
    relations={"nodes": [a_relation("blocks")]},
    inverseRelations={"nodes": [a_relation("duplicate", inverse=True)]},
    attachments={"nodes": [{"id": "a", "url": "https://github.com/acme/shop/pull/6"}]},
    comments={"nodes": [an_api_comment("Decision: SHOP-8"), an_api_comment("Done, since the job is off now.", 2)]},
    state=DONE,
    completedAt=LATER,
)
_COMMENT_ELSEWHERE = a_comment(issue=None, documentContent={"document": {"id": "d", "name": "Plan"}})
_SEEDS: list[tuple[str, Payload]] = [
    *((one.action, dict(one.payload)) for one in sample_events()),
    ("Issue.restore", webhook("Issue", an_issue(previousIdentifiers=["OPS-1"]), updatedFrom={"trashed": True})),
    ("Issue.remove", webhook("Issue", an_issue(state=CANCELED), actor={"id": "i", "type": "integration"})),
    ("Issue.observed", _FULL_ISSUE),
    ("Comment.update", webhook("Comment", a_comment("Outcome: done", quotedText="so"))),
    ("Comment.update", webhook("Comment", _COMMENT_ELSEWHERE)),
    ("ProjectUpdate.create", webhook("ProjectUpdate", an_update())),
    ("Project.observed", a_project(teams={"nodes": [{"key": "SHOP"}]}, initiatives={"nodes": [{"id": "i"}]})),
]
_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=30),
    st.sampled_from(["https://[", "9999-12-31T23:59:59-14:00", "SHOP-5", LATER, "\ud800", "\x00"]),
    st.sampled_from([10**5000, -(10**5000)]),
    st.just(3000).map(_deep),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5) | st.just("nodes"), st.none() | st.integers(), max_size=3),
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield (*path, step)
        yield from _paths(below, (*path, step))


_SEED_PATHS = [sorted(_paths(payload), key=str) for _, payload in _SEEDS]


@st.composite
def mutated_events(draw: st.DrawFn) -> tuple[str, Payload]:
    number = draw(st.integers(0, len(_SEEDS) - 1))
    action, payload = _SEEDS[number][0], copy.deepcopy(_SEEDS[number][1])
    for _ in range(draw(st.integers(1, 4))):
        *above, last = draw(st.sampled_from(_SEED_PATHS[number]))
        holder: Any = payload
        for step in above:
            holder = _below(holder, step)
        if isinstance(holder, dict) and last in holder and draw(st.booleans()):
            del holder[last]
        elif _has_place(holder, last):
            holder[last] = draw(_JUNK)
    return action, payload


def _has_place(holder: Any, step: str | int) -> bool:
    if isinstance(holder, dict):
        return isinstance(step, str)
    return isinstance(holder, list) and isinstance(step, int) and step < len(holder)


def _below(holder: Any, step: str | int) -> Any:
    """Go one step down, as far as an earlier mutation left a way."""
    if isinstance(holder, dict):
        return holder.get(step)
    return holder[step] if isinstance(holder, list) and isinstance(step, int) and step < len(holder) else None


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_events())
def test_nothing_but_invalid_event_errors_comes_out_of_a_damaged_payload(case: tuple[str, Payload]) -> None:
    action, payload = case
    outcome = _or_refusal(lambda: parse(event(action, payload)))
    fields = _or_refusal(lambda: envelope_fields(payload))
    for result in (outcome, fields):
        if isinstance(result, InvalidEventError):
            assert str(result).startswith("payload")
            assert len(str(result)) < 500
    name = subject(event(action, payload))
    assert name is None or name
    if isinstance(outcome, Changes):
        assert outcome.drafts or outcome.deletions
        for draft in outcome.drafts:
            _assert_sound(draft)


def _assert_sound(draft: SourceDraft) -> None:
    assert len(draft.content_hash()) == 64
    for link in draft.links:
        assert 0 <= link.start <= link.end <= len(draft.body)
        assert bool(link.field) != (link.end > link.start)
        assert link.target is not None or link.origin is not None
    for seen in draft.observations:
        assert len(seen.title or "") <= 120
        assert len(seen.summary or "") <= 320
        assert 0 < len(seen.text) <= 2_000
        assert seen.subject_refs[0] == draft.source_id
    assert "@harbor-labs.example" not in repr((draft.author, draft.accounts))


def _or_refusal(call: Callable[[], _ResultT]) -> _ResultT | InvalidEventError:
    try:
        return call()
    except InvalidEventError as error:
        return error
