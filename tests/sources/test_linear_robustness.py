"""Linear payloads as they come: sample ones, ones built from the published types, damaged ones, in any order."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from graphql import ObjectTypeDefinitionNode, TypeNode, UnionTypeDefinitionNode
from graphql import parse as parse_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linear_payloads import (
    CANCELED,
    DONE,
    EVENT_AT,
    ISSUE_ID,
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

from neural_memory_pipelines.domain.changes import rank
from neural_memory_pipelines.domain.documents import Changes, Deletion, Rename, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.renames import renamed
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.linear import envelope_fields, parse, subject

REPOSITORY_ROOT = Path(__file__).parents[2]
HARBOR = REPOSITORY_ROOT / "samples" / "harbor"
_ResultT = TypeVar("_ResultT")

# --- the sample workspace


def _sample() -> list[SourceEvent]:
    return [decode_envelope(line) for line in (HARBOR / "linear.jsonl").read_text(encoding="utf-8").splitlines()]


def _described(events: Sequence[SourceEvent]) -> Iterator[SourceDraft]:
    for one in events:
        outcome = parse(one)
        assert isinstance(outcome, Changes), one.action
        assert outcome.drafts
        yield from outcome.drafts


def test_every_line_of_the_sample_describes_its_document() -> None:
    events = _sample()
    assert events
    assert [draft.source_id for draft in _described(events)] == [subject(one) for one in events]
    for one in events:
        fields = envelope_fields(one.payload)
        assert (fields.action, fields.occurred_at) == (one.action, one.occurred_at)


def test_the_sample_holds_what_its_questions_ask_for() -> None:
    questions = yaml.safe_load((HARBOR / "questions.yaml").read_text(encoding="utf-8"))["questions"]
    asked = {hit["source_id"] for one in questions for hit in one["expects"] if hit["source"] == "linear"}
    assert asked
    assert asked <= {draft.source_id for draft in _described(_sample())}


# --- the published types


@cache
def _schema(folder: Path) -> Mapping[str, ObjectTypeDefinitionNode | UnionTypeDefinitionNode]:
    text = (folder / "linear" / "packages" / "sdk" / "src" / "schema.graphql").read_text(encoding="utf-8")
    kinds = (ObjectTypeDefinitionNode, UnionTypeDefinitionNode)
    return {node.name.value: node for node in parse_schema(text).definitions if isinstance(node, kinds)}


def _fields(folder: Path, type_: str) -> dict[str, TypeNode]:
    node = _schema(folder)[type_]
    assert isinstance(node, ObjectTypeDefinitionNode)
    return {field.name.value: field.type for field in node.fields}


def _named(type_: TypeNode) -> str:
    return type_.name.value if type_.kind == "named_type" else _named(type_.type)


def _unknown_fields(folder: Path, type_: str, value: Payload) -> list[str]:
    """List the paths of fields that a type does not have, through all objects below."""
    found: list[str] = []
    for name, inner in value.items():
        fields = _fields(folder, type_)
        if name not in fields:
            found.append(f"{type_}.{name}")
            continue
        below = inner if isinstance(inner, list) else [inner]
        known = isinstance(_schema(folder).get(_named(fields[name])), ObjectTypeDefinitionNode)
        for item in below:
            if known and isinstance(item, dict):
                found += _unknown_fields(folder, _named(fields[name]), item)
    return found


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("EntityWebhookPayload", dict.fromkeys(webhook("Issue", {}), 1) | {"updatedFrom": {}}),
        ("UserActorWebhookPayload", webhook("Issue", {})["actor"]),
        ("IssueWebhookPayload", an_issue()),
        ("CommentWebhookPayload", a_comment()),
        ("ProjectWebhookPayload", a_project()),
        ("ProjectUpdateWebhookPayload", an_update()),
        ("Issue", an_api_issue(comments={"nodes": [an_api_comment("x")]}, relations={"nodes": [a_relation("blocks")]})),
    ],
)
def test_the_payloads_of_these_tests_have_published_fields_alone(shared_data: Path, type_: str, value: Payload) -> None:
    assert _unknown_fields(shared_data, type_, value) == []


_SCALARS: dict[str, Any] = {"Float": 2.0, "Int": 2, "Boolean": False, "JSONObject": {}, "DateTime": LATER}
_TEXTS = {
    "previousIdentifiers": "SHOP-4",
    "identifier": "SHOP-5",
    "url": "https://linear.app/acme/issue/SHOP-5/carts",
    "id": "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "email": "ada@acme.example",
    "type": "started",
}


def _value(folder: Path, name: str, type_: TypeNode) -> Any:
    """Make a value of a published type, every field set."""
    if type_.kind in {"non_null_type", "list_type"}:
        inner = _value(folder, name, type_.type)
        return [inner] if type_.kind == "list_type" else inner
    kind = _named(type_)
    if isinstance(_schema(folder).get(kind), ObjectTypeDefinitionNode):
        return _built(folder, kind)
    return _SCALARS[kind] if kind in _SCALARS else _text(name)


def _text(name: str) -> str:
    if name.endswith("At"):
        return LATER
    if name.endswith(("Id", "Ids")):
        return "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0002"
    return _TEXTS.get(name, f"some {name}")


def _built(folder: Path, type_: str) -> Payload:
    return {name: _value(folder, name, field) for name, field in _fields(folder, type_).items()}


_SUPPORTED = {
    "Issue": "SHOP-5",
    "Comment": "SHOP-5/comment/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "Project": "project/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "ProjectUpdate": "project-update/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
}


def _published_events(folder: Path) -> dict[str, Payload]:
    """Make a webhook of each published type of data, every field set, by the name of its type."""
    union = _schema(folder)["DataWebhookPayload"]
    assert isinstance(union, UnionTypeDefinitionNode)
    names = [member.name.value for member in union.types]
    return {
        name.removesuffix("WebhookPayload"): webhook(name.removesuffix("WebhookPayload"), _built(folder, name))
        for name in names
    }


def test_every_published_webhook_ends_as_a_document_or_is_skipped(shared_data: Path) -> None:
    published = _published_events(shared_data)
    assert len(published) >= 20
    assert _SUPPORTED.keys() <= published.keys()
    for name, payload in published.items():
        fields = envelope_fields(payload)
        assert fields.action == f"{name}.update"
        for key in ("archivedAt", "trashed"):
            payload["data"].pop(key, None)
        outcome = parse(event(fields.action, payload))
        if name in _SUPPORTED:
            assert isinstance(outcome, Changes)
            assert [draft.source_id for draft in outcome.drafts] == [_SUPPORTED[name]]
            assert "acme.example" not in repr(outcome.drafts)
        else:
            assert outcome == Skip(SkipReason.UNSUPPORTED_EVENT, detail=fields.action)


def test_every_published_webhook_of_something_archived_is_a_deletion(shared_data: Path) -> None:
    for name, payload in _published_events(shared_data).items():
        if name in _SUPPORTED:
            by_hand = {**payload, "data": {**payload["data"], "autoArchivedAt": None, "trashed": None}}
            outcome = parse(event(f"{name}.update", by_hand))
            assert isinstance(outcome, Changes)
            assert [gone.source_id for gone in outcome.deletions] == [_SUPPORTED[name]]


def test_what_linear_archives_by_itself_is_kept(shared_data: Path) -> None:
    payload = _published_events(shared_data)["Issue"]
    kept = {**payload, "data": {**payload["data"], "trashed": None}}
    outcome = parse(event("Issue.update", kept))
    assert isinstance(outcome, Changes)
    assert ([draft.source_id for draft in outcome.drafts], outcome.deletions) == (["SHOP-5"], ())


# --- damaged payloads


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
    *((one.action, dict(one.payload)) for one in _sample()),
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


def test_a_draft_can_be_spelled_as_json() -> None:
    for draft in _described(_sample()):
        assert json.loads(json.dumps(draft.metadata)) == draft.metadata


# --- order


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
