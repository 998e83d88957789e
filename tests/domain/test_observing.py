"""Observations within their limits."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, ObservationDraft
from neural_memory_pipelines.domain.observing import SUBJECTS_LIMIT, TEXT_LIMIT_CHARS, within_limits

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_fits_stays_as_it_is() -> None:
    draft = ObservationDraft("Use Kafka.", AT, "Decision", "Kafka it is.", {"base": 0.5}, ("decision",), ("a#1", "a#2"))
    assert within_limits(draft) == draft


def test_subjects_are_named_once_in_their_order() -> None:
    draft = ObservationDraft("x", AT, subject_refs=("b", "a", "b", *map(str, range(100))))
    subjects = within_limits(draft).subject_refs
    assert subjects[:3] == ("b", "a", "0")
    assert len(subjects) == SUBJECTS_LIMIT


def test_what_has_no_words_is_left_out() -> None:
    draft = within_limits(ObservationDraft("x", AT, title=" ", summary="\n"))
    assert (draft.title, draft.summary) == (None, None)


@given(st.text(max_size=5_000), st.text(max_size=500), st.text(max_size=500))
def test_nothing_exceeds_its_limit_and_cutting_twice_changes_nothing(text: str, title: str, summary: str) -> None:
    draft = within_limits(ObservationDraft(text, AT, title, summary))
    assert len(draft.text) <= TEXT_LIMIT_CHARS
    assert len(draft.title or "") <= TITLE_LIMIT_CHARS
    assert len(draft.summary or "") <= SUMMARY_LIMIT_CHARS
    assert within_limits(draft) == draft
