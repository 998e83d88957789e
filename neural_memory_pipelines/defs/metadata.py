"""Reports as Dagster metadata: what a person wants to see of a materialization. Counting is up to the steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from neural_memory_pipelines.steps.report import ExampleRow, StepReport
from neural_memory_pipelines.stores.postgres.tables.columns import columns_of

OWNERS = ["team:platform-storage"]

_REASON_ROWS = 25
_SIGNS_OF_LINKS = "\\[]<>!&"
_SIGNS = f"{_SIGNS_OF_LINKS}`*_{{}}#|~"


def table_metadata(table: str) -> dict[str, Any]:
    """Describe the columns of the table that an asset stands for."""
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            description=column.comment,
            constraints=dg.TableColumnConstraints(nullable=column.is_nullable),
        )
        for column in columns_of(table)
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns), "dagster/table_name": table}


def report_metadata(report: StepReport) -> dict[str, Any]:
    """Describe what a step did to one workspace; dollars only where something was paid."""
    counts = ("seen", "written", "unchanged", "deleted", "skipped", "failed", "tokens")
    metadata: dict[str, Any] = {name: getattr(report, name) for name in counts}
    if report.dollars:
        metadata["dollars"] = round(report.dollars, 6)
    metadata["seconds"] = round(report.seconds, 3)
    if report.examples:
        metadata["examples"] = table_of(report.examples)
    if report.reasons:
        metadata["reasons"] = table_of(_most_frequent(report.reasons))
    if report.kinds:
        metadata["by_kind"] = table_of([{"kind": kind, "count": count} for kind, count in report.kinds.items()])
    if report.notes:
        # Notes may name what sources call so; the commands that they name stay as they are marked.
        notes = (escaped(note, signs=_SIGNS_OF_LINKS) for note in report.notes)
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))
    return metadata


def escaped(text: str, *, signs: str = _SIGNS) -> str:
    """Spell text of sources so that markdown shows it as it is: no links, pictures or headings of theirs."""
    return "".join(f"\\{sign}" if sign in signs else sign for sign in text)


def _most_frequent(reasons: Mapping[str, int]) -> list[ExampleRow]:
    ranked = sorted(reasons.items(), key=lambda item: -item[1])[:_REASON_ROWS]
    return [{"reason": reason, "events": count} for reason, count in ranked]


def table_of(rows: Sequence[Mapping[str, str | int | float]]) -> dg.TableMetadataValue:
    """Make a table of rows with the same keys."""
    columns = [dg.TableColumn(name, _column_type(value)) for name, value in rows[0].items()]
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema=dg.TableSchema(columns))


def _column_type(value: str | int | float) -> str:
    if isinstance(value, str):
        return "string"
    return "int" if isinstance(value, int) else "float"
