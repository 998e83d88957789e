"""Tables of a reStructuredText tree as markdown tables.

A cell becomes one line; one that spans several stands in the first of them.
"""

from __future__ import annotations

from collections.abc import Callable

from docutils import nodes


def table_markdown(table: nodes.table, cell: Callable[[nodes.entry], str]) -> str:
    """Render a table; without a head it has an empty one, which markdown wants.

    Args:
        table: the table's node.
        cell: renders the content of a cell.
    """
    heads = [row for head in table.findall(nodes.thead) for row in _rows(head)]
    bodies = [row for body in table.findall(nodes.tbody) for row in _rows(body)]
    lines = _grid([*heads, *bodies], cell)
    width = max(map(len, lines), default=0)
    if not width:
        return ""
    padded = [line + [""] * (width - len(line)) for line in lines]
    if not heads:
        padded.insert(0, [""] * width)
    padded.insert(1, ["---"] * width)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _rows(part: nodes.Element) -> list[nodes.row]:
    return [row for row in part.children if isinstance(row, nodes.row)]


def _grid(rows: list[nodes.row], cell: Callable[[nodes.entry], str]) -> list[list[str]]:
    """Lay out the cells of rows in columns, past those that a cell above reaches down into."""
    lines: list[list[str]] = []
    reaching: dict[int, int] = {}
    for row in rows:
        line: list[str] = []
        below: dict[int, int] = {column: count - 1 for column, count in reaching.items() if count > 1}
        for entry in row.children:
            if not isinstance(entry, nodes.entry):
                continue
            while len(line) in reaching:
                line.append("")
            columns = range(len(line), len(line) + 1 + entry.get("morecols", 0))
            if entry.get("morerows", 0):
                below.update(dict.fromkeys(columns, entry["morerows"]))
            line.append(_one_line(cell(entry)))
            line += [""] * (len(columns) - 1)
        lines.append(line)
        reaching = below
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
