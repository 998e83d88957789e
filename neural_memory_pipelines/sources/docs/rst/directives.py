"""Directives of reStructuredText that are read as text: code of any spelling, and all that docutils does not know.

Nothing here opens a file, asks the clock or remembers anything from one document to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.parsers.rst.directives.tables import CSVTable

_CSV_LIMIT_CELLS = 20_000


def words(text: str) -> list[str]:
    """Part a text into its words."""
    return text.split()


CODE = frozenset(
    words("code code-block sourcecode productionlist prompt doctest testcode testoutput graphviz digraph mermaid uml")
)
SAFE = frozenset(
    words(
        """
        admonition attention caution danger error hint important note tip warning topic sidebar rubric epigraph
        highlights pull-quote compound container parsed-literal line-block math image figure table
        list-table replace unicode
        """
    )
)
"""Those of docutils that only shape the text below them."""

DROPPED = frozenset(
    words(
        """
        contents sectnum section-numbering header footer meta title role default-role date include raw target-notes
        class highlight toctree index literalinclude currentmodule restructuredtext-test-directive
        """
    )
)
"""Those that hold no text of the document: they insert, configure or decorate."""


class _AnyOptions(dict[str, Callable[[str], Any]]):
    """An option table in which every option is known, as text."""

    def __missing__(self, name: str) -> Callable[[str], Any]:
        return directives.unchanged


class Code(Directive):
    """Program text, whatever options stand above it."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOptions(name=directives.unchanged)

    def run(self) -> Sequence[nodes.Node]:
        """Make a literal block; a production list has its text in the argument."""
        is_text = self.name in {"productionlist", "doctest"}
        lines = [*(self.arguments if is_text else ()), *self.content]
        language = "" if is_text or not self.arguments else self.arguments[0].split()[0]
        text = "\n".join(lines)
        return [nodes.literal_block(text, text, language=language)] if text.strip() else []


class Kept(Directive):
    """A directive that nobody here knows: its name, its argument and its content are kept as a note."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOptions(name=directives.unchanged)

    def run(self) -> Sequence[nodes.Node]:
        """Make an admonition that bears the directive's name, or for `py:function` and its like the signature."""
        note = nodes.admonition()
        argument = " ".join(self.arguments)
        if ":" in self.name and argument:
            note += nodes.title("", "", nodes.literal("", argument))
        else:
            note += nodes.title("", self.name.replace("-", " ").replace(":", " ").capitalize())
            if argument:
                inline, _ = self.state.inline_text(argument, self.lineno)
                note += nodes.paragraph("", "", *inline)
        self.state.nested_parse(self.content, self.content_offset, note)
        return [note]


class Dropped(Directive):
    """A directive that holds no text of the document."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOptions(name=directives.unchanged)

    def run(self) -> Sequence[nodes.Node]:
        """Make nothing."""
        return []


class BoundedCSVTable(CSVTable):
    """A table whose short rows are not filled up to more cells than a document may have.

    A row of many columns above many rows of one would else cost their product.
    """

    def extend_short_rows_with_empty_cells(self, columns: int, parts: Sequence[Any]) -> None:
        """Fill up short rows, or refuse."""
        if columns * sum(map(len, parts)) > _CSV_LIMIT_CELLS:
            raise self.error(f"more than {_CSV_LIMIT_CELLS:,} cells")
        super().extend_short_rows_with_empty_cells(columns, parts)
