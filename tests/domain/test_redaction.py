"""Redaction: what is found on the labelled set, what is left, and the laws that hold for every text."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.redaction import (
    RedactionPolicy,
    count_placeholders,
    redact,
    redaction_kinds,
)
from tests.data.redaction.labelled import Positive, negatives, positives

ALL = RedactionPolicy.ALL
TOKENS = RedactionPolicy.TOKENS
PERSONAL_KINDS = {"email", "phone", "card", "iban", "national-id"}
ROOT = Path(__file__).parents[2]
POSITIVES = positives()
NEGATIVES = negatives()
# Characters on which rules begin, go on and end.
_GLUE = st.text(st.sampled_from("@.-_ \n\t:/=+0129aAeE[](){}<>\"'\\#%&|,;~é→"), max_size=8)
_PIECE = st.sampled_from([each.text for each in POSITIVES] + NEGATIVES)


def _name(positive: Positive) -> str:
    return f"{positive.kind}-{POSITIVES.index(positive)}"


@pytest.mark.parametrize("positive", POSITIVES, ids=_name)
def test_every_labelled_place_is_redacted_and_nothing_around_it(positive: Positive) -> None:
    redacted = redact(positive.text, ALL)
    assert redacted.text == positive.wanted
    assert redacted.counts == {positive.kind: len(positive.secrets)}


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_only_looks_like_it_stays(text: str) -> None:
    redacted = redact(text, ALL)
    assert redacted.text == text
    assert not redacted.counts


def test_the_set_is_large_enough_to_say_something() -> None:
    assert len(POSITIVES) >= 150
    assert len(NEGATIVES) >= 150
    assert {each.kind for each in POSITIVES} == redaction_kinds()


def test_recall_does_not_hang_on_the_seed() -> None:
    missed = total = 0
    for seed in range(5):
        for each in positives(seed):
            total += 1
            missed += redact(each.text, ALL).text != each.wanted
    assert missed <= 0.005 * total


def test_recall_holds_on_snippets_that_were_not_tuned_for() -> None:
    held_out = positives(name="held_out")
    found = sum(redact(each.text, ALL).text == each.wanted for each in held_out)
    assert found / len(held_out) >= 0.97


@pytest.mark.parametrize("positive", POSITIVES, ids=_name)
def test_the_token_policy_leaves_personal_data(positive: Positive) -> None:
    wanted = positive.text if positive.kind in PERSONAL_KINDS else positive.wanted
    assert redact(positive.text, TOKENS).text == wanted


def test_off_changes_nothing() -> None:
    for each in POSITIVES:
        assert redact(each.text, RedactionPolicy.OFF).text == each.text


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_PIECE, _GLUE), min_size=1, max_size=5))
def test_redacting_twice_changes_nothing(parts: list[tuple[str, str]]) -> None:
    text = "".join(piece + glue for piece, glue in parts)
    once = redact(text, ALL)
    twice = redact(once.text, ALL)
    assert twice.text == once.text
    assert not twice.counts


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("@.-_ \n:/=+0123456789aAbB[]()\"'\\"), max_size=80))
def test_redacting_noise_twice_changes_nothing(text: str) -> None:
    once = redact(text, ALL).text
    assert redact(once, ALL).text == once


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_is_accepted(text: str) -> None:
    redact(text, ALL)


@settings(max_examples=200, deadline=None)
@given(
    *[st.sampled_from([each.text for each in POSITIVES if each.kind != "private-key"] + NEGATIVES) for _ in range(2)]
)
def test_paragraphs_do_not_matter_to_each_other(first: str, second: str) -> None:
    together = redact(f"{first}\n\n{second}", ALL).text
    assert together == f"{redact(first, ALL).text}\n\n{redact(second, ALL).text}"


def test_placeholders_are_counted_by_kind() -> None:
    redacted = redact("ada@harbor.example, bob@harbor.example, 415-555-0132", ALL)
    assert redacted.counts == {"email": 2, "phone": 1}
    assert count_placeholders(redacted.text) == {"email": 2, "phone": 1}
    assert count_placeholders("[redacted:nonsense] [redacted:email") == {}
    assert count_placeholders("") == {}


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1-1-1-",
        "a@",
        "a@a.co ",
        "=",
        "password=",
        "password=a1",
        "api_key=a1B2",
        "4111 ",
        "4111 1111 1111 1111 ",
        "DE89 ",
        "415-555-0132-",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "eyJaaaaaaaa.",
        "ghp_",
        "sk-ant-",
        "://a:b@",
        "-",
        "[at] a . ",
    ],
)
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    once = redact(text, ALL)
    seconds = time.process_time() - started
    # Two seconds for the worst where this was written; a rule that is quadratic takes minutes.
    assert seconds < 20
    assert redact(once.text, ALL).text == once.text


def test_the_domain_stays_light_until_a_text_needs_the_library() -> None:
    program = (
        "import sys; from neural_memory_pipelines.domain.redaction import redact, RedactionPolicy;"
        "redact('Mail ada@harbor.example, token ' + 'ghp_' + 'a1B2c3D4e5' * 4, RedactionPolicy.ALL);"
        "print('detect_secrets' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"]


def test_the_page_names_every_kind() -> None:
    page = (ROOT / "docs" / "redaction.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9-]+)`", page))
    assert redaction_kinds() <= named
