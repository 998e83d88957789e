"""Every step between two statuses of a version: taken, or refused with a sentence that says what may be done."""

from __future__ import annotations

from itertools import product

import pytest

from neural_memory_pipelines.domain.lifecycle import (
    KEPT_UP_TO_DATE,
    IllegalTransitionError,
    VersionStatus,
    check_transition,
)
from neural_memory_pipelines.errors import PermanentError

PROPOSED, CANARY, ACTIVE, RETIRED, ARCHIVED = VersionStatus
LEGAL = {
    (PROPOSED, CANARY),  # its build began
    (CANARY, ACTIVE),  # promoted
    (ACTIVE, RETIRED),  # another was promoted
    (RETIRED, ACTIVE),  # rolled back
    (PROPOSED, ARCHIVED),
    (CANARY, ARCHIVED),
    (RETIRED, ARCHIVED),
    (ARCHIVED, PROPOSED),
}
PAIRS = list(product(VersionStatus, repeat=2))


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair in LEGAL])
def test_a_legal_step_is_taken(before: VersionStatus, after: VersionStatus) -> None:
    check_transition("v1", before, after)


@pytest.mark.parametrize(("before", "after"), [pair for pair in PAIRS if pair not in LEGAL])
def test_any_other_is_refused_and_says_what_can_be_done(before: VersionStatus, after: VersionStatus) -> None:
    with pytest.raises(IllegalTransitionError) as refused:
        check_transition("v1", before, after)
    sentence = str(refused.value)
    assert sentence.startswith(f"embedding version v1 is {before} and cannot become {after}: ")
    assert isinstance(refused.value, PermanentError), "trying again does not help"
    advice = sentence.partition(": ")[2]
    assert "first" in advice or "again" in advice or any(str(to) in advice for start, to in LEGAL if start is before)


def test_what_is_served_or_may_be_soon_gets_new_events() -> None:
    assert {CANARY, ACTIVE, RETIRED} == KEPT_UP_TO_DATE
    assert all((status, ACTIVE) in LEGAL for status in KEPT_UP_TO_DATE - {ACTIVE})
