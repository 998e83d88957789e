"""reStructuredText as markdown: structure kept, nothing inserted, nothing remembered, nothing raised."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.sources.docs.rst import LIMIT_CHARS, read_rst
from neural_memory_pipelines.sources.docs.rst.headers import split_headers


def markdown(text: str) -> str:
    read = read_rst(text)
    assert read.error is None
    return read.body


@pytest.mark.parametrize(
    ("rst", "expected"),
    [
        ("One\n===\n\nTwo\n---\n\na\n\nThree\n~~~~~\n\nFour\n====\n", "# One\n\n## Two\n\na\n\n### Three\n\n# Four"),
        ("*a* **b** ``c`` `d`", "*a* **b** `c` *d*"),
        ("``a`b``", "`` a`b ``"),
        ("* a\n* b\n\n  c\n\n  1. d\n  2. e\n", "- a\n\n- b\n\n  c\n\n  1. d\n  2. e"),
        ("* a\n* b\n", "- a\n- b"),
        ("3. a\n4. b\n", "3. a\n4. b"),
        ("term : kind\n   what it is\n", "- **term : kind**: what it is"),
        ("x\n\n:key: value\n", "x\n\n- **key**: value"),
        ("-a, --all  everything\n", "- `-a, --all`: everything"),
        ("Code::\n\n   x = 1\n", "Code:\n\n```\nx = 1\n```"),
        (".. code-block:: python\n   :emphasize-lines: 1\n   :unheard: of\n\n   x\n", "```python\nx\n```"),
        (".. code:: c\n\n   ```\n", "````c\n```\n````"),
        (">>> 1\n1\n", "```pycon\n>>> 1\n1\n```"),
        ("=== ===\nx   y\n=== ===\n1   2|3\n=== ===\n", "| x | y |\n| --- | --- |\n| 1 | 2\\|3 |"),
        (
            "+---+---+\n| a | b |\n|   +---+\n|   | c |\n+---+---+\n| d     |\n+-------+\n",
            "|  |  |\n| --- | --- |\n| a | b |\n|  | c |\n| d |  |",
        ),
        (".. list-table:: T\n   :header-rows: 1\n\n   * - a\n   * - b\n", "**T**\n\n| a |\n| --- |\n| b |"),
        (".. csv-table::\n\n   a,b\n   c\n", "|  |  |\n| --- | --- |\n| a | b |\n| c |  |"),
        ("a\n\n   quoted\n\n   -- Ada\n", "a\n\n> quoted\n>\n> — Ada"),
        (".. note:: Mind\n\n   the gap\n", "> **Note**: Mind\n>\n> the gap"),
        (".. admonition:: Own\n\n   x\n", "> **Own**: x"),
        (".. topic:: T\n\n   * x\n", "> **T**\n>\n> - x"),
        ("| a\n| b\n", "a\nb"),
        ("a\n\n----\n\nb\n", "a\n\n---\n\nb"),
        ("See [1]_ [#]_.\n\n.. [1] one\n.. [#] two\n\n   b\n", "See [^1] [^2].\n\n[^1]: one\n\n[^2]: two\n\n    b"),
        (".. image:: a.png\n   :alt: The alt\n", "![The alt](a.png)"),
        (".. figure:: a.png\n\n   Caption\n", "Caption"),
        (".. rubric:: R\n\n.. math:: x^2\n", "**R**\n\n```math\nx^2\n```"),
        ("|x|\n\n.. |x| replace:: y\n", "y"),
        (".. a comment\n\nx\n", "x"),
        (r"\*a \ b", "*a b"),
    ],
)  # fmt: skip
def test_blocks_and_inline(rst: str, expected: str) -> None:
    assert markdown(rst) == expected


@pytest.mark.parametrize(
    ("rst", "expected"),
    [
        ("`a <https://x.org/p>`_", "[a](https://x.org/p)"),
        ("a_ and `b c`_\n\n.. _a: https://x.org\n.. _b c: a_\n", "[a](https://x.org) and [b c](https://x.org)"),
        ("x__ y__\n\n__ https://x.org\n__ https://y.org\n", "[x](https://x.org) [y](https://y.org)"),
        ("https://x.org/a_b and me@x.org", "https://x.org/a_b and me@x.org"),
        ("a_\n\n.. _a:\n\nHere\n", "a\n\nHere"),
        ("`a <b(d).rst>`_", "[a](b%28d%29.rst)"),
        ("dangling_ `x`__", "dangling x"),
    ],
)
def test_links(rst: str, expected: str) -> None:
    assert markdown(rst) == expected


@pytest.mark.parametrize(
    ("rst", "expected"),
    [
        (":pep:`8` :PEP:`0257` :rfc:`2822#section-3`", "PEP 8 PEP 257 RFC 2822"),
        (":pep:`style <7>`", "style (PEP 7)"),
        (":doc:`guide` :doc:`The guide <../a/guide>`", "[guide](guide) [The guide](../a/guide)"),
        (":mod:`~os.path` :py:func:`!len` :c:func:`f`", "`path` `len` `f`"),
        (":ref:`the place <label>` :unheard-of:`kept`", "the place kept"),
        (":strong:`a` :sup:`2`", "**a** 2"),
    ],
)
def test_roles(rst: str, expected: str) -> None:
    assert markdown(rst) == expected


@pytest.mark.parametrize(
    ("rst", "expected"),
    [
        (".. unheard-of:: with *this*\n   :option: x\n\n   * kept\n", "> **Unheard of**: with *this*\n>\n> - kept"),
        (".. superseded:: 387\n", "> **Superseded**: 387"),
        (".. py:function:: f(a)\n\n   Does.\n", "> **`f(a)`**: Does."),
        (".. image:: x.png\n   :unheard: of\n", "```\n.. image:: x.png\n   :unheard: of\n```"),
    ],
)
def test_directives_that_nobody_knows_keep_their_text(rst: str, expected: str) -> None:
    assert markdown(rst) == expected


def test_nothing_is_inserted(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    forms = (
        f".. include:: {secret}",
        f".. literalinclude:: {secret}",
        f".. csv-table::\n   :file: {secret}",
        f".. raw:: html\n   :file: {secret}",
        ".. raw:: html\n\n   <script>",
        ".. date:: %Y",
        f".. code:: x\n   :file: {secret}",
    )
    body = markdown("\n\n".join(("start", *forms, "end\n")))
    assert "the secret" not in body
    assert "<script>" not in body
    assert str(time.localtime().tm_year) not in body
    assert body.startswith("start")
    assert body.endswith("end")


def test_nothing_is_remembered() -> None:
    before = markdown(":later:`x` `y`")
    read_rst(".. role:: later(strong)\n\n.. default-role:: strong\n\n:later:`x` `y`")
    assert markdown(":later:`x` `y`") == before == "x *y*"


def test_what_would_begin_another_block_is_escaped() -> None:
    body = markdown("a\n# b\n1. c\n- d\n> e\n")
    assert body == "a\n\\# b\n1\\. c\n\\- d\n\\> e"


def test_headers_of_a_proposal_are_fields() -> None:
    header = "PEP: 8\nTitle: Style\nAuthor: Ada <[redacted:email]>,\n        Grace\nSuperseded-By:  9\nEmpty:\n"
    read = read_rst(f"{header}\nAbstract\n====\n")
    assert read.fields == {
        "pep": "8",
        "title": "Style",
        "author": "Ada <[redacted:email]>,\nGrace",
        "superseded_by": "9",
        "empty": "",
    }
    assert read.body == "# Abstract"


@pytest.mark.parametrize(
    "text",
    [
        "Note: this is prose.\n\nMore.",
        "Title: only one\n\nMore.",
        "First: a\nSecond: b\n\nneither says that it is a header",
        "Title: a\nStatus: b\nprose without a key\n",
        "",
    ],
)
def test_what_is_no_header_stays(text: str) -> None:
    assert split_headers(text) == ({}, text)


def test_a_field_list_at_the_top_is_the_same() -> None:
    assert read_rst(":Author: Ada\n:Status: *Draft*\n\nText\n").fields == {"author": "Ada", "status": "Draft"}
    titled = read_rst("Title\n=====\n\n:Superseded by: 9\n\nText\n\nPart\n----\n\n:not: one\n")
    assert titled.fields == {"superseded_by": "9"}
    assert titled.body == "# Title\n\nText\n\n## Part\n\n- **not**: one"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a " * (LIMIT_CHARS // 2 + 1), "longer than 1,000,000"),
        ("x" * 20_000, "docutils made nothing of it"),
        ("".join("  " * depth + "* a\n\n" for depth in range(400)), "RecursionError"),
        ("".join("   " * depth + ".. note::\n\n" for depth in range(300)), "RecursionError"),
        ('.. end of inclusion from "x"\n\ntext', "IndexError"),
        (("+-" * 4_000 + "+\n" + "| " * 4_000 + "|\n") * 6, "20,000 corners"),
        (".. only a comment\n", "docutils made nothing of it"),
    ],
)  # fmt: skip
def test_what_docutils_cannot_read_stays_plain_text(text: str, says: str) -> None:
    read = read_rst(text)
    assert read.body == text
    assert read.error is not None
    assert says in read.error


@pytest.mark.parametrize(
    "piece",
    [
        "`a ",
        ":a:`b ",
        "|a |b ",
        "[a [#b ",
        "a_ b__ ",
        "_",
        "*a **b ",
        "`x <http://a>`_ ",
        "a@b.c.",
        ": ",
        "\\ ",
        "\x00",
    ],
)
def test_a_paragraph_full_of_markup_costs_little(piece: str) -> None:
    line = piece * (80 // len(piece))
    started = time.process_time()
    body = read_rst(f"{line}\n" * 2_500).body
    assert time.process_time() - started < 5
    assert body


def test_substitutions_within_substitutions_do_not_multiply() -> None:
    bomb = ".. |a0| replace:: xx\n" + "".join(
        f".. |a{number}| replace:: {f'|a{number - 1}| ' * 10}\n" for number in range(1, 12)
    )
    assert len(read_rst(f"{bomb}\n|a11|\n").body) < 1_000


def test_a_table_of_empty_cells_is_refused() -> None:
    rows = "   a\n" * 2_000
    body = read_rst(f".. csv-table::\n\n   {',' * 2_000}\n{rows}").body
    assert len(body) < 50_000
    assert body.startswith("```")


_scraps = st.sampled_from(
    [
        *("Title", "=====", "-----", "* a", "1. b", ":f: v", "-o  x", "::", "   code", ">>> 1", ".. note:: x", "   y"),
        *("| l", ".. code::", ".. [1] f", "[1]_", ".. _t: u", "t_", "`a <b>`_", ":pep:`8`", ":x:`y", "**", "|s|"),
        *(".. |s| replace:: z", "+--+", "|a |", "== ==", "a  b", ".. csv-table::", ".. list-table::", "   * - a", ""),
        *("  ", "__ u", "\\", "\t", ".. image:: x", ".. role:: r", ".. figure::", ".. unknown::", "   :o: p", "PEP: 8"),
        *("Title: x", "#. x", "a. b"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(_scraps, st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), max_size=16))
def test_any_text_is_read(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = read_rst(text)
    assert read.body.strip() or read.fields or not text.strip()


def test_real_proposals_are_read(shared_data: Path) -> None:
    files = sorted((shared_data / "peps").glob("pep-*.rst"))[::15]
    assert len(files) > 40
    for file in files:
        text = file.read_text()
        read = read_rst(text)
        assert read.error is None, file.name
        assert {"pep", "title", "author", "status", "type", "created"} <= read.fields.keys(), file.name
        assert read.body.startswith(("# ", "> ")) or "\n# " in read.body, file.name
        assert ".. code-block::" not in read.body.replace("```", ""), file.name
        assert len(read.body) > 0.8 * (len(text) - 1_000), file.name
