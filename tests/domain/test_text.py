"""Blocks, sections, first paragraphs and cuts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import neural_memory_pipelines
from neural_memory_pipelines.domain.blocks import Kind, heading_text, scan_blocks, split_front_matter
from neural_memory_pipelines.domain.text import clip, clip_passage, first_paragraph, sections

PAGE = """\
---
title: A page
---

Before it all.

# Guide #

First words
of the guide.
- one
- two
  with more
  - nested

Setext two
----------

```sh
# no heading
```
<!-- ## no heading

either -->
| a | b |
|---|---|

***
### Deep
#### Deeper

End.

## Last
"""


def test_blocks_of_a_page() -> None:
    kinds = [(block.kind, block.level) for block in scan_blocks(PAGE)]
    assert kinds == [
        (Kind.FRONT_MATTER, 0),
        (Kind.PARAGRAPH, 0),
        (Kind.HEADING, 1),
        (Kind.PARAGRAPH, 0),
        (Kind.ITEM, 0),
        (Kind.ITEM, 0),
        (Kind.ITEM, 0),
        (Kind.HEADING, 2),
        (Kind.FENCE, 0),
        (Kind.COMMENT, 0),
        (Kind.PARAGRAPH, 0),
        (Kind.RULE, 0),
        (Kind.HEADING, 3),
        (Kind.HEADING, 4),
        (Kind.PARAGRAPH, 0),
        (Kind.HEADING, 2),
    ]


@given(st.lists(st.sampled_from(["# a", "b", "", " ", "```", "~~~", "- c", "===", "---", "<!--", "\u2028", "\x85"])))
def test_blocks_follow_each_other_and_cover_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    blocks = scan_blocks(text)
    at = blocks[0].start if blocks else len(text)
    assert not text[:at].strip()
    for block in blocks:
        assert block.start == at < block.content_end <= block.end
        assert text[block.start : block.content_end].strip()
        assert not text[block.content_end : block.end].strip()
        at = block.end
    assert at == len(text)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("# One\n", "One"),
        ("   ###  Two  words ###  \r\n", "Two words"),
        ("\n\n## After blanks", "After blanks"),
        ("# C#\n", "C#"),
        ("#\n", ""),
        ("## ##\n", ""),
        ("Over\ntwo lines\n===\n", "Over two lines"),
    ],
)
def test_heading_text(block: str, words: str) -> None:
    assert heading_text(block) == words


@pytest.mark.parametrize(
    ("text", "front", "rest"),
    [
        ("---\na: 1\n---\nx", "a: 1\n", "x"),
        ("\ufeff---\r\na: 1\r\n---\r\nx", "a: 1\r\n", "x"),
        ("---\n---\nx", "", "x"),
        ("---\n# note\na: [\n---", "# note\na: [\n", ""),
        ("---\n\nprose: with a rule above\n\n---\n", None, "---\n\nprose: with a rule above\n\n---\n"),
        ("---\na: 1\n", None, "---\na: 1\n"),
        ("x\n---\na: 1\n---\n", None, "x\n---\na: 1\n---\n"),
    ],
)
def test_front_matter_is_parted(text: str, front: str | None, rest: str) -> None:
    assert split_front_matter(text) == (front, rest)


def test_sections_nest() -> None:
    found = sections(PAGE.partition("---\n\n")[2])
    assert [(section.level, section.heading, section.path) for section in found] == [
        (0, "", ()),
        (1, "Guide", ("Guide",)),
        (2, "Setext two", ("Guide", "Setext two")),
        (3, "Deep", ("Guide", "Setext two", "Deep")),
        (4, "Deeper", ("Guide", "Setext two", "Deep", "Deeper")),
        (2, "Last", ("Guide", "Last")),
    ]
    assert found[0].text == "Before it all."
    assert found[3].text == "#### Deeper\n\nEnd."
    assert found[4].text == "End."
    assert found[1].text.startswith("First words")
    assert found[1].text.endswith("## Last")
    assert found[5].text == ""


def test_section_spans_lie_in_the_text() -> None:
    text = "intro\n\n## One\n\na\n\n## Two\n\nb\n"
    assert [text[section.start : section.end] for section in sections(text)] == [
        "intro\n\n",
        "## One\n\na\n\n",
        "## Two\n\nb\n",
    ]


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("# Title\n\n[![badge](a)](b)\n\n<br>\n\n> A quote\n> of two lines.\n\nMore.", "A quote of two lines."),
        ("```\ncode\n```\n| a |\n|---|\n\n- [x] done *this*\n- and that", "done *this*"),
        ("<!-- template -->\nWords  here\nand there.", "Words here and there."),
        ("# Only\n\n## headings", ""),
        ("", ""),
    ],
)
def test_first_paragraph(markdown: str, words: str) -> None:
    assert first_paragraph(markdown) == words


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 10, "short"),
        ("hello world foo bar", 12, "hello world…"),
        ("hello world, foo bar", 13, "hello world…"),
        ("exactly ten", 11, "exactly ten"),
        ("a" * 30, 10, "a" * 9 + "…"),
        ("two\nlines\there", 50, "two lines here"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
    ],
)
def test_clip(text: str, limit: int, cut: str) -> None:
    assert clip(text, limit) == cut


@given(st.text(max_size=80), st.integers(0, 60))
def test_clips_keep_the_limit(text: str, limit: int) -> None:
    for cut in (clip(text, limit), clip_passage(text, limit)):
        assert len(cut) <= limit
    assert clip(clip(text, limit), limit) == clip(text, limit)


def test_clip_passage_ends_at_a_sentence_or_line() -> None:
    text = "First sentence here. Second one is here! Third goes on for long"
    assert clip_passage(text, 45) == "First sentence here. Second one is here!"
    assert clip_passage(text, 40) == "First sentence here. Second one is here!"
    assert clip_passage("line one\nline two\nline three", 20) == "line one\nline two"
    assert clip_passage("no end to be seen in here at all", 20) == "no end to be seen…"
    assert clip_passage(f"{text}.", 100) == f"{text}."


def test_no_possessive_quantifier_stands_on_a_group() -> None:
    """Python 3.11.2, which is Debian's, matches such patterns wrongly."""
    package = Path(neural_memory_pipelines.__file__).parent
    possessive_group = re.compile(r"\)(?:[*+?]|\{+[0-9, ]+\}+)\+")
    assert possessive_group.search(r"(?:a|b)*+")
    found = [
        f"{path.relative_to(package)}:{number}"
        for path in package.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if possessive_group.search(line)
    ]
    assert found == []
