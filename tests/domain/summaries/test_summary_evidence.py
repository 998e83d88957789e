"""How a summary is spelled, and what it covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from neural_memory_pipelines.domain.ids import ContentHash, ObservationId
from neural_memory_pipelines.domain.summaries.coverage import MOST_TAGS, coverage
from neural_memory_pipelines.domain.summaries.evidence import Evidence, Sentence, Summary, SummaryLimits
from neural_memory_pipelines.domain.summaries.membership import membership_hash
from neural_memory_pipelines.errors import PermanentError


def at(*day: int) -> datetime:
    return datetime(*day, tzinfo=UTC)  # type: ignore[arg-type]  # year, month, day


def sentence(text: str, *keys: str, first_at: datetime, last_at: datetime | None = None) -> Sentence:
    return Sentence(text, tuple(map(ObservationId, keys)), first_at, last_at or first_at)


def test_days_and_references_stand_where_they_change() -> None:
    summary = Summary(
        (
            sentence("Decision: accepted.", "b", first_at=at(2026, 6, 25)),
            sentence("We move to Kafka.", "b", first_at=at(2026, 6, 25)),
            sentence("The plan is known.", "c", "b", first_at=at(2026, 6, 25)),
            sentence("This reverses it.", "a", first_at=at(2026, 7, 29)),
            sentence("It was tested.", "b", "a", first_at=at(2026, 7, 30), last_at=at(2027, 1, 2)),
        )
    )
    assert summary.text == (
        "On 25 June 2026: Decision: accepted. We move to Kafka. [1] The plan is known. [2, 1] "
        "On 29 July 2026: This reverses it. [3] From 30 July 2026 to 2 January 2027: It was tested. [1, 3]"
    )
    assert summary.evidence == ("b", "c", "a")


def test_days_are_those_of_utc() -> None:
    early = datetime(2026, 6, 26, 1, tzinfo=timezone(timedelta(hours=2)))
    assert Summary((sentence("It is so.", "a", first_at=early),)).text == "On 25 June 2026: It is so. [1]"


@pytest.mark.parametrize("count", [0, 8])
def test_the_number_of_sentences_is_limited(count: int) -> None:
    with pytest.raises(PermanentError, match=f"1 to 7 sentences, not {count}"):
        Summary((sentence("It is so.", "a", first_at=at(2026, 1, 1)),) * count)


def test_the_length_is_limited_with_days_and_references() -> None:
    one = sentence("x" * 40, "a", first_at=at(2026, 1, 1))
    length = len(Summary((one,)).text)
    assert Summary((one,), SummaryLimits(most_chars=length)).text
    with pytest.raises(PermanentError, match=f"at most {length - 1} characters, not {length}"):
        Summary((one,), SummaryLimits(most_chars=length - 1))


def observation(key: str, day: datetime, **known: object) -> Evidence:
    return Evidence(ObservationId(key), "text", day, **known)  # type: ignore[arg-type]  # given by name


MEMBERS = [
    observation("a", at(2025, 11, 30), source="github", type="issue", tags=("bug", "bug")),
    observation("b", at(2026, 2, 1), source="github", type="comment", tags=("decision", "bug")),
    observation("c", at(2026, 2, 28), source="slack", type="thread"),
]


def test_coverage_counts() -> None:
    counted = coverage(MEMBERS, [ObservationId("b"), ObservationId("elsewhere")])
    assert counted == coverage(reversed(MEMBERS), {ObservationId("b")})
    assert counted.spelled() == {
        "observations": 3,
        "cited": 1,
        "share_cited": 0.3333,
        "by_source": {"github": 2, "slack": 1},
        "by_type": {"comment": 1, "issue": 1, "thread": 1},
        "by_tag": {"bug": 2, "decision": 1},
        "by_month": {"2025-11": 1, "2025-12": 0, "2026-01": 0, "2026-02": 2},
    }


def test_coverage_of_nothing() -> None:
    assert coverage([], []).spelled()["share_cited"] == 0
    assert coverage([], []).by_month == {}


def test_coverage_keeps_the_most_frequent_tags() -> None:
    rare = [observation(str(n), at(2026, 1, 1), tags=(f"t{n:03d}", "all")) for n in range(MOST_TAGS + 10)]
    tags = coverage(rare, []).by_tag
    assert len(tags) == MOST_TAGS
    assert tags["all"] == MOST_TAGS + 10


def test_membership_is_who_says_what_and_who_writes() -> None:
    members = [(ObservationId("a"), ContentHash("1")), (ObservationId("b"), ContentHash("2"))]
    same = membership_hash(members, "extractive/1")
    assert same == membership_hash([*reversed(members), members[0]], "extractive/1")
    others = [
        membership_hash(members, "extractive/2"),
        membership_hash(members[:1], "extractive/1"),
        membership_hash([members[0], (ObservationId("b"), ContentHash("3"))], "extractive/1"),
        membership_hash(
            [(ObservationId("a"), ContentHash("2")), (ObservationId("b"), ContentHash("1"))], "extractive/1"
        ),
    ]
    assert len({same, *others}) == 5
