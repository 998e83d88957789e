"""Where sentences end, and what of markdown is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.summaries.sentences import plain, split_sentences

CASES = {
    "plain": ("It broke. We fixed it! Did it hold? Yes.", ["It broke.", "We fixed it!", "Did it hold?", "Yes."]),
    "abbreviations": (
        "Use a queue, e.g. Kafka, i.e. a log. See Dr. Falk et al. 1998.",
        ["Use a queue, e.g. Kafka, i.e. a log.", "See Dr. Falk et al. 1998."],
    ),
    "numbers": ("It took 2.5 s. Then No. 5 fell. See Fig. 3.", ["It took 2.5 s.", "Then No. 5 fell.", "See Fig. 3."]),
    "a no": ("Shall we? No. That is late.", ["Shall we?", "No.", "That is late."]),
    "versions": ("We run v2.5.0. Next is 3.0.", ["We run v2.5.0.", "Next is 3.0."]),
    "addresses": (
        "See https://example.com/a.B?c=d. Then ask.",
        ["See https://example.com/a.B?c=d.", "Then ask."],
    ),
    "issues": ("Fixes acme/shop#12. Closes #13.", ["Fixes acme/shop#12.", "Closes #13."]),
    "code first": ("It works. `pg.queue` is fast.", ["It works.", "pg.queue is fast."]),
    "code inside": ("Call `a.b. C()` twice. Done.", ["Call a.b. C() twice.", "Done."]),
    "lower case goes on": ("The file .env is read. nothing else", ["The file .env is read. nothing else"]),
    "initials": ("Ask Donald E. Knuth. He knows.", ["Ask Donald E. Knuth.", "He knows."]),
    "I": ("So did I. We left.", ["So did I.", "We left."]),
    "quotes": ('He said "Stop." Then we left.', ['He said "Stop."', "Then we left."]),
    "a title without an end": ("Use the exponent\n\nIt was wrong.", ["Use the exponent", "It was wrong."]),
    "wrapped lines": (
        "This line is as long as those that an editor wraps at the margin\nGit keeps it so. New one.",
        ["This line is as long as those that an editor wraps at the margin Git keeps it so.", "New one."],
    ),
    "lines of a chat": ("restarted redis\nLooks good now", ["restarted redis", "Looks good now"]),
    "statements": (
        "Decision: we keep it, as the\nload test failed.\nOutcome: all reached.",
        ["Decision: we keep it, as the load test failed.", "Outcome: all reached."],
    ),
    "a list": (
        "Three rules:\n\n- first rule\n- [x] second. Third\n2. last",
        ["Three rules:", "first rule", "second.", "Third", "last"],
    ),
    "emphasis": ("**Closing note.** Both *conditions* are __met__.", ["Closing note.", "Both conditions are met."]),
    "links": ("See [the plan](https://e.org/a.b) and ![pic](x.png) it. OK?", ["See the plan and it.", "OK?"]),
    "snake case": ("Set queue_backend_flag and max_rows.", ["Set queue_backend_flag and max_rows."]),
    "forged references": ("We agreed [1] on it [2, 3].", ["We agreed on it."]),
    "a quote": ("> Three goals. Two left.", ["Three goals.", "Two left."]),
    "entities and tags": ("A &amp; B<br>are <b>one</b>.", ["A & Bare one."]),
    "no sentences": ("# Heading. One\n\n```\nCode. Here.\n```\n\n| a | b. C |\n|---|---|\n\n<!-- No. Comment. -->", []),
    "indented code": ("Text here.\n\n    x = 1. Y\n\nMore.", ["Text here.", "More."]),
    "Japanese": ("\u5b8c\u4e86\u3002\u6b21\u3078\u3002", ["\u5b8c\u4e86\u3002", "\u6b21\u3078\u3002"]),
    "Cyrillic": ("\u0414\u0430. \u041d\u0435\u0442.", ["\u0414\u0430.", "\u041d\u0435\u0442."]),
    "dots": ("Wait... Then it came. And… Gone.", ["Wait...", "Then it came.", "And…", "Gone."]),
    "a numbered thing": ("1. Do this. 2. Do that.", ["Do this.", "2. Do that."]),
    "nothing": (" \n", []),
}


@pytest.mark.parametrize("case", CASES)
def test_splits(case: str) -> None:
    markdown, expected = CASES[case]
    assert split_sentences(markdown) == expected


@given(st.lists(st.from_regex(r"[A-Z][a-z]{1,8}( [a-z]{1,8}){3,6}[.!?]", fullmatch=True), max_size=6))
def test_plain_sentences_come_back_as_they_were(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


@given(st.text(alphabet="aB.!? \n*_`[](){}<>#-|1:\\&;", max_size=80))
def test_any_text_is_read_and_a_sentence_is_one_line_without_blanks_around(text: str) -> None:
    for sentence in split_sentences(text):
        assert sentence
        assert sentence == " ".join(sentence.split())


def test_long_hostile_lines_take_no_time() -> None:
    for piece in ("[a](", "`", "**", "<a ", "a. ", "![", "_a", "http://"):
        split_sentences(piece * 5_000)


def test_markup_of_one_sentence() -> None:
    assert plain("**Done** in `v2`, see [it](u) \\[sic\\]") == "Done in v2, see it [sic]"
