"""How amounts and durations are written for people."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.cli.output import spell_dollars, spell_duration


@pytest.mark.parametrize(
    ("dollars", "said"),
    [
        (0, "nothing"),
        (4e-7, "under $0.0001"),
        (0.00123, "$0.0012"),
        (0.5, "$0.50"),
        (1.239, "$1.24"),
        (12345, "$12,345.00"),
    ],
)
def test_dollars_are_written_with_more_places_where_they_are_small(dollars: float, said: str) -> None:
    assert spell_dollars(dollars) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "under a second"), (59.6, "about 60 s"), (119, "about 119 s"), (120, "about 2 min"), (7200, "about 2 h")],
)
def test_durations_are_rough(seconds: float, said: str) -> None:
    assert spell_duration(seconds) == said
