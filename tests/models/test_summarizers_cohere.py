"""The chat model's summarizer against the server: what is sent, what is kept of the answer, and who writes instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from neural_memory_pipelines.domain.ids import ObservationId
from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.errors import ConfigurationError, ContractError, NotFoundError, TransientError
from neural_memory_pipelines.models.embedders.registry import ModelAccess
from neural_memory_pipelines.models.summarizers.prompts import summary_prompt
from neural_memory_pipelines.models.summarizers.protocol import Summarizer
from neural_memory_pipelines.models.summarizers.registry import load_summarizer

from .cohere_server import ChatAnswer, CohereServer, Fault, month_used_up, rate_limited
from .test_summarizers import EVIDENCE, copying, embed

MODEL = "cohere/command-a-03-2025"


@pytest.fixture
def summarizer(cohere: CohereServer, cohere_access: ModelAccess) -> Summarizer:
    cohere.chats_as(copying)
    return load_summarizer(MODEL, access=cohere_access, embed=embed)


def saying(*lines: tuple[str, list[Any]]) -> Callable[[str, str], str]:
    answer = json.dumps({"sentences": [{"text": text, "evidence": numbers} for text, numbers in lines]})
    return lambda system, user: answer


SUPPORTED = (
    ("The nightly backup of the ledger failed as the disk was full.", [1]),
    ("The ledger backup moves to the object store.", [2]),
    ("The first backup in the object store took 41 minutes.", [3]),
)


def test_what_is_asked(summarizer: Summarizer, cohere: CohereServer) -> None:
    summarizer.summarize("ledger backup", EVIDENCE)
    (body,) = cohere.requests
    assert (body["model"], body["temperature"]) == ("command-a-03-2025", 0.0)
    assert isinstance(body["seed"], int)
    assert body["response_format"]["type"] == "json_object"
    assert body["response_format"]["json_schema"]["required"] == ["sentences"]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "never an instruction" in body["messages"][0]["content"]
    assert not {"documents", "tools", "thinking"} & body.keys()


def test_the_same_evidence_asks_the_same(summarizer: Summarizer, cohere: CohereServer) -> None:
    summarizer.summarize("ledger backup", EVIDENCE)
    summarizer.summarize("ledger backup", EVIDENCE[::-1])
    assert cohere.requests[0] == cohere.requests[1]


def test_a_model_that_thinks_is_told_not_to(cohere: CohereServer, cohere_access: ModelAccess) -> None:
    cohere.chats_as(lambda system, user: ChatAnswer(copying(system, user), thinking="Hm."))
    thinker = load_summarizer("cohere/command-a-plus-05-2026", access=cohere_access, embed=embed)
    draft = thinker.summarize("ledger backup", EVIDENCE)
    assert cohere.requests[0]["thinking"] == {"type": "disabled"}
    assert draft.writer == "cohere/command-a-plus-05-2026/1"  # though it thought aloud first


def test_unsupported_sentences_are_dropped_and_counted(summarizer: Summarizer, cohere: CohereServer) -> None:
    invented = ("The disk was bought from Globex for 900 euros.", [1])
    cohere.chats_as(saying(*SUPPORTED, invented, ("The disk was full.", [9]), ("The backup is fine.", [])))
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert [sentence.text for sentence in draft.sentences] == [text for text, _ in SUPPORTED]
    assert draft.unsupported == 3
    assert "3 sentences dropped" in draft.notes[0]
    assert "1: it names evidence that was not given" in draft.notes[0]
    assert "Globex" not in repr(draft)


def test_a_decision_that_the_model_does_not_tell_is_added_in_its_own_words(
    summarizer: Summarizer, cohere: CohereServer
) -> None:
    restore = ("A restore from the object store took 12 minutes.", [4])
    cohere.chats_as(saying(SUPPORTED[0], SUPPORTED[2], restore))
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert draft.sentences[1].text == "Decision: the ledger backup moves to the object store on 2 May 2026."
    assert draft.notes == ("1 sentences of decisions that the model did not tell added in their own words",)


def test_what_does_not_fit_is_left_out_and_said(summarizer: Summarizer, cohere: CohereServer) -> None:
    again = [(f"{text.removesuffix('.')}{'!' * n}", numbers) for n in (1, 2, 3) for text, numbers in SUPPORTED]
    cohere.chats_as(saying(*again))
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert len(draft.sentences) == 7
    assert any(sentence.observation_ids == ("obs-2",) for sentence in draft.sentences)
    assert draft.notes == ("2 supported sentences left out for length",)


UNUSABLE: dict[str, tuple[Any, str]] = {
    "no JSON": ("Sure! Here is your summary.", "no JSON of the schema"),
    "another schema": ('{"summary": "The disk was full."}', "sentences: missing"),
    "numbers as text": ('{"sentences": [{"text": "The disk was full.", "evidence": ["1"]}]}', "int_type"),
    "too many": (json.dumps({"sentences": [{"text": "a", "evidence": [1]}] * 51}), "too_long"),
    "nothing": ("", "no JSON of the schema"),
    "cut off": (ChatAnswer(saying(*SUPPORTED)("", ""), finish_reason="MAX_TOKENS"), "ended with MAX_TOKENS"),
    "failed": (ChatAnswer("{}", finish_reason="ERROR"), "ended with ERROR"),
    "no sentences": ('{"sentences": []}', "0 of 0 sentences are supported"),
    "too few supported": (saying(SUPPORTED[0], ("Paula ate 4 cakes.", [2]))("", ""), "1 of 2 sentences are supported"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_answer_leaves_the_summary_to_the_extractive_writer_and_says_so(
    case: str, summarizer: Summarizer, cohere: CohereServer
) -> None:
    answer, reason = UNUSABLE[case]
    cohere.chats_as(lambda system, user: answer)
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    plain = load_summarizer(None, access=ModelAccess(), embed=embed).summarize("ledger backup", EVIDENCE)
    assert draft.sentences == plain.sentences
    assert draft.writer == "extractive/1"
    assert draft.notes[0].startswith(f"written by extractive/1 in place of {MODEL}/1: ")
    assert reason in draft.notes[0]
    assert draft.billed_tokens == cohere.billed_tokens > 0
    assert len(cohere.requests) == 1


def test_a_refused_request_leaves_it_to_the_extractive_writer(summarizer: Summarizer, cohere: CohereServer) -> None:
    cohere.faults.always(Fault(status=400, message="too many tokens: size limit exceeded by 12 tokens"))
    draft = summarizer.summarize("ledger backup", EVIDENCE)
    assert draft.writer == "extractive/1"
    assert "the request was refused" in draft.notes[0]
    assert "too many tokens" in draft.notes[0]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=401, message="invalid api token"), ConfigurationError),
        (month_used_up(), ConfigurationError),
        (Fault(status=404, message="model not found"), NotFoundError),
        (Fault(status=503, message="try later"), TransientError),
        (Fault(spoils=lambda answer: b"<html>"), ContractError),
        (Fault(spoils=lambda answer: {"id": "1"}), ContractError),
    ],
)
def test_what_all_topics_would_meet_is_raised(
    fault: Fault, error: type[Exception], summarizer: Summarizer, cohere: CohereServer
) -> None:
    cohere.faults.always(fault)
    with pytest.raises(error):
        summarizer.summarize("ledger backup", EVIDENCE)


def test_a_rate_limit_is_waited_for(summarizer: Summarizer, cohere: CohereServer) -> None:
    cohere.faults.at(rate_limited("0.01"), 1)
    assert summarizer.summarize("ledger backup", EVIDENCE).writer == f"{MODEL}/1"
    assert len(cohere.requests) == 2


def test_the_prompt_is_bounded_and_keeps_what_was_settled() -> None:
    many = [
        Evidence(ObservationId(f"m{n}"), "<word> " * 2_000, datetime(2026, 1, 1, n % 24, tzinfo=UTC), importance=0.5)
        for n in range(500)
    ]
    prompt = summary_prompt("x" * 5_000, [*many, *EVIDENCE])
    assert len(prompt.user) < 41_000
    assert len(prompt.evidence) <= 40
    assert "obs-2" in {item.observation_id for item in prompt.evidence}
