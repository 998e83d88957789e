"""How pages are laid out: bars, counts, days, and times for programs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neural_memory_pipelines.cli.output import out
from neural_memory_pipelines.cli.pages import spell_bar, spell_counts, spell_days, with_iso_times

_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def _on_a_terminal_of(encoding: str, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(type(out), "encoding", encoding)


@pytest.mark.parametrize(
    ("counts", "drawn", "plain"),
    [
        ([], "", ""),
        ([0, 0], "··", ".."),
        ([0, 8, 4, 1], "·█▄▁", ".@+:"),
        ([1, 100_000], "▁█", ":@"),
        ([3, 3], "██", "@@"),
    ],
)
def test_a_bar_shows_the_least_that_there_is_and_knows_terminals_without_blocks(
    counts: list[int], drawn: str, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _on_a_terminal_of("utf-8", monkeypatch)
    assert spell_bar(counts) == drawn
    _on_a_terminal_of("ascii", monkeypatch)
    assert spell_bar(counts) == plain


def test_counts_are_ranked_and_what_is_left_out_is_counted() -> None:
    assert spell_counts({"a": 1, "c": 2_000, "b": 2_000}, most=2) == "b 2,000, c 2,000 and 1 more"
    assert spell_counts({"a": 1}) == "a 1"


def test_one_day_is_said_once() -> None:
    assert spell_days(_AT, _AT.replace(hour=20)) == "2026-03-02"
    assert spell_days(_AT, _AT.replace(day=4), between=" - ") == "2026-03-02 - 2026-03-04"


def test_times_are_spelled_for_programs_wherever_they_are() -> None:
    assert with_iso_times({"at": _AT, "all": [{"at": (_AT, None)}], "n": 1}) == {
        "at": "2026-03-02T09:30:00+00:00",
        "all": [{"at": ["2026-03-02T09:30:00+00:00", None]}],
        "n": 1,
    }
