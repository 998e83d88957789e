"""What a step says when it is done. Turning it into Dagster metadata or a table is up to the caller."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

ExampleRow = Mapping[str, str | int | float]


class Progress(Protocol):
    """Is told how far a step is: items done since the last call, and how many there are once that is known."""

    def __call__(self, done: int, *, total: int | None = None) -> None:
        """Take note."""
        ...


def no_progress(done: int, *, total: int | None = None) -> None:
    """Ignore progress."""


@dataclass(slots=True)
class StepReport:
    """Counts of one step on one workspace.

    `examples` are a few rows that a person wants to see; `reasons` count what was skipped or failed by why, `kinds`
    what there is by what it is.
    """

    seen: int = 0
    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    failed: int = 0
    tokens: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    examples: list[ExampleRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)

    def count_reason(self, reason: str) -> None:
        """Count one more item that was skipped or failed for this reason."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def show(self, row: ExampleRow) -> None:
        """Keep a row as an example, if there is still room."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(row)


_EXAMPLES = 10


@contextmanager
def timed(report: StepReport) -> Iterator[StepReport]:
    """Write the wall-clock seconds of the block into the report."""
    started = time.perf_counter()
    try:
        yield report
    finally:
        report.seconds = time.perf_counter() - started
