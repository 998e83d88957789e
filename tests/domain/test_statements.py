"""What a text states in so many words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.statements import (
    STATEMENTS_LIMIT,
    Statement,
    as_sentence,
    closing_paragraph,
    lead,
    marked_statements,
    prose_blocks,
    without_html_comments,
)


@pytest.mark.parametrize(
    "markdown",
    [
        "Decision: use Postgres.",
        "Hello.\n\ndecision: use Postgres.\n\nBye.",
        "**Decision:** use Postgres.",
        "**Decision**: use Postgres.",
        "**Decision: use Postgres.**",
        "- **Decision:** use Postgres.",
        "Decision:\n\nuse Postgres.\n\nBye.",
        "**Decision**\n\nuse Postgres.\n\nBye.",
        "## Decision\n\nuse Postgres.\n\n## Next\n\nBye.",
        "### Decision: use Postgres.",
        "Decision: use Postgres.\n\nAgain:\n\nDecision: use Postgres.",
    ],
)
def test_a_decision_is_found_however_it_is_marked(markdown: str) -> None:
    assert marked_statements(markdown) == (Statement("decision", "use Postgres."),)


@pytest.mark.parametrize(
    "markdown",
    [
        "We need a decision: soon.",
        "> Decision: use Mongo.",
        "```\nDecision: x\n```",
        "Decision:",
        "Decisions, decisions",
        "<!-- Decision: x -->",
        "",
    ],
)
def test_what_only_looks_like_a_decision_is_none(markdown: str) -> None:
    assert marked_statements(markdown) == ()


def test_each_marked_line_is_a_statement_of_its_own() -> None:
    found = marked_statements("Decision: move to #7\nand stay.\nOutcome: done\n\nResolution: we will:\n- wait\n\nBye.")
    assert found == (
        Statement("decision", "move to #7\nand stay."),
        Statement("outcome", "done"),
        Statement("resolution", "we will:\n\n- wait"),
    )


def test_the_number_of_statements_is_limited() -> None:
    assert len(marked_statements("\n\n".join(f"Decision: number {n}" for n in range(200)))) == STATEMENTS_LIMIT


def test_a_text_is_led_by_its_summary_or_its_first_paragraph() -> None:
    assert lead("Hello.\n\n## 📝 Summary\n\nShort.\n\n- point\n\n## Rest\n\nLong.") == "Short.\n\n- point"
    assert lead("# Title\n\nHello\nthere.\n\n## Summary\n\n## Rest") == "Hello there."
    assert lead("") == ""


@pytest.mark.parametrize(
    ("markdown", "closing"),
    [
        ("First.\n\nLast\nwords.", "Last words."),
        ("# Title\n\nWords.\n\n---\n", "Words."),
        ("Only.", ""),
        ("First.\n\n- item", ""),
        ("First.\n\n```\ncode\n```", ""),
        ("First.\n\n![picture](x.png)", ""),
        ("", ""),
    ],
)
def test_a_text_closes_with_a_paragraph_or_with_nothing(markdown: str, closing: str) -> None:
    assert closing_paragraph(markdown) == closing


def test_blocks_of_prose_leave_out_code_and_what_no_reader_sees() -> None:
    text = without_html_comments("# One\n\n<!-- hint -->\n\nTwo.\n\n```\ncode\n```\n\n- three\n\n<!-- open")
    assert prose_blocks(text)[:3] == ["# One", "Two.", "- three"]
    assert "hint" not in text


@pytest.mark.parametrize(("title", "sentence"), [("A", "A."), ("A?", "A?"), ("A:", "A:"), ("", ".")])
def test_a_title_becomes_a_sentence(title: str, sentence: str) -> None:
    assert as_sentence(title) == sentence


@given(st.lists(st.sampled_from(["Decision:", "**Outcome**", "# Resolution", "- ", "> ", "```", "word", "\n", "\n\n"])))
def test_any_mixture_of_marks_is_read(pieces: list[str]) -> None:
    for statement in marked_statements(" ".join(pieces)):
        assert statement.kind in {"decision", "outcome", "resolution"}
        assert statement.text == statement.text.strip() != ""


@pytest.mark.parametrize("unit", ["Decision:\n", "# Decision\n\nx\n", "**", " ", "- ", "Decision: x\n", "<!--", "*_"])
def test_hostile_texts_take_no_longer_than_they_are_long(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    began = time.process_time()
    marked_statements(text)
    closing_paragraph(text)
    lead(text)
    assert time.process_time() - began < 20
