"""How the command speaks to people and to programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from neural_memory_pipelines.steps.report import Progress as StepProgress

_width = None if sys.stdout.isatty() else 120
out = Console(highlight=False, soft_wrap=True, width=_width)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value for a program."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows with the same keys as a table; numbers stand on the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, value in rows[0].items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    out.print(table)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show progress bars on a terminal; nothing elsewhere."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Bars(progress)


class Bars:
    """Makes one bar per name."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, name: str) -> StepProgress:
        """Start a bar."""
        task = self._progress.add_task(name, total=None)

        def advance(done: int, *, total: int | None = None) -> None:
            if total is not None:
                self._progress.update(task, total=total)
            self._progress.advance(task, done)

        return advance


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
