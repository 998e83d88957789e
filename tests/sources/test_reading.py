"""Reading payloads: what is told of a value that is not what was expected, and where it stands."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, model_validator

from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.models import Model, OptionalTime, Text, Time, unix_lines
from neural_memory_pipelines.sources.reading import (
    PAYLOAD,
    Spot,
    fault_below,
    json_type,
    member,
    read_array,
    read_model,
    read_object,
    read_time,
    read_value,
    shown,
)


class Label(Model):
    name: Text = Field(min_length=1)


class Issue(Model):
    number: int = Field(lt=10**9)
    title: Text | None = None
    at: Time
    closed_at: OptionalTime = None
    labels: list[Label] = Field(default_factory=list)

    @model_validator(mode="after")
    def _closed_later(self) -> Self:
        if self.closed_at and self.closed_at < self.at:
            raise fault_below("closed_at", "must not lie before at")
        return self


AT = "2026-03-01T10:00:00+01:00"
WHOLE = {"number": 5, "title": "a\r\nb\rc\x00\ud800", "at": AT, "labels": [{"name": "bug"}], "unknown": 1}


def test_a_payload_is_read_with_its_texts_and_times_made_alike() -> None:
    issue = read_model(Issue, MappingProxyType(WHOLE), "payload")
    assert issue.title == "a\nb\nc\ufffd\ufffd"
    assert issue.at == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert issue.closed_at is None
    assert issue.labels == [Label(name="bug")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": None}, "payload.issue.number: expected an integer, got null"),
        ({"number": True}, "payload.issue.number: expected an integer, got a boolean"),
        ({"number": 10**30}, "payload.issue.number: expected less than 1000000000, got a huge integer"),
        ({"number": 10**9}, "payload.issue.number: expected less than 1000000000, got 1000000000"),
        ({"title": 5.5}, "payload.issue.title: expected a string, got a fraction"),
        ({"at": "2026-03-01"}, "payload.issue.at: expected an ISO 8601 time with an offset, got '2026-03-01'"),
        ({"at": "x" * 99}, f"payload.issue.at: expected an ISO 8601 time with an offset, got '{'x' * 60}'"),
        ({"closed_at": []}, "payload.issue.closed_at: expected an ISO 8601 time with an offset, got an array"),
        ({"labels": {}}, "payload.issue.labels: expected an array, got an object"),
        ({"labels": [{"name": "a"}, {}]}, "payload.issue.labels[1].name: required, but missing"),
        (
            {"labels": [{"name": "\ud800"}]},
            "payload.issue.labels[0].name: expected a string without lone surrogates, got a string",
        ),
        ({"labels": [{"name": ""}]}, "payload.issue.labels[0].name: expected a string that is not empty, got a string"),
        ({"labels": ["bug"]}, "payload.issue.labels[0]: expected an object, got a string"),
        ({"closed_at": "2026-02-01T00:00:00Z"}, "payload.issue.closed_at: must not lie before at"),
        ({"number": None, "at": None}, "payload.issue.number: expected an integer, got null"),
    ],
)
def test_what_is_wrong_first_is_told_with_its_path(change: dict[str, Any], message: str) -> None:
    for path in ("payload.issue", PAYLOAD.at("issue")):
        with pytest.raises(InvalidEventError, match=f"^{re.escape(message)}$"):
            read_model(Issue, WHOLE | change, path)


@pytest.mark.parametrize("value", [None, [], "x", 5, 0.5, False])
def test_an_object_is_expected_where_a_model_is_read(value: object) -> None:
    with pytest.raises(InvalidEventError, match=rf"^payload\.a: expected an object, got {json_type(value)}$"):
        read_model(Issue, value, "payload.a")
    with pytest.raises(InvalidEventError, match=r"^payload\.a: expected an object"):
        read_object(value, PAYLOAD.at("a"))


def test_arrays_values_times_and_members_are_read_by_themselves() -> None:
    assert read_array([1], "payload") == [1]
    assert read_value(TypeAdapter(list[int]), [1, 2], "payload") == [1, 2]
    assert read_time(AT, "payload.at") == datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert member({"a": None}, "a", "payload") is None
    with pytest.raises(InvalidEventError, match=r"^payload: expected an array, got a string$"):
        read_array("abc", "payload")
    with pytest.raises(InvalidEventError, match=r"^payload\[1\]: expected .* integer.*, got 'x'$"):
        read_value(TypeAdapter(list[int]), [1, "x"], "payload")
    with pytest.raises(InvalidEventError, match=r"^payload\.at: expected an ISO 8601 time with an offset, got 5$"):
        read_time(5, "payload.at")
    with pytest.raises(InvalidEventError, match=r"^payload\.b: required, but missing$"):
        member({"a": 1}, "b", PAYLOAD)


def test_of_a_very_long_path_the_ends_are_shown() -> None:
    spot = Spot("payload")
    for _ in range(10_000):
        spot = spot.at("children").at(0)
    assert str(spot.at("text")).endswith("children[0].text")
    assert str(spot).startswith("payload...")
    assert len(str(spot)) < 200
    assert len(str(PAYLOAD.at("k" * 10_000))) < 100


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_whatever_stands_there_is_shown_in_short_ascii(value: object) -> None:
    assert shown(value).isascii()
    assert len(shown(value)) <= 62 * len("\\U0001f600")
    assert json_type(value).startswith(("a ", "an ", "null"))


def test_a_number_with_more_digits_than_python_spells_is_named() -> None:
    assert shown(10**5_000) == "a huge integer"


@given(st.text())
def test_lines_end_alike_and_stay_so(text: str) -> None:
    assert "\r" not in unix_lines(text)
    assert unix_lines(unix_lines(text)) == unix_lines(text)
