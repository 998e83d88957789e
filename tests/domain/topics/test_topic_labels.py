"""Keywords and labels: what names a topic, and what never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.topics.labels import keywords_of, label_of
from neural_memory_pipelines.domain.topics.words import stems_of, terms_of

_KAFKA = [
    "RFC 0003: move the event queue to Kafka.",
    "Kafka for staging: three brokers, as RFC 0003 says. The event queue waits.",
    "The load test of Kafka on Thursday: the event queue fell behind.",
]
_OVENS = [
    "The oven in the kitchen is cold.",
    "We ordered a new oven for the kitchen.",
    "A kitchen without an oven: soup on Thursday.",
]


def test_keywords_tell_a_topic_from_the_others() -> None:
    kafka, ovens = keywords_of([_KAFKA, _OVENS])
    assert set(kafka[:3]) == {"kafka", "event queue", "rfc 0003"}
    assert set(ovens) == {"oven", "kitchen"}


def test_what_all_topics_say_weighs_little() -> None:
    said = [f"{text} Invoice." for text in _KAFKA]
    (alone,) = keywords_of([said], count=20)
    (beside,) = keywords_of([said], others=[["Invoice."] * 50], count=20)
    assert "invoice" in alone
    assert beside[-1] == "invoice"


def test_others_give_no_keywords_of_their_own() -> None:
    assert len(keywords_of([_KAFKA], others=[_OVENS, _OVENS])) == 1


def test_a_long_text_does_not_name_the_topic_alone() -> None:
    (keywords,) = keywords_of([[*_OVENS, "teapot " * 500]], others=[_KAFKA])
    assert "teapot" not in keywords


def test_no_keyword_is_in_another() -> None:
    texts = ["redis-queue and redis, queue queues", "the redis-queue of redis and its queues", "a redis-queue"]
    (keywords,) = keywords_of([texts])
    assert keywords == ["redis-queue"]


def test_the_order_of_texts_does_not_matter() -> None:
    assert keywords_of([_KAFKA, _OVENS]) == keywords_of([_KAFKA[::-1], _OVENS[::-1]])


@pytest.mark.parametrize("texts", [[], [""], ["the 12th of March, 14:30", "Thursday"], ["https://example.com/kafka"]])
def test_a_topic_without_words_has_no_keywords(texts: list[str]) -> None:
    assert keywords_of([texts]) == [[]]
    assert label_of([]) == "unnamed topic"


def test_a_topic_without_words_takes_none_from_the_others() -> None:
    assert keywords_of([["12"], _OVENS])[0] == []


def test_calendar_numbers_and_work_are_no_words() -> None:
    assert (
        terms_of("Fixes the issue from Monday 3 August 2026, 14:30: 42 requests were closed, in 3rd week's PR") == set()
    )


def test_identifiers_are_words() -> None:
    assert {"har-33", "payments#212", "v2.5.0", "payout.adjusted"} <= terms_of(
        "HAR-33, after payments#212 (v2.5.0): payout.adjusted."
    )


def test_phrases_end_with_their_sentence() -> None:
    terms = terms_of("We drained the queue. Brokers are away; the user's inbox table fills.")
    assert {"inbox table", "queue", "brokers"} <= terms
    assert not {"queue brokers", "user's", "table fills inbox"} & terms


def test_placeholders_of_redaction_and_addresses_are_no_words() -> None:
    assert terms_of("[redacted:email] wrote to ops@example.com, see http://x.example/kafka") <= {"email", "wrote"}


@pytest.mark.parametrize(
    ("one", "other"), [("refunds", "refund"), ("activating", "activation"), ("redis-queue", "redis queues")]
)
def test_forms_of_a_word_are_known(one: str, other: str) -> None:
    assert stems_of(one) == stems_of(other)


def test_a_label_says_nothing_twice_and_stays_short() -> None:
    assert label_of(["event queue", "queues", "kafka", "rfc 0003", "brokers"]) == "event queue, kafka, rfc 0003"
    long = ["x" * 40, "y" * 40, "short"]
    assert label_of(long) == f"{'x' * 40}, short"


@given(st.lists(st.lists(st.text(max_size=40), max_size=4), max_size=4))
def test_any_texts_give_lists_of_distinct_keywords(topics: list[list[str]]) -> None:
    found = keywords_of(topics, count=5)
    assert len(found) == len(topics)
    for keywords in found:
        assert len(set(keywords)) == len(keywords) <= 5
