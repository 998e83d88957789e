"""How a page about one thing is laid out: wrapped texts, columns, spans of days, small bars, times for programs.

What is on a page is up to the commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from neural_memory_pipelines.cli.output import out, plain

ID_CHARS = 12
"""How much of an id is shown in tables: its kind and eight digits."""

_STEPS, _PLAIN_STEPS = "·▁▂▃▄▅▆▇█", ".:-=+*%#@"


def print_wrapped(text: str, *, indent: int = 0, style: str = "") -> None:
    """Print a text of sources, wrapped between words; markup in it is shown as it is."""
    out.print(Padding(Text(plain(text), style=style), (0, 0, 0, indent), expand=False), soft_wrap=False)


def print_columns(rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
    """Print rows without lines around them: the last column wraps, the others are as wide as they need."""
    if not rows:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _ in rows[0][:-1]:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in rows:
        grid.add_row(*(Text(plain(cell)) for cell in row))
    out.print(Padding(grid, (0, 0, 0, indent), expand=False), soft_wrap=False)


def spell_days(first_at: datetime, last_at: datetime, *, between: str = " to ") -> str:
    """Write the day of two times, or the first and the last day, in the time zones that they have."""
    first, last = f"{first_at:%Y-%m-%d}", f"{last_at:%Y-%m-%d}"
    return first if first == last else f"{first}{between}{last}"


def spell_counts(counts: Mapping[str, int], *, most: int = 10) -> str:
    """Write counts by name, the largest first: "slack 7, github 3 and 2 more"."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{name} {count:,}" for name, count in ranked[:most])
    return shown + (f" and {len(counts) - most} more" if len(counts) > most else "")


def spell_bar(counts: Sequence[int]) -> str:
    """Draw counts as a bar line, a sign each; none at all and the least that there is look different."""
    steps = _STEPS if out.encoding.lower().startswith("utf") else _PLAIN_STEPS
    most = max(counts, default=0)
    # Rounded up: what is there is seen.
    return "".join(steps[-(-count * (len(steps) - 1) // most) if most else 0] for count in counts)


def with_iso_times(value: Any) -> Any:
    """Spell all times in a value for a program, as ISO 8601."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: with_iso_times(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_iso_times(item) for item in value]
    return value
