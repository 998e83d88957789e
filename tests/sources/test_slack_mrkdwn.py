"""Slack's markup becomes markdown that means the same, and nothing in it can break out of its message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.blocks import Kind, scan_blocks
from neural_memory_pipelines.sources.slack.mrkdwn import Rendered, own_words, plain, render

NAMES = {"U1": "Ada Lovelace", "U2": "Ben"}


def name_of(user_id: str, label: str | None) -> str:
    return NAMES.get(user_id) or label or user_id


def rendered(text: str) -> Rendered:
    return render(text, name_of)


@pytest.mark.parametrize(
    ("slack", "markdown"),
    [
        ("*bold* and _it_ and ~gone~", "**bold** and _it_ and ~~gone~~"),
        ("2*3*4, a * b * c, ~5 to ~6", "2*3*4, a * b * c, ~5 to ~6"),
        ("*<https://example.org|the plan>*", "**[the plan](https://example.org)**"),
        ("<https://example.org/a?b=1&amp;c=2>", "https://example.org/a?b=1&c=2"),
        ("<https://example.org|https://example.org>", "https://example.org"),
        ("<http://example.org|example.org>", "[example.org](http://example.org)"),
        ("<https://example.org/a_(b)|x [y]>", r"[x \[y\]](https://example.org/a_%28b%29)"),
        ("<mailto:[redacted:email]|[redacted:email]> or <tel:+4930|call>", "[redacted:email] or call"),
        ("<@U1> <@U2|benny> <@U3|eve> <@U4>", "@Ada Lovelace @Ben @eve @U4"),
        ("<#C1|shop> <#C2>", "#shop #C2"),
        ("<!here> <!channel|channel> <!subteam^S1|@payments> <!subteam^S2>", "@here channel @payments @S2"),
        ("<!date^1767348000^{date}|2 January>", "2 January"),
        ("a &lt; b &amp;&amp; c &gt; d, &amp;lt; stays", "a < b && c > d, &lt; stays"),
        ("`a &lt; *b* <https://x.example|y>` *c*", "`a < *b* y` **c**"),
        ("see ```if a &lt; b:\n  *go*``` then", "see \n```\nif a < b:\n  *go*\n```\n then"),
        ("```a ``b`` c```", "```\na ``b`` c\n```"),
        ("• one\n  ◦ two", "- one\n  - two"),
        ("&gt; quoted\nmine", "> quoted\n\nmine"),
        (":tada: :+1:", ":tada: :+1:"),
        ("", ""),
    ],
)
def test_marks_are_turned(slack: str, markdown: str) -> None:
    assert rendered(slack).markdown == markdown


@pytest.mark.parametrize(
    "slack",
    [
        "# not a heading",
        "words\n---\nmore",
        "words\n===\nmore",
        "```never closed\nand on",
        "~~~\ntildes",
        "&lt;!-- hidden",
        "<!x|&lt;!-- hidden>",
        "<!x|```>",
        "<mailto:a|# x>",
        "``````",
        "\ue0000\ue001 \ue00012\ue001",
    ],
)
def test_nothing_opens_a_block_that_hides_what_follows(slack: str) -> None:
    text = f"**Ada** (2026-01-02 10:00 UTC):\n{rendered(slack).markdown}\n\n**Ben** (2026-01-02 10:01 UTC):\nNext."
    kinds = {block.kind for block in scan_blocks(text)}
    assert kinds <= {Kind.PARAGRAPH, Kind.ITEM}
    assert any(text[block.start :].startswith("**Ben**") for block in scan_blocks(text))


def test_mentions_are_where_they_say() -> None:
    found = rendered("*<@U1>* and ```x``` then &lt;<@U2>&gt; `<@U3>`")
    assert [(mention.user_id, found.markdown[mention.start : mention.end]) for mention in found.mentions] == [
        ("U1", "@Ada Lovelace"),
        ("U2", "@Ben"),
    ]


@given(st.text(alphabet="<>@#!|*_~`&ltgamp;U1 \n-=.\ue000\ue0010", max_size=60))
def test_any_text_is_rendered_and_its_mentions_hold(text: str) -> None:
    found = rendered(text)
    for mention in found.mentions:
        assert found.markdown[mention.start : mention.end].startswith("@")
    assert "\ue000" not in found.markdown


def test_plain_words_have_no_marks() -> None:
    assert plain(rendered("*Plan*: <https://example.org|see [1]>, `make`, # 1").markdown) == "Plan: see [1], make, # 1"


def test_own_words_leave_out_code_and_quotes() -> None:
    words = own_words("Mine.\n\n> yours\n\n```\ncode\n```\n- item\n> his\nafter")
    assert [text.strip() for _, text in words] == ["Mine.", "- item\nafter"]
