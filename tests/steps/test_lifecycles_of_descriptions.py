"""The decisions on what was said of a document, and on renames, for every history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.changes import (
    DescriptionRecord,
    Outcome,
    StoredDocument,
    decide,
    gone_since,
    link_spans,
    version_of,
)
from neural_memory_pipelines.domain.documents import Rename
from neural_memory_pipelines.domain.ids import ContentHash
from neural_memory_pipelines.domain.renames import current_name, is_below, later_names

from .scripted import hour

_DESCRIPTIONS = st.builds(
    DescriptionRecord,
    event_key=st.sampled_from([f"e{number}" for number in range(12)]),
    as_of=st.integers(0, 5).map(hour),
    deletes=st.booleans(),
    content_hash=st.sampled_from("ab").map(ContentHash),
    raw_pointer=st.just("raw"),
    link_ids=st.sets(st.sampled_from("xyz"), max_size=3).map(lambda ids: tuple(sorted(ids))),
).map(lambda one: replace(one, content_hash=ContentHash("-"), link_ids=()) if one.deletes else one)
_HISTORIES = st.lists(_DESCRIPTIONS, min_size=1, max_size=8, unique_by=lambda one: one.event_key)


def _sorted(history: Sequence[DescriptionRecord]) -> list[DescriptionRecord]:
    """Sort without `rank`: by time, then drafts before deletions, then by key."""
    return sorted(sorted(history, key=lambda one: one.event_key), key=lambda one: (one.as_of, one.deletes))


@given(_HISTORIES)
@settings(max_examples=300, deadline=None)
def test_descriptions_decided_one_by_one_end_with_the_greatest(history: Sequence[DescriptionRecord]) -> None:
    stored: StoredDocument | None = None
    for one in (*history, *history):  # each is read again later, which must not bring it back
        outcome = decide(
            stored, content_hash=one.content_hash, as_of=one.as_of, event_key=one.event_key, deletes=one.deletes
        )
        if outcome is not Outcome.OUTDATED:
            stored = StoredDocument(one.content_hash, one.as_of, one.event_key, is_deleted=one.deletes)
    last = _sorted(history)[-1]
    assert stored == StoredDocument(last.content_hash, last.as_of, last.event_key, is_deleted=last.deletes)


@given(_HISTORIES)
@settings(max_examples=300, deadline=None)
def test_spans_of_links_versions_and_deletions_are_those_of_the_sorted_history(
    history: Sequence[DescriptionRecord],
) -> None:
    ordered = _sorted(history)
    for link, (since, until) in link_spans(history).items():
        stating = [number for number, one in enumerate(ordered) if link in one.link_ids]
        assert since == ordered[stating[0]].as_of
        rest = ordered[stating[-1] + 1 :]
        assert until == (rest[0].as_of if rest else None)
    assert set(link_spans(history)) == {link for one in history for link in one.link_ids}

    states = [(one.content_hash, one.deletes) for one in ordered]
    kept = [state for number, state in enumerate(states) if number == 0 or state != states[number - 1]]
    assert version_of(history) == len(kept)

    last_draft = max((number for number, one in enumerate(ordered) if not one.deletes), default=-1)
    deletions = ordered[last_draft + 1 :]
    assert gone_since(history) == (deletions[0].as_of if deletions else None)


@given(st.lists(_DESCRIPTIONS.map(lambda one: replace(one, part_id="p")), min_size=1, max_size=8))
def test_versions_of_a_document_of_parts_count_the_states_of_its_parts(history: Sequence[DescriptionRecord]) -> None:
    assert version_of(history) == len(Counter((one.content_hash, one.deletes) for one in history))


_NAMES = st.sampled_from(["a", "b", "c", "a/x", "b/x", "c/x", "a/x/y"])
_RENAMES = st.builds(Rename, source=st.just("scripted"), old=_NAMES, new=_NAMES, as_of=st.integers(0, 4).map(hour))


@given(st.lists(_RENAMES, max_size=5), _RENAMES, _NAMES, st.integers(0, 5).map(hour))
@settings(max_examples=500, deadline=None)
def test_whatever_a_new_rename_moves_is_kept_below_one_of_its_names(
    known: Sequence[Rename], new: Rename, name: str, as_of: datetime
) -> None:
    def called(renames: Sequence[Rename]) -> str:
        ordered = sorted(renames, key=lambda one: (one.as_of, one.old, one.new))
        return current_name("scripted", name + "#1", as_of=as_of, renames=ordered)

    before = called(known)
    moved = called([*known, new]) != before
    assert not moved or any(is_below(before, prefix) for prefix in later_names(new, known))
