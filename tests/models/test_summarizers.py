"""The promises that every summarizer keeps, and the registry that gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.summaries.evidence import Evidence, cited
from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.models.embedders.registry import ModelAccess
from neural_memory_pipelines.models.summarizers.protocol import Summarizer
from neural_memory_pipelines.models.summarizers.registry import CHAT_MODELS, load_summarizer

from .cohere_server import CohereServer

NO_ACCESS = ModelAccess()


def embed(texts: Sequence[str]) -> Vectors:
    return HashedEmbedder().embed(texts, role=InputRole.SEARCH_DOCUMENT)


def observation(number: int, text: str, *, tags: tuple[str, ...] = ()) -> Evidence:
    return Evidence(ObservationId(f"obs-{number}"), text, datetime(2026, 5, number, 9, tzinfo=UTC), tags=tags)


EVIDENCE = [
    observation(1, "The nightly backup of the ledger failed because the disk was full."),
    observation(2, "Decision: the ledger backup moves to the object store on 2 May 2026.", tags=("decision",)),
    observation(3, "The first ledger backup in the object store took 41 minutes."),
    observation(4, "A restore of the ledger from the object store was tried and took 12 minutes."),
]


def copying(_: str, user: str) -> str:
    """A model that repeats the first sentence of each observation."""
    data = json.loads(user[user.index("{") : user.rindex("}") + 1])
    lines = [{"text": item["text"], "evidence": [item["n"]]} for item in data["observations"] if item.get("text")]
    return json.dumps({"sentences": lines})


@pytest.fixture(params=["extractive", *(model.model for model in CHAT_MODELS)])
def summarizer(request: pytest.FixtureRequest, cohere: CohereServer, cohere_access: ModelAccess) -> Summarizer:
    cohere.chats_as(copying)
    return load_summarizer(request.param, access=cohere_access, embed=embed)


def test_a_draft_is_a_summary_of_given_evidence(summarizer: Summarizer) -> None:
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert draft.summary is not None
    assert 3 <= len(draft.sentences) <= 7
    assert len(draft.summary.text) <= 1_200
    assert set(cited(draft.sentences)) <= {item.observation_id for item in EVIDENCE}
    assert draft.writer == summarizer.writer
    assert draft.notes == ()


def test_decisions_are_told_with_their_day(summarizer: Summarizer) -> None:
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert draft.summary
    assert "On 2 May 2026: Decision: the ledger backup moves to the object store" in draft.summary.text


def test_sentences_are_in_the_order_of_their_times(summarizer: Summarizer) -> None:
    times = [sentence.first_at for sentence in summarizer.summarize("ledger backup", EVIDENCE[::-1]).sentences]
    assert times == sorted(times)


def test_the_order_of_the_evidence_does_not_matter(summarizer: Summarizer) -> None:
    once = summarizer.summarize("ledger backup", EVIDENCE)
    assert summarizer.summarize("ledger backup", EVIDENCE[::-1]) == once


def test_no_evidence_gives_no_summary_and_says_so(summarizer: Summarizer) -> None:
    draft = summarizer.summarize("nothing", [])
    assert (draft.sentences, draft.summary) == ((), None)
    assert draft.notes == ("no evidence has a sentence that can stand in a summary",)


def test_two_observations_are_enough(summarizer: Summarizer) -> None:
    assert len(summarizer.summarize("ledger backup", EVIDENCE[:2]).sentences) == 2


def test_only_chat_models_cost_tokens(summarizer: Summarizer, cohere: CohereServer) -> None:
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert draft.billed_tokens == cohere.billed_tokens
    assert (draft.billed_tokens == 0) == (summarizer.writer == "extractive/1")


@pytest.mark.parametrize("model", [None, "extractive"])
def test_extractive_needs_nothing(model: str | None) -> None:
    assert load_summarizer(model, access=NO_ACCESS, embed=embed).writer == "extractive/1"


def test_the_vectors_are_asked_for_once_in_a_canonical_order() -> None:
    asked: list[list[str]] = []

    def recording(texts: Sequence[str]) -> Vectors:
        asked.append(list(texts))
        return embed(texts)

    for evidence in (EVIDENCE, EVIDENCE[::-1]):
        load_summarizer(None, access=NO_ACCESS, embed=recording).summarize("", evidence)
    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_an_unknown_model_is_told_with_the_setting_and_the_choices() -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_summarizer("cohere/command-xyz", access=NO_ACCESS, embed=embed)
    for part in ("NEURAL_MEMORY_SUMMARY_MODEL", "'cohere/command-xyz'", "extractive", "cohere/command-a-03-2025"):
        assert part in str(raised.value)


def test_a_missing_key_is_told_with_both_settings() -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_summarizer("cohere/command-a-03-2025", access=NO_ACCESS, embed=embed)
    assert "COHERE_API_KEY is not set" in str(raised.value)
    assert "NEURAL_MEMORY_SUMMARY_MODEL" in str(raised.value)


def test_the_registry_imports_no_sdk() -> None:
    code = (
        "import sys, neural_memory_pipelines.models.summarizers.registry as registry\n"
        "registry.load_summarizer(None, access=registry.ModelAccess(), embed=len)\n"
        "print([name for name in ('cohere', 'sklearn', 'pydantic') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
