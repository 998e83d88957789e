"""Cohere's reranker against the server: what is sent, how answers come back in order, what goes wrong; the registry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.access import ModelAccess
from neural_memory_pipelines.models.rerankers.protocol import Reranker
from neural_memory_pipelines.models.rerankers.registry import RERANK_MODELS, load_reranker
from neural_memory_pipelines.settings import load_settings

from .cohere_server import CohereServer, Fault, month_used_up, rate_limited

MODEL = "cohere/rerank-v5.0-fast"
QUESTION = "Why did the nightly backup of the ledger fail?"
TEXTS = [
    "The canteen has soup on Thursdays.",
    "The nightly backup of the ledger failed because the disk was full.",
    "Berth 4 is closed for repairs.",
    "A restore of the ledger took 12 minutes.",
]


@pytest.fixture
def reranker(cohere_access: ModelAccess) -> Reranker:
    reranker = load_reranker(MODEL, access=cohere_access)
    assert reranker is not None
    return reranker


@pytest.mark.parametrize("model", RERANK_MODELS)
def test_relevances_come_in_the_order_of_the_texts(model: str, cohere_access: ModelAccess) -> None:
    reranker = load_reranker(model, access=cohere_access)
    assert reranker is not None
    relevances = reranker.rerank(QUESTION, TEXTS)
    assert reranker.model == model
    assert all(0 <= relevance <= 1 for relevance in relevances)
    assert sorted(range(4), key=lambda index: -relevances[index])[:2] == [1, 3]
    assert reranker.rerank(QUESTION, TEXTS[::-1]) == relevances[::-1]


def test_what_is_asked(reranker: Reranker, cohere: CohereServer) -> None:
    reranker.rerank(QUESTION, TEXTS)
    assert cohere.requests == [
        {"model": "rerank-v5.0-fast", "query": QUESTION, "documents": TEXTS, "max_tokens_per_doc": 4096}
    ]


def test_no_texts_ask_nothing(reranker: Reranker, cohere: CohereServer) -> None:
    assert reranker.rerank(QUESTION, []) == []
    assert cohere.requests == []


def test_many_texts_are_asked_in_calls_that_the_api_takes(reranker: Reranker, cohere: CohereServer) -> None:
    texts = [f"Berth {number} is closed." for number in range(1_000)] + TEXTS
    relevances = reranker.rerank(QUESTION, texts)
    assert [len(body["documents"]) for body in cohere.requests] == [1_000, 4]
    assert relevances[1_000:] == reranker.rerank(QUESTION, TEXTS)
    assert max(range(1_004), key=relevances.__getitem__) == 1_001


@pytest.mark.parametrize("odd", ["", "  \n", "\ud83d", "\x00"], ids=["empty", "blank", "half a surrogate", "null"])
def test_odd_texts_and_questions_are_answered_all_the_same(odd: str, reranker: Reranker) -> None:
    assert len(reranker.rerank(QUESTION, [odd, *TEXTS])) == 5
    assert len(reranker.rerank(odd, TEXTS)) == 4


def test_a_very_long_question_is_asked_by_its_beginning(reranker: Reranker, cohere: CohereServer) -> None:
    reranker.rerank(QUESTION * 1_000, TEXTS)
    assert cohere.requests[0]["query"] == (QUESTION * 1_000)[:2_000]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=401, message="invalid api token"), ConfigurationError),
        (month_used_up(), ConfigurationError),
        (Fault(status=404, message="model not found"), NotFoundError),
        (Fault(status=400, message="invalid request"), PermanentError),
        (Fault(status=503, message="try later"), TransientError),
        (Fault(drops=True), TransientError),
        (Fault(spoils=lambda answer: b"<html>"), ContractError),
    ],
)
def test_what_goes_wrong_is_told_in_our_words(
    fault: Fault, error: type[Exception], reranker: Reranker, cohere: CohereServer
) -> None:
    cohere.faults.always(fault)
    with pytest.raises(error) as raised:
        reranker.rerank(QUESTION, TEXTS)
    assert cohere.api_key not in str(raised.value)
    assert "canteen" not in str(raised.value)


def test_a_rate_limit_is_waited_for(reranker: Reranker, cohere: CohereServer) -> None:
    cohere.faults.at(rate_limited("0.01"), 1)
    assert len(reranker.rerank(QUESTION, TEXTS)) == 4
    assert len(cohere.requests) == 2


SPOILT: dict[str, Callable[[list[Any]], Any]] = {
    "one missing": lambda results: results[:-1],
    "one twice": lambda results: [*results[:-1], results[0]],
    "another index": lambda results: [*results[:-1], {**results[-1], "index": 4}],
    "no index": lambda results: [*results[:-1], {"relevance_score": 0.5}],
    "an index that is none": lambda results: [*results[:-1], {**results[-1], "index": [3]}],
    "above 1": lambda results: [*results[:-1], {**results[-1], "relevance_score": 1.5}],
    "no number": lambda results: [*results[:-1], {**results[-1], "relevance_score": None}],
    "nothing": lambda results: None,
}


@pytest.mark.parametrize("case", SPOILT)
def test_an_answer_that_is_not_one_relevance_a_text_is_refused(
    case: str, reranker: Reranker, cohere: CohereServer
) -> None:
    cohere.faults.always(Fault(spoils=lambda answer: {**answer, "results": SPOILT[case](answer["results"])}))
    with pytest.raises(ContractError):
        reranker.rerank(QUESTION, TEXTS)


def test_each_request_passes_the_throttle_once(cohere_access: ModelAccess) -> None:
    admitted: list[int] = []
    reranker = load_reranker(MODEL, access=replace(cohere_access, throttle=admitted.append))
    assert reranker is not None
    reranker.rerank(QUESTION, TEXTS * 300)
    assert admitted == [1, 1]


@pytest.mark.parametrize("model", [None, "none"])
def test_no_reranker_needs_nothing(model: str | None) -> None:
    assert load_reranker(model, access=ModelAccess()) is None


def test_one_reranker_serves_equal_access(cohere_access: ModelAccess) -> None:
    assert load_reranker(MODEL, access=cohere_access) is load_reranker(MODEL, access=replace(cohere_access))


def test_an_unknown_model_is_told_with_the_setting_and_the_choices() -> None:
    with pytest.raises(ConfigurationError, match=r"RERANK_MODEL.*'cohere/rerank-9'.*none.*rerank-v5\.0-pro"):
        load_reranker("cohere/rerank-9", access=ModelAccess())


def test_a_missing_key_is_told_with_both_settings() -> None:
    with pytest.raises(ConfigurationError, match=r"COHERE_API_KEY is not set.*NEURAL_MEMORY_RERANK_MODEL"):
        load_reranker(MODEL, access=ModelAccess())


def test_the_registry_imports_no_sdk() -> None:
    code = (
        "import sys, neural_memory_pipelines.models.rerankers.registry as registry\n"
        "registry.load_reranker('none', access=registry.ModelAccess())\n"
        "print([name for name in ('cohere', 'httpx', 'pydantic') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_session_has_the_reranker_that_the_settings_name(
    session: Session, cohere: CohereServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.reranker() is None
    monkeypatch.setenv("NEURAL_MEMORY_RERANK_MODEL", MODEL)
    monkeypatch.setenv("COHERE_API_KEY", cohere.api_key)
    monkeypatch.setenv("CO_API_URL", cohere.url)
    named = Session(load_settings(), session.endpoints)
    try:
        reranker = named.reranker()
        assert reranker is not None
        assert reranker is named.reranker()
        assert len(reranker.rerank(QUESTION, TEXTS)) == 4
    finally:
        named.close()
