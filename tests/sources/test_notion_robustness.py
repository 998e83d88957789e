"""Notion payloads as they come: real ones, sample ones, damaged ones, huge ones."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notion_payloads import (
    OTHER_ID,
    PAGE_ID,
    Payload,
    ada,
    block,
    changes,
    collection,
    comment,
    draft,
    equation,
    event,
    identified,
    mention,
    outcome,
    page,
    paragraph,
    prop,
    rich,
    text,
    webhook,
)

from neural_memory_pipelines.domain.documents import Changes, Skip, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.envelope import decode_envelope
from neural_memory_pipelines.sources.notion import envelope_fields, parse, subject

HARBOR = Path(__file__).parents[2] / "samples" / "harbor" / "notion.jsonl"
_ResultT = TypeVar("_ResultT")


def assert_sound(told: SourceDraft) -> None:
    """What holds for every draft."""
    assert len(told.content_hash()) == 64
    assert json.dumps(dict(told.metadata), allow_nan=False)
    assert told.title
    for link in told.links:
        assert 0 <= link.start <= link.end <= len(told.body)
        assert bool(link.field) != (link.end > link.start)
        assert link.target or link.origin
    for seen in told.observations:
        assert len(seen.text) <= 2_000
        assert seen.subject_refs[0] == told.source_id
        assert len(seen.subject_refs) <= 32
    assert "\x00" not in told.title + told.body


# --- damaged payloads

_EVERYTHING = {
    "page": page(
        parent={"type": "data_source_id", "data_source_id": OTHER_ID, "database_id": OTHER_ID},
        properties={
            "Owner": prop("people", [ada()]),
            "Goal": prop("relation", [{"id": OTHER_ID}]),
            "Kind": prop("select", {"name": "Retro"}),
            "Tags": prop("multi_select", [{"name": "a"}]),
            "When": prop("date", {"start": "2026-03-01"}),
            "Sum": prop("number", 2),
            "Text": prop("rich_text", rich("see https://e.com/x")),
            "Key": prop("unique_id", {"prefix": "T", "number": 1}),
            "Formula": prop("formula", {"type": "number", "number": 1}),
            "Rollup": prop("rollup", {"type": "array", "array": [prop("number", 1)]}),
        },
    ),
    "blocks": [
        block("heading_2", "Decision"),
        identified(paragraph("- by ", mention("@Ada", user=ada()), text("b", bold=True)), OTHER_ID),
        identified(block("numbered_list_item", "one", children=[block("to_do", "x", checked=True)]), PAGE_ID),
        block("table", children=[block("table_row", cells=[rich("a"), rich("b")])], has_column_header=True),
        block("image", type="external", external={"url": "https://e.com/x.png"}, caption=rich("c")),
        block("code", "x", language="python", caption=[]),
        block("callout", equation("x"), mention("P", page={"id": OTHER_ID})),
        block("link_to_page", type="page_id", page_id=OTHER_ID),
        block("child_page", title="Sub"),
    ],
    "comments": [comment("yes")],
    "users": [ada()],
}
_SEEDS: list[tuple[str, Payload]] = [
    ("page.content_updated", _EVERYTHING),
    ("page.deleted", {"page": page(), "blocks": []}),
    ("page.deleted", webhook("page.deleted")),
    ("comment.created", {"comment": comment("Decision: x"), "data": {"page_id": PAGE_ID}}),
    ("database.created", collection("database", properties={"A": {"type": "x"}}, data_sources=[{"id": OTHER_ID}])),
    ("list.observed", {"object": "list", "results": [page(), comment("x"), ada(), paragraph("x")]}),
]


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**5_000),
    st.text(st.characters(codec=None), max_size=30),
    st.sampled_from(["\ud800", "\x00", "https://[", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+00:00", PAGE_ID]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(st.characters(codec=None), max_size=5), st.none() | st.integers(), max_size=3),
)


def _paths(value: Any) -> Iterator[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield (step,)
        yield from ((step, *path) for path in _paths(below))


_PATHS = [list(_paths(seed)) for _, seed in _SEEDS]


@st.composite
def mutated_events(draw: st.DrawFn) -> tuple[str, Payload]:
    index = draw(st.integers(0, len(_SEEDS) - 1))
    action, seed = _SEEDS[index]
    payload = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(_PATHS[index]))
        holder: Any = payload
        try:
            for step in above:
                holder = holder[step]
            if draw(st.booleans()):
                holder[last] = draw(_JUNK)
            else:
                del holder[last]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took the place away
    return action, payload


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_events())
def test_nothing_but_invalid_event_errors_comes_out_of_a_damaged_payload(case: tuple[str, Payload]) -> None:
    action, payload = case
    told = or_refusal(lambda: parse(event(action, payload)))
    fields = or_refusal(lambda: envelope_fields(payload))
    subject(event(action, payload))
    for result in (told, fields):
        if isinstance(result, InvalidEventError):
            assert str(result).startswith("payload")
    if isinstance(told, Changes):
        assert told.drafts or told.deletions or told.accounts
        for drafted in told.drafts:
            assert_sound(drafted)


def or_refusal(call: Callable[[], _ResultT]) -> _ResultT | InvalidEventError:
    try:
        return call()
    except InvalidEventError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["object", "page", "blocks", "entity", "type", "id", "results", "data", "comment", "database"]),
        st.none()
        | st.integers()
        | st.sampled_from(["page", "list", "user", "block"])
        | st.lists(st.none(), max_size=2),
    )
)
def test_any_object_at_all(payload: Payload) -> None:
    assert isinstance(or_refusal(lambda: parse(event("page.created", payload))), Changes | Skip | InvalidEventError)


def test_values_nested_thousands_deep_in_any_place() -> None:
    deep: Any = "x"
    for _ in range(3_000):
        deep = [deep] if isinstance(deep, dict) else {"children": deep}
    for (action, seed), paths in zip(_SEEDS, _PATHS, strict=True):
        for *above, last in paths:
            payload = copy.deepcopy(seed)
            holder: Any = payload
            for step in above:
                holder = holder[step]
            holder[last] = deep
            told = or_refusal(lambda found=payload, verb=action: parse(event(verb, found)))  # type: ignore[misc]
            assert isinstance(told, Changes | Skip | InvalidEventError)
            or_refusal(lambda found=payload: envelope_fields(found))  # type: ignore[misc]


# --- huge payloads


@pytest.mark.parametrize("kind", ["bulleted_list_item", "numbered_list_item", "quote", "paragraph", "column"])
def test_blocks_nested_thousands_deep(kind: str) -> None:
    innermost = paragraph("the innermost words")
    for _ in range(2_000):
        innermost = block(kind, "a", children=[innermost])
    told = draft(innermost)
    assert told.body.endswith("the innermost words")
    assert len(told.body) < 2_000 * 100


def test_flat_blocks_thousands_deep() -> None:
    ids = [f"{number:08x}-2222-4333-8444-555555555555" for number in range(2_000)]
    blocks = [
        identified(block("bulleted_list_item", f"n{n}"), ids[n], parent=ids[n - 1] if n else None) for n in range(2_000)
    ]
    body = draft(*reversed(blocks)).body
    assert [line.strip() for line in body.split("\n")[2:]] == [f"- n{n}" for n in range(2_000)]


def test_a_fault_deep_inside_is_told_in_few_words() -> None:
    innermost: Payload = {"object": "block", "type": 1}
    for _ in range(2_000):
        innermost = block("quote", "a", children=[innermost])
    with pytest.raises(InvalidEventError, match=r"^payload\.\.\.\[0\]\.children.*\[0\]\.type: expected") as refusal:
        draft(innermost)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    "hostile",
    [
        "[",
        "]",
        "[a](",
        "`",
        "*",
        "_",
        "~~",
        "<",
        "&a",
        "\\",
        "-",
        "=",
        "#",
        "|",
        "1",
        " ",
        "\n",
        "a\n",
        "- ",
        "http://",
        "é",
    ],
)
def test_hostile_text_takes_time_in_proportion(hostile: str) -> None:
    started = time.process_time()
    told = draft(paragraph((hostile * 1_000_000)[:1_000_000]), paragraph("end"))
    assert time.process_time() - started < 10
    assert told.body.endswith("end")


def test_many_mentions_in_many_lines_take_time_in_proportion() -> None:
    pieces = [piece for _ in range(5_000) for piece in (mention("@Ada", user=ada()), text("\n", bold=True))]
    started = time.process_time()
    told = draft(paragraph(*pieces))
    assert time.process_time() - started < 10
    assert len([link for link in told.links if link.end]) == 1


# --- real payloads


def _outcome_name(told: Changes | Skip) -> str:
    if isinstance(told, Skip):
        return f"skip: {told.reason}"
    if told.accounts and not told.drafts:
        return "accounts"
    return "+".join([*(drafted.type for drafted in told.drafts), *("deletion" for _ in told.deletions)])


def _recorded(folder: Path) -> Iterator[tuple[str, Payload]]:
    for file in sorted(folder.rglob("*.yaml")):
        for exchange in yaml.safe_load(file.read_bytes())["interactions"]:
            for side in ("request", "response"):
                body = exchange[side].get("body")
                raw = body.get("string") if isinstance(body, dict) else body
                try:
                    payload = json.loads(raw or "null")
                except json.JSONDecodeError:
                    continue  # files that were uploaded, and errors of a proxy in front of the API
                if isinstance(payload, dict):
                    yield side, payload


def test_every_recorded_body_makes_something_or_is_skipped_by_name(shared_data: Path) -> None:
    counts: dict[str, Counter[str]] = {}
    for side, payload in _recorded(shared_data / "notion_cassettes"):
        told = outcome(payload, "page.observed")
        for drafted in told.drafts if isinstance(told, Changes) else ():
            assert_sound(drafted)
        name = str(payload.get("object")) if side == "response" else side
        counts.setdefault(name, Counter())[_outcome_name(told)] += 1
    unsupported = f"skip: {SkipReason.UNSUPPORTED_EVENT}"
    assert counts.pop("request") == {unsupported: 163}
    assert counts.pop("page") == {"page": 58}
    assert counts.pop("database") == {"database": 26}
    assert counts.pop("data_source") == {"data_source": 22, "deletion": 17}
    # Those of pages and databases that were trashed; the others are paragraphs without their page.
    assert counts.pop("block") == {"deletion": 74, unsupported: 26}
    assert counts.pop("comment") == {f"skip: {SkipReason.BOT_AUTHOR}": 9}
    assert counts.pop("user") == {"accounts": 4}
    assert counts.pop("list") == {
        "accounts": 5,
        unsupported: 23,
        f"skip: {SkipReason.BOT_AUTHOR}": 2,
        f"skip: {SkipReason.EMPTY}": 11,
    }
    assert set().union(*counts.values()) == {unsupported}


def test_recorded_blocks_below_a_recorded_page(shared_data: Path) -> None:
    """The block lists alone are skipped: put below their page, as an ingester sends them, they are read."""
    pages: dict[str, Payload] = {}
    bodies: list[str] = []
    for _, payload in _recorded(shared_data / "notion_cassettes"):
        if payload.get("object") == "page":
            pages[payload["id"]] = payload
        results = payload.get("results") or [{}]
        parent = results[0].get("parent", {}).get("page_id") if isinstance(results[0], dict) else None
        if payload.get("type") == "block" and parent in pages:
            (told,) = changes({"page": pages[parent], "blocks": payload}).drafts
            assert_sound(told)
            bodies.append(told.body.partition("\n\n")[2])
    assert "2022-12-16" in bodies
    assert "$E = mc^2$" in bodies
    assert "paragraph 0\n\nparagraph 1" in " ".join(bodies)


@pytest.mark.skipif(not HARBOR.is_file(), reason="the sample workspace is not there")
def test_every_line_of_the_sample_workspace_is_a_page() -> None:
    events = [decode_envelope(line) for line in HARBOR.read_bytes().splitlines()]
    assert events
    for sent in events:
        told = parse(sent)
        assert isinstance(told, Changes)
        (drafted,) = told.drafts
        assert_sound(drafted)
        assert drafted.as_of == sent.occurred_at
        assert drafted.author is not None
        assert drafted.author.name
        assert subject(sent) == drafted.source_id
        assert ".example" not in repr(drafted)
        # Every word of every block is in the text.
        for piece in _plain_texts(sent.payload["blocks"]):
            assert piece.strip() in drafted.body


def _plain_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and isinstance(value.get("plain_text"), str):
        yield value["plain_text"]
    elif isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from _plain_texts(below)


def test_the_type_of_a_property_that_no_database_can_keep_is_mended() -> None:
    told = outcome(collection("database", properties={"A": {"type": "\x00"}}), "database.observed")
    assert isinstance(told, Changes)
    assert [drafted.body.splitlines()[-1] for drafted in told.drafts] == ["- A (\ufffd)"]
