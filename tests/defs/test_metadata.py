"""Reports as metadata."""

from __future__ import annotations

import dagster as dg

from neural_memory_pipelines.defs.metadata import report_metadata
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.steps.report import StepReport


def test_dollars_are_shown_where_something_was_paid() -> None:
    assert report_metadata(StepReport(tokens=1_000, dollars=0.00012))["dollars"] == 0.00012
    assert "dollars" not in report_metadata(StepReport(tokens=1_000))


def test_reasons_and_examples_become_tables_most_frequent_first() -> None:
    report = StepReport(seen=4, skipped=3, seconds=0.25, examples=[{"title": "a", "chunks": 2, "share": 0.5}])
    for reason in (SkipReason.EMPTY, SkipReason.SUPERSEDED, SkipReason.SUPERSEDED):
        report.count_reason(reason)
    metadata = report_metadata(report)
    assert (metadata["seen"], metadata["skipped"], metadata["seconds"]) == (4, 3, 0.25)
    reasons, examples = metadata["reasons"], metadata["examples"]
    assert isinstance(reasons, dg.TableMetadataValue)
    assert [record.data for record in reasons.records] == [
        {"reason": "superseded", "events": 2},
        {"reason": "empty", "events": 1},
    ]
    assert isinstance(examples, dg.TableMetadataValue)
    assert [(column.name, column.type) for column in examples.schema.columns] == [
        ("title", "string"),
        ("chunks", "int"),
        ("share", "float"),
    ]


def test_what_a_note_quotes_is_no_link_and_its_commands_stay_marked() -> None:
    report = StepReport(notes=["[click](https://evil.example) drifted: `neural-memory profile`"])
    notes = report_metadata(report)["notes"].value
    assert notes == "- \\[click\\](https://evil.example) drifted: `neural-memory profile`"
