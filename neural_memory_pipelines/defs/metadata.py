"""Reports as Dagster metadata: what a person wants to see of a materialization."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from neural_memory_pipelines.steps.report import ExampleRow, StepReport

OWNERS = ["team:platform-storage"]

_REASON_ROWS = 25


def report_metadata(reports: Sequence[StepReport] | StepReport) -> dict[str, Any]:
    """Describe what a step did, over one workspace or several."""
    parts = [reports] if isinstance(reports, StepReport) else list(reports)
    counts = ("seen", "written", "unchanged", "deleted", "skipped", "failed", "tokens")
    metadata: dict[str, Any] = {name: sum(getattr(part, name) for part in parts) for name in counts}
    metadata["seconds"] = round(sum(part.seconds for part in parts), 3)
    examples = [row for part in parts for row in part.examples][:10]
    if examples:
        metadata["examples"] = _table(examples)
    reasons = _reasons(parts)
    if reasons:
        metadata["reasons"] = _table(reasons)
    notes = [note for part in parts for note in part.notes]
    if notes:
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))
    return metadata


def _reasons(parts: Sequence[StepReport]) -> list[ExampleRow]:
    total: dict[str, int] = {}
    for part in parts:
        for reason, count in part.reasons.items():
            total[reason] = total.get(reason, 0) + count
    ranked = sorted(total.items(), key=lambda item: -item[1])[:_REASON_ROWS]
    return [{"reason": reason, "events": count} for reason, count in ranked]


def _table(rows: Sequence[Mapping[str, str | int | float]]) -> dg.TableMetadataValue:
    types = {str: "string", int: "int", float: "float"}
    columns = [dg.TableColumn(name, types[type(value)]) for name, value in rows[0].items()]
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema=dg.TableSchema(columns))
