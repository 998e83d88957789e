"""Tables of a markdown text: what is one, which cells its rows have, and where the words of a row are."""

from __future__ import annotations

import time

import pytest

from neural_memory_pipelines.sources.docs.tables import find_tables

TABLE = "| a | b |\n|---|:-:|\n| 1 | 2 |\n"


def cells(markdown: str) -> list[list[tuple[str, ...]]]:
    return [[table.header, *(row.cells for row in table.rows)] for table in find_tables(markdown)]


@pytest.mark.parametrize(
    "markdown",
    [
        TABLE,
        f"# Title\n\nwords | more\n\n{TABLE}\nwords\n",
        f"words right above\n{TABLE}",
        "a | b\n-|-\n1 | 2",
        "  | a | b |\r\n  | --- | --- |\r\n  | 1 | 2 |\r\n",
        "- an item\n\n  | a | b |\n  |---|---|\n  | 1 | 2 |\n",
    ],
)
def test_a_table_is_read(markdown: str) -> None:
    assert cells(markdown) == [[("a", "b"), ("1", "2")]]


def test_cells_are_parted_by_bars_that_are_not_escaped() -> None:
    rows = "| a | b |\n|---|---|\n| `x \\| y` | |\n||z|\n| only\n| 1 | 2 | 3 |\n"
    assert cells(rows) == [[("a", "b"), ("`x | y`", ""), ("", "z"), ("only",), ("1", "2", "3")]]


def test_rows_know_where_their_words_are() -> None:
    markdown = f"words\n\n{TABLE}  3 | 4\t\n\n| later |\n"
    (table,) = find_tables(markdown)
    assert [markdown[row.start : row.end] for row in table.rows] == ["| 1 | 2 |", "3 | 4"]
    assert markdown[table.start :].startswith("| a | b |\n")


def test_several_tables_are_read_in_order() -> None:
    assert len(cells(f"{TABLE}\nwords\n\n{TABLE}")) == 2


@pytest.mark.parametrize(
    "markdown",
    [
        "",
        "a | b\n\n---|---\n1 | 2\n",
        "|---|---|\n| 1 | 2 |\n",
        "| a | b | c |\n|---|---|\n| 1 | 2 |\n",
        "| a |\n| b |\n",
        f"```\n{TABLE}```\n",
        f"~~~markdown\n{TABLE}",
        "    | a | b |\n    |---|---|\n    | 1 | 2 |\n",
        f"<!--\n{TABLE}-->\n",
        "> | a | b |\n> |---|---|\n> | 1 | 2 |\n",
        f"<pre>\n{TABLE}</pre>\n",
    ],
)
def test_what_is_no_table_or_is_shown_as_text_is_none(markdown: str) -> None:
    assert cells(markdown) == []


@pytest.mark.parametrize(
    "markdown",
    [
        "|" * 200_000,
        f"| a | b |\n|{' ' * 200_000}-|-|x\n",
        "| a | b |\n" + "|-|-|-x\n" * 40_000,
        "| a | b |\n|-|-|\n" + "| x | y |\n" * 40_000,
        (" " * 50_000 + "|\n") * 4,
        "-|" * 100_000 + "\n" + "-|" * 100_000,
    ],
)
def test_time_grows_with_the_length_alone(markdown: str) -> None:
    started = time.process_time()
    assert all(len(table.rows) <= 1_000 for table in find_tables(markdown))
    assert time.process_time() - started < 2
