"""Notion's blocks and rich text, as markdown."""

from __future__ import annotations

import pytest
from notion_payloads import (
    ADA_ID,
    DATABASE_ID,
    OTHER_ID,
    PAGE_ID,
    Payload,
    ada,
    block,
    changes,
    draft,
    equation,
    identified,
    markdown,
    mention,
    page,
    paragraph,
    rich,
    text,
    titled,
)

from neural_memory_pipelines.domain.documents import SourceDraft

LATER = "2026-03-02T10:30:00.000Z"
OTHER_URL = f"https://www.notion.so/{OTHER_ID.replace('-', '')}"


def bullet(*pieces: str | Payload, children: list[Payload] | None = None) -> Payload:
    return block("bulleted_list_item", *pieces, children=children)


def number(*pieces: str | Payload, **content: object) -> Payload:
    return block("numbered_list_item", *pieces, **content)


def row(*cells: str) -> Payload:
    return block("table_row", cells=[rich(cell) for cell in cells])


def test_the_title_is_the_first_heading_and_headings_stand_one_level_below() -> None:
    levels = [block(f"heading_{level}", f"Part {level}") for level in (1, 2, 3, 4)]
    assert draft(*levels).body == "# A plan\n\n## Part 1\n\n### Part 2\n\n#### Part 3\n\n##### Part 4"


def test_toggle_headings_and_toggles_show_what_they_hide() -> None:
    heading = block("heading_2", "More", children=[paragraph("Hidden.")], is_toggleable=True)
    toggle = block("toggle", "Details", children=[paragraph("Inside."), bullet("one")])
    assert markdown(heading) == "### More\n\nHidden."
    assert markdown(toggle) == "- Details\n\n  Inside.\n\n  - one"


def test_lists_nest_and_keep_their_numbers() -> None:
    assert (
        markdown(
            bullet("a", children=[bullet("b", children=[number("c")]), bullet("d")]),
            bullet("e"),
            number("one"),
            number("two", children=[paragraph("below two")]),
            number("three"),
            paragraph("between"),
            number("one again"),
        )
        == "- a\n  - b\n    1. c\n  - d\n- e\n\n1. one\n2. two\n\n   below two\n3. three\n\nbetween\n\n1. one again"
    )


def test_a_list_starts_where_it_says() -> None:
    assert markdown(number("ninth", list_start_index=9), number("tenth"), number("x")) == "9. ninth\n10. tenth\n11. x"
    assert markdown(number("a", list_start_index=-3)) == "1. a"
    assert markdown(number("a", list_start_index=True)) == "1. a"
    assert markdown(number("a", list_start_index=10**12)) == "1. a"


def test_children_of_a_long_number_stand_below_its_text() -> None:
    nested = number("tenth", children=[bullet("below")], list_start_index=10)
    assert markdown(nested) == "10. tenth\n    - below"


def test_to_dos_show_whether_they_are_done() -> None:
    done, open_ = block("to_do", "done", checked=True), block("to_do", "open", checked=False)
    assert markdown(done, open_) == "- [x] done\n- [ ] open"


def test_quotes_and_callouts_hold_their_children_and_stay_apart() -> None:
    quote = block("quote", "said\non two lines", children=[bullet("item"), paragraph("more")])
    callout = block("callout", "Careful", icon={"type": "emoji", "emoji": "!"})
    assert markdown(quote, callout) == "> said\n> on two lines\n>\n> - item\n>\n> more\n\n> Careful"


def test_code_is_fenced_with_more_backticks_than_it_holds() -> None:
    code = block("code", "a = 1\n\n````\nb", language="python", caption=rich("how"))
    assert markdown(code) == "`````python\na = 1\n\n````\nb\n`````\n\nhow"
    assert markdown(block("code", "*plain*", language="plain text")) == "```\n*plain*\n```"
    assert markdown(block("code", "x", language="evil`\n# h")) == "```\nx\n```"


def test_code_in_a_list_is_indented_with_it() -> None:
    assert markdown(bullet("a", children=[block("code", "x\n\ny")])) == "- a\n\n  ```\n  x\n\n  y\n  ```"


def test_divider_and_equation() -> None:
    assert markdown(paragraph("a"), block("divider"), paragraph("b")) == "a\n\n---\n\nb"
    assert markdown(block("equation", expression="e = mc^2")) == "$$\ne = mc^2\n$$"


def test_tables() -> None:
    table = block("table", table_width=2, has_column_header=True, children=[row("a|b", "c"), row("1\n2", "3")])
    assert markdown(table) == "| a\\|b | c |\n| --- | --- |\n| 1 2 | 3 |"


def test_a_table_without_header_and_with_short_rows() -> None:
    table = block("table", table_width=2, has_column_header=False, children=[row("1", "2"), row("3")])
    assert markdown(table) == "|  |  |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |"
    assert markdown(block("table", table_width=0, children=[])) == ""


def test_what_only_arranges_others_leaves_no_trace() -> None:
    columns = block("column_list", children=[block("column", children=[paragraph(side)]) for side in ("left", "right")])
    synced = block("synced_block", synced_from=None, children=[paragraph("same everywhere")])
    tabs = block("tab", children=[paragraph("in a tab")])
    nothing = [block("table_of_contents", color="gray"), block("breadcrumb")]
    assert markdown(columns, synced, tabs, *nothing) == "left\n\nright\n\nsame everywhere\n\nin a tab"


def test_other_pages_are_named_but_what_they_hold_is_theirs() -> None:
    child = block("child_page", title="Sub page", children=[paragraph("of the sub page")])
    assert markdown(child, block("child_database", title="Tasks_")) == "Page: Sub page\n\nDatabase: Tasks\\_"


@pytest.mark.parametrize("kind", ["bookmark", "embed", "link_preview"])
def test_links_stand_by_themselves(kind: str) -> None:
    assert markdown(block(kind, url="https://example.com/a_b")) == "https://example.com/a_b"
    assert markdown(block(kind, url="https://e.com/(x y)", caption=rich("why"))) == "[why](https://e.com/%28x%20y%29)"
    assert markdown(block(kind, url="javascript:alert(1)")) == "javascript:alert(1)"


@pytest.mark.parametrize("kind", ["image", "file", "pdf", "video", "audio"])
def test_files_keep_their_captions_and_lasting_addresses(kind: str) -> None:
    external = block(kind, type="external", external={"url": "https://example.com/x.png"}, caption=rich("A graph"))
    kept = {"url": "https://files.example/secret?X-Amz-Signature=1", "expiry_time": LATER}
    own = block(kind, type="file", file=kept, caption=rich("Graph ", text("two", bold=True)))
    named = block(kind, type="file", file=kept, name="report_.pdf", caption=[])
    assert markdown(external) == "[A graph](https://example.com/x.png)"
    assert markdown(own, named) == "Graph **two**\n\nreport\\_.pdf"


def test_a_link_to_a_page() -> None:
    assert markdown(block("link_to_page", type="page_id", page_id=OTHER_ID)) == f"[Linked page]({OTHER_URL})"
    database = block("link_to_page", type="database_id", database_id=DATABASE_ID)
    assert DATABASE_ID.replace("-", "") in markdown(database)
    assert markdown(block("link_to_page", type="comment_id", comment_id=OTHER_ID)) == ""


def test_blocks_with_nothing_to_show_are_counted() -> None:
    blocks = [
        block("unsupported", block_type="form"),
        block("unsupported"),
        block("button"),
        {"object": "block", "id": OTHER_ID},
    ]
    assert draft(*blocks).metadata["unsupported_blocks"] == {"form": 1, "unsupported": 2, "button": 1}
    assert "unsupported_blocks" not in draft(paragraph("a")).metadata


def test_unknown_types_are_read_as_far_as_they_have_text() -> None:
    notes = block("meeting_notes", title=rich("Standup"), children=[paragraph("All well.")])
    notes["meeting_notes"]["children"] = {"notes_block_id": OTHER_ID}
    assert markdown(notes, block("poem", "a line"), block("template", "new one")) == (
        "Standup\n\nAll well.\n\na line\n\nnew one"
    )


def test_trashed_blocks_are_left_out() -> None:
    gone = {**paragraph("gone"), "in_trash": True}
    archived = {**paragraph("gone"), "archived": True}
    assert markdown(gone, archived, paragraph("here")) == "here"


def test_blocks_whose_children_did_not_come_are_counted() -> None:
    cut = {**bullet("a"), "has_children": True}
    assert draft(cut).metadata["blocks_without_their_children"] == 1
    assert "blocks_without_their_children" not in draft(bullet("a", children=[paragraph("b")])).metadata


# --- decoration


def test_decoration() -> None:
    pieces = (text("bold", bold=True), " ", text("it", italic=True), " ", text("old", strikethrough=True))
    assert markdown(paragraph(*pieces, " ", text("a*b", code=True))) == "**bold** *it* ~~old~~ `a*b`"


def test_decoration_never_touches_white_space_and_nests() -> None:
    pieces = ("a", text(" bold ", bold=True), text("both", bold=True, italic=True), text(" more", bold=True), " end")
    assert markdown(paragraph(*pieces)) == "a **bold *both* more** end"
    assert markdown(paragraph("a", text("  ", bold=True), "b")) == "a  b"
    assert markdown(paragraph(text("a\nb", bold=True))) == "**a**\n**b**"


def test_pieces_of_the_same_setting_are_one() -> None:
    assert markdown(paragraph(text("a", bold=True), text("b", bold=True))) == "**ab**"


def test_code_holds_its_backticks() -> None:
    assert markdown(paragraph(text("`x`", code=True))) == "`` `x` ``"


def test_links() -> None:
    assert markdown(paragraph(text("the [doc]", link="https://e.com/a"))) == "[the [doc]](https://e.com/a)"
    assert markdown(paragraph(text("a]b", link="https://e.com/a"))) == "[a\\]b](https://e.com/a)"
    assert markdown(paragraph(text("https://e.com/a", link="https://e.com/a"))) == "https://e.com/a"
    inside = text("that page", link=f"/{OTHER_ID.replace('-', '')}")
    assert markdown(paragraph(inside)) == f"[that page]({OTHER_URL})"


def test_mentions_and_equations() -> None:
    blocks = paragraph(
        mention("@Ada Lovelace", user=ada()),
        " on ",
        mention("2026-03-01", date={"start": "2026-03-01", "end": None}),
        ": see ",
        mention("The [other] plan", page={"id": OTHER_ID}),
        " and ",
        mention("Tasks", database={"id": DATABASE_ID}),
        ", ",
        equation("a_b"),
    )
    assert markdown(blocks) == (
        f"@Ada Lovelace on 2026-03-01: see [The [other] plan]({OTHER_URL}) and "
        f"[Tasks](https://www.notion.so/{DATABASE_ID.replace('-', '')}), $a_b$"
    )


def test_a_mention_without_words() -> None:
    assert markdown(paragraph(mention("", page={"id": OTHER_ID}))) == f"[Untitled]({OTHER_URL})"
    assert markdown(paragraph(mention("", user={"object": "user", "id": ADA_ID}))) == "@someone"


# --- escapes


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("# no heading", "\\# no heading"),
        ("#12 is fixed", "#12 is fixed"),
        ("- no item", "\\- no item"),
        ("+ no item", "\\+ no item"),
        ("* no item", "\\* no item"),
        ("12. no item", "12\\. no item"),
        ("3) no item", "3\\) no item"),
        ("2026 was", "2026 was"),
        ("> no quote", "\\> no quote"),
        ("---", "\\---"),
        ("===", "\\==="),
        ("| no | table |", "\\| no | table |"),
        ("a *b* c", "a \\*b\\* c"),
        ("2 * 3", "2 * 3"),
        ("snake_case_name", "snake_case_name"),
        ("__init__", "\\_\\_init\\_\\_"),
        ("`code`", "\\`code\\`"),
        ("~~old~~", "\\~\\~old\\~\\~"),
        ("<!-- hidden -->", "\\<!-- hidden -->"),
        ("List<int> a < b", "List\\<int> a < b"),
        ("AT&amp;T & co", "AT\\&amp;T & co"),
        ("[a](b)", "[a\\](b)"),
        ("![a](b)", "![a\\](b)"),
        ("[a]: b", "\\[a]: b"),
        ("see [a]: b", "see [a]: b"),
        ("https://e.com/[a](b)", "https://e.com/[a\\](b)"),
        ("[1] and [redacted:email]", "[1] and [redacted:email]"),
        ("end\\\nof line", "end\\\\\nof line"),
        ("C:\\temp \\* x", "C:\\temp \\\\\\* x"),
        ("https://e.com/_a_/b*c", "https://e.com/_a_/b*c"),
        ("    not code", "not code"),
    ],
)
def test_plain_text_stays_plain(plain: str, escaped: str) -> None:
    assert markdown(paragraph(plain)) == escaped
    assert markdown(paragraph(f"first\n{plain}")) == f"first\n{escaped}"


def test_a_heading_keeps_a_trailing_mark() -> None:
    assert markdown(block("heading_1", "About C #")) == "## About C \\#"
    assert markdown(block("heading_1", "two\nlines")) == "## two lines"


def test_empty_blocks_leave_nothing_behind() -> None:
    assert markdown(paragraph(), paragraph(" \n "), bullet(" "), block("heading_1", ""), block("code", "")) == ""
    assert markdown(bullet("", children=[paragraph("kept")])) == "-\n\n  kept"


def test_line_ends_and_what_no_database_stores() -> None:
    assert markdown(paragraph("a\r\nb\rc\x00d")) == "a\nb\nc\ufffdd"


# --- trees


def test_blocks_as_the_apis_list_object() -> None:
    body = draft(paragraph("a")).body
    listed = {"object": "list", "results": [paragraph("a")], "has_more": False}
    children = {"object": "list", "results": [paragraph("b")], "has_more": True}
    nested = {**bullet("a"), "children": children}
    assert draft_of(listed).body == body
    assert draft_of([nested]).body.endswith("- a\n\n  b")
    assert draft_of([nested]).metadata["blocks_without_their_children"] == 1
    assert draft_of({**listed, "has_more": True}).metadata["blocks_without_their_children"] == 1


def draft_of(blocks: object) -> SourceDraft:
    (only,) = changes({"page": page(), "blocks": blocks}).drafts
    return only


def _id(number_: int) -> str:
    return f"{number_:08x}-2222-4333-8444-555555555555"


def test_flat_blocks_are_put_into_a_tree_in_any_order() -> None:
    flat = [
        identified(bullet("b"), _id(2), parent=_id(1)),
        identified(bullet("a"), _id(1)),
        identified(bullet("c"), _id(3), parent=_id(2).replace("-", "").upper()),
    ]
    assert markdown(*flat) == "- a\n  - b\n    - c"


def test_a_block_that_comes_twice_is_written_once() -> None:
    inner = identified(bullet("b"), _id(2), parent=_id(1))
    assert markdown(identified(bullet("a", children=[inner]), _id(1)), inner) == "- a\n  - b"


def test_blocks_that_are_each_others_parents_are_still_written_once() -> None:
    one = identified(bullet("a"), _id(1), parent=_id(2))
    two = identified(bullet("b"), _id(2), parent=_id(1))
    itself = identified(bullet("c"), _id(3), parent=_id(3))
    assert sorted(markdown(one, two, itself).replace(" ", "").split("\n")) == ["-a", "-b", "-c"]


def test_children_below_the_type_as_in_requests() -> None:
    assert markdown(block("bulleted_list_item", "a", children=None) | _request_children()) == "- a\n  - b"


def _request_children() -> Payload:
    return {"bulleted_list_item": {"rich_text": rich("a"), "children": [bullet("b")]}}


def test_a_title_is_markdown_too() -> None:
    body = draft(properties={"Name": titled("The __init__ of ", mention("B", page={"id": OTHER_ID}))}).body
    assert body == f"# The \\_\\_init\\_\\_ of [B]({OTHER_URL})"
    assert PAGE_ID not in body
