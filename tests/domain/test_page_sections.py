"""How pages begin, and which of their sections state something."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.page_sections import bare_heading, opening, told_sections
from neural_memory_pipelines.domain.text import sections


@pytest.mark.parametrize(
    ("markdown", "begins"),
    [
        ("Above.\n\n## A\n\nBelow.", "Above."),
        ("## A\n\n## B\n\nBelow.", "Below."),
        ("## A\n\n### B\n\nBelow.", "### B\n\nBelow."),
        ("## Summary\n\nShort.\n\n## A\n\nLong.", "Short."),
        ("Above.\n\n## **TL;DR**\n\nShort.", "Short."),
        ("Above.\n\n**TL;DR: short.**", "short."),
        ("Above.\n\n> TLDR - short.", "short."),
        ("Above.\n\n- In short: it works.", "it works."),
        ("A summary of it: none.", "A summary of it: none."),
        ("```\nTL;DR: code\n```", ""),
        ("", ""),
    ],
)
def test_how_a_page_begins(markdown: str, begins: str) -> None:
    assert opening(markdown) == begins


def test_sections_are_told_once() -> None:
    markdown = "## Decision\n\nA.\n\n## Decision\n\nA.\n\n## Decision\n\n## 2) Decision outcome:\n\nB."
    assert [(told.kind, told.heading, told.text) for told in told_sections(sections(markdown))] == [
        ("decision", "Decision", "A."),
        ("decision", "2) Decision outcome", "B."),
    ]


def test_a_section_knows_where_it_stands() -> None:
    markdown = "# Page\n\nAbove.\n\n## Outcome\n\nB.\n\n## More\n\nC."
    (told,) = told_sections(sections(markdown))
    assert markdown[told.start : told.end] == "## Outcome\n\nB.\n\n"


def test_the_headings_that_count_can_be_chosen() -> None:
    found = sections("## Decision\n\nA.\n\n## Abstract\n\nB.")
    assert [(told.kind, told.text) for told in told_sections(found, kinds={"abstract": "summary"})] == [
        ("summary", "B.")
    ]


@pytest.mark.parametrize(
    ("heading", "bare"),
    [("  3.1 **Root** `cause`: ", "root cause"), ("iv. Outcome", "outcome"), ("2026 plans", "plans"), ("", "")],
)
def test_a_heading_is_reduced_to_its_words(heading: str, bare: str) -> None:
    assert bare_heading(heading) == bare
