"""Importance: each term of the formula, and the laws that hold for every signal."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.importance import (
    ImportanceSignals,
    importance,
    importance_factors,
    severity,
)

_LABELS = st.frozensets(
    st.sampled_from(["incident", "P1", "bug", "refactor", "docs", "sev_1", "good first issue"]) | st.text(max_size=12),
    max_size=5,
)
_KINDS = st.sampled_from(
    [("github", "pull_request"), ("github", "issue"), ("github", "decision"), ("docs", "page"), ("elsewhere", "thing")]
)
_SIGNALS = st.builds(
    ImportanceSignals,
    labels=_LABELS,
    comments=st.integers(-5, 10**9),
    participants=st.integers(-5, 10**6),
    linked_incident_or_release=st.booleans(),
    org_impact=st.booleans(),
)


def test_without_signals_the_score_is_the_base() -> None:
    assert importance("github", "pull_request", ImportanceSignals()) == pytest.approx(0.25)


def test_an_unknown_kind_has_a_low_base() -> None:
    assert importance("elsewhere", "thing", ImportanceSignals()) == pytest.approx(0.10)


def test_the_factors_carry_the_weights_of_the_design() -> None:
    everything = ImportanceSignals(
        labels=frozenset({"incident"}),
        comments=30,
        participants=10,
        linked_incident_or_release=True,
        org_impact=True,
    )
    assert importance_factors("github", "issue", everything) == pytest.approx(
        {"base": 0.20, "severity": 0.25, "volume": 0.20, "breadth": 0.20, "linked": 0.15, "org": 0.10}
    )
    assert importance("github", "issue", everything) == 1.0


def test_the_first_comments_and_participants_count_most() -> None:
    some = importance_factors("github", "issue", ImportanceSignals(comments=5, participants=3))
    assert some["volume"] == pytest.approx(0.20 * math.log(6) / math.log(31))
    assert some["breadth"] == pytest.approx(0.20 * math.log(3) / math.log(10))
    alone = importance_factors("github", "issue", ImportanceSignals(participants=1))
    assert alone["breadth"] == 0.0


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("incident", 1.0),
        ("SEV-1", 1.0),
        ("sev_0", 1.0),
        ("priority/P0", 1.0),
        ("breaking-change", 0.75),
        ("type: bug", 0.5),
        ("debugging", 0.0),
        ("refactor", 0.25),
        ("", 0.0),
    ],
)
def test_a_label_has_its_severity(label: str, expected: float) -> None:
    assert severity(frozenset({label})) == expected


def test_the_gravest_label_decides() -> None:
    assert severity(frozenset({"refactor", "bug", "outage"})) == 1.0


@given(_KINDS, _SIGNALS)
def test_the_score_lies_in_its_range_and_is_the_cut_sum_of_its_factors(
    kind: tuple[str, str], signals: ImportanceSignals
) -> None:
    factors = importance_factors(*kind, signals)
    score = importance(*kind, signals)
    assert 0.0 <= score <= 1.0
    assert score == pytest.approx(min(1.0, sum(factors.values())))
    assert all(term >= 0.0 for term in factors.values())


@given(_KINDS, _SIGNALS, _SIGNALS)
def test_the_score_never_falls_when_signals_rise(
    kind: tuple[str, str], one: ImportanceSignals, other: ImportanceSignals
) -> None:
    risen = ImportanceSignals(
        labels=one.labels | other.labels,
        comments=max(one.comments, other.comments),
        participants=max(one.participants, other.participants),
        linked_incident_or_release=one.linked_incident_or_release or other.linked_incident_or_release,
        org_impact=one.org_impact or other.org_impact,
    )
    before, after = importance_factors(*kind, one), importance_factors(*kind, risen)
    assert all(after[name] >= before[name] for name in before)
    assert importance(*kind, risen) >= importance(*kind, one)
