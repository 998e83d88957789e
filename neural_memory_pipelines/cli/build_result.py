"""What a build did, and how it is shown. Nothing here builds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.markup import escape

from neural_memory_pipelines.cli.output import err, out, plain, print_table
from neural_memory_pipelines.domain.evaluation_compare import MEASURES
from neural_memory_pipelines.domain.ids import WorkspaceId

_ALWAYS = ("asset", "seen", "written", "unchanged", "seconds")


@dataclass(slots=True)
class BuildResult:
    """What a build of one workspace did: a row per asset and per evaluation, failed checks, and errors."""

    workspace: WorkspaceId
    assets: list[dict[str, Any]] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    failed_checks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether all ran and no check failed as an error."""
        return not self.failed_checks and not self.errors


def print_build(result: BuildResult) -> None:
    """Show what a build did."""
    if result.assets:
        # Counts that are zero for all would only take up room, and so would a version that is the same for all.
        hidden = {"version"} if len({row["version"] for row in result.assets} - {""}) < 2 else set()
        shown = [
            name
            for name in result.assets[0]
            if name not in hidden and (name in _ALWAYS or any(row[name] for row in result.assets))
        ]
        print_table(f"workspace {result.workspace}", [{n: row[n] for n in shown} for row in result.assets])
    for evaluated in result.evaluations:
        out.print(plain(_told(evaluated)), markup=False)
    for title, sentences in (("check failed", result.failed_checks), ("error", result.errors)):
        for sentence in sentences:
            err.print(f"[red]{title}:[/red] {escape(plain(sentence))}")
    for sentence in result.warnings:
        err.print(f"[yellow]note:[/yellow] {escape(plain(sentence))}")


def _told(evaluated: dict[str, Any]) -> str:
    reached = ", ".join(f"{label} {evaluated[name]:.3f}" for name, label in MEASURES.items())
    return (
        f"{evaluated['asset']}: {evaluated['questions']} questions, {reached}, p95 of a search "
        f"{evaluated['latency_p95_ms']:.0f} ms{'' if evaluated['passed'] else '; worse than before'}"
    )
