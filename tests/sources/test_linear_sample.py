"""Linear's events of the sample workspace: each describes its document, and they answer the sample's questions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import yaml
from linear_sample import HARBOR, sample_events

from neural_memory_pipelines.domain.documents import Changes, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.sources.linear import envelope_fields, parse, subject


def _described(events: Sequence[SourceEvent]) -> Iterator[SourceDraft]:
    for one in events:
        outcome = parse(one)
        assert isinstance(outcome, Changes), one.action
        assert outcome.drafts
        yield from outcome.drafts


def test_every_line_of_the_sample_describes_its_document() -> None:
    events = sample_events()
    assert events
    assert [draft.source_id for draft in _described(events)] == [subject(one) for one in events]
    for one in events:
        fields = envelope_fields(one.payload)
        assert (fields.action, fields.occurred_at) == (one.action, one.occurred_at)


def test_the_sample_holds_what_its_questions_ask_for() -> None:
    questions = yaml.safe_load((HARBOR / "questions.yaml").read_text(encoding="utf-8"))["questions"]
    asked = {hit["source_id"] for one in questions for hit in one["expects"] if hit["source"] == "linear"}
    assert asked
    assert asked <= {draft.source_id for draft in _described(sample_events())}


def test_a_draft_can_be_spelled_as_json() -> None:
    for draft in _described(sample_events()):
        assert json.loads(json.dumps(draft.metadata)) == draft.metadata
