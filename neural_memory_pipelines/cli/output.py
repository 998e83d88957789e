"""How the command speaks to people and to programs.

No command decides here what it says.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from neural_memory_pipelines.steps.report import Progress as StepProgress

_FILE_WIDTH = 120  # a table that goes into a file or a pipe is not cut to 80 columns

_width = None if sys.stdout.isatty() else _FILE_WIDTH
out = Console(highlight=False, soft_wrap=True, emoji=False, width=_width)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def print_json(value: Any) -> None:
    """Print a value for a program. What the terminal's encoding does not know, or would obey, is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    text = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=str)
    sys.stdout.write(text + "\n")


def print_error(message: object) -> None:
    """Print what went wrong, in red, to stderr."""
    err.print(f"[red]error:[/red] {escape(plain(str(message)))}")


def plain(text: str) -> str:
    """Replace control characters: what was ingested must not steer the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def print_table(title: str, rows: Sequence[Mapping[str, Any]], *, whole: Sequence[str] = ()) -> None:
    """Print rows with the same keys as a table; numbers stand on the right, and columns `whole` are never folded."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, value in rows[0].items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(
            name, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number or name in whole
        )
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    out.print(table)


def spell_dollars(dollars: float) -> str:
    """Write an amount of money, small ones with more places."""
    if not dollars:
        return "nothing"
    if dollars < 0.0001:
        return "under $0.0001"
    return f"${dollars:,.2f}" if dollars >= 0.01 else f"${dollars:.4f}"


def spell_duration(seconds: float) -> str:
    """Write roughly how long something takes."""
    for unit, length_seconds in (("h", 3_600), ("min", 60)):
        if seconds >= 2 * length_seconds:
            return f"about {seconds / length_seconds:,.0f} {unit}"
    return f"about {seconds:.0f} s" if seconds >= 1 else "under a second"


@contextmanager
def library_output_in(log: Path) -> Iterator[None]:
    """Send to a file what libraries write to stderr and to Python's log; what is printed here still reaches people."""
    log.parent.mkdir(parents=True, exist_ok=True)
    root, terminal = logging.getLogger(), sys.stderr
    before = list(root.handlers)
    err.file = terminal
    try:
        with log.open("a", encoding="utf-8", errors="backslashreplace") as stream, redirect_stderr(stream):
            yield
    finally:
        err._file = None  # whatever sys.stderr is by then
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)


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
    return f"{value:.2f}" if isinstance(value, float) else plain(str(value))
