"""Cohere's models through the real SDK: what is sent, what is refused before it is sent, what is made of the answer."""

from __future__ import annotations

import random
import socket
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from neural_memory_pipelines.errors import ConfigurationError, ContractError, PermanentError, TransientError
from neural_memory_pipelines.models.cohere_client import open_cohere_client
from neural_memory_pipelines.models.embedders.cohere import CohereEmbedder
from neural_memory_pipelines.models.embedders.limits import TextTooLongError
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole
from neural_memory_pipelines.models.embedders.registry import embedder_spec
from neural_memory_pipelines.models.embedders.specs import COHERE, EmbedderSpec

from .cohere_fixtures import QUICK_RETRIES
from .cohere_server import CohereServer, Fault, month_used_up, rate_limited
from .cohere_server.requests import MODELS

V4 = embedder_spec("cohere/embed-v4.0")
DOCUMENT = InputRole.SEARCH_DOCUMENT


def make(
    server: CohereServer,
    spec: EmbedderSpec = V4,
    *,
    dim: int | None = None,
    throttle: Callable[[int], None] | None = None,
) -> CohereEmbedder:
    client = open_cohere_client(server.api_key, base_url=server.url, retries=QUICK_RETRIES)
    return CohereEmbedder(spec, client, dim=dim, throttle=throttle)


@pytest.mark.parametrize("spec", COHERE, ids=lambda spec: spec.name)
def test_every_model_gives_every_dimension_it_names(cohere: CohereServer, spec: EmbedderSpec) -> None:
    for dim in spec.dims:
        vectors = make(cohere, spec, dim=dim).embed(["the queue stopped draining", "roll back"], role=DOCUMENT)
        assert vectors.shape == (2, dim)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    sent = [request.get("output_dimension") for request in cohere.requests]
    assert sent == (list(spec.dims) if len(spec.dims) > 1 else [None])


def test_the_server_and_the_specs_name_the_same_models() -> None:
    assert {spec.name: (set(spec.dims), spec.dim) for spec in COHERE} == {
        name: (set(model.dims), model.default_dim) for name, model in MODELS.items()
    }


def test_what_is_sent(cohere: CohereServer) -> None:
    make(cohere).embed(["one", "two"], role=InputRole.SEARCH_QUERY)
    assert cohere.requests == [
        {
            "model": "embed-v4.0",
            "texts": ["one", "two"],
            "input_type": "search_query",
            "output_dimension": 1536,
            "embedding_types": ["float"],
            "truncate": "NONE",
        }
    ]


@pytest.mark.parametrize(("count", "calls"), [(0, []), (1, [1]), (96, [96]), (97, [96, 1]), (200, [96, 96, 8])])
def test_a_call_has_at_most_96_texts(cohere: CohereServer, count: int, calls: list[int]) -> None:
    throttled: list[int] = []
    embedder = make(cohere, dim=256, throttle=throttled.append)
    texts = [f"text {index}" for index in range(count)]
    assert embedder.embed(texts, role=DOCUMENT).shape == (count, 256)
    assert [len(request["texts"]) for request in cohere.requests] == calls
    assert [text for request in cohere.requests for text in request["texts"]] == texts
    assert throttled == calls


def test_a_call_is_bounded_by_its_tokens_too(cohere: CohereServer) -> None:
    texts = [f"{index} " + "word " * 24_000 for index in range(9)]
    make(cohere, dim=256).embed(texts, role=DOCUMENT)
    assert [len(request["texts"]) for request in cohere.requests] == [4, 4, 1]


def test_roles_give_near_and_not_equal_vectors(cohere: CohereServer) -> None:
    embedder = make(cohere)
    text = "when does the signing key rotate"
    document, question = (embedder.embed([text], role=role)[0] for role in InputRole)
    assert 0.9 < float(document @ question) < 0.9999


@pytest.mark.parametrize("text", ["", " \n\t", "\ud83d", "half \udc00 pair", "\x00", "\u200b"])
def test_texts_that_the_api_cannot_take_are_made_readable(cohere: CohereServer, text: str) -> None:
    embedder = make(cohere)
    vectors = embedder.embed(["before", text, "after"], role=DOCUMENT)
    assert np.allclose(vectors[[0, 2]], embedder.embed(["before", "after"], role=DOCUMENT))
    assert len(cohere.requests[0]["texts"]) == 3


LONGEST = {
    "ascii": "x",
    "words": "ab ",
    "two bytes": "ü",
    "three bytes": "日",
    "emoji": "🚀",
    "combining": "e\u0301",
    "ligature that unfolds": "\ufdfa",
    "lone surrogates": "\ud83d",
}


@pytest.mark.parametrize("unit", LONGEST.values(), ids=LONGEST.keys())
@pytest.mark.parametrize("model", ["cohere/embed-v4.0", "cohere/embed-multilingual-v3.0"])
def test_what_passes_the_guard_is_never_refused_for_its_length(cohere: CohereServer, model: str, unit: str) -> None:
    """The server counts each byte as a token, which is the worst that a tokenizer can do."""
    spec = embedder_spec(model)
    embedder = make(cohere, spec)
    repeats = max(spec.max_tokens * 4 // max(len(unit.encode("utf-8", "replace")), 1), 1)
    while embedder.count_tokens([unit * repeats])[0] > spec.max_tokens:
        repeats = repeats * 9 // 10
    longest = unit * repeats
    unfolded = unicodedata.normalize("NFKC", longest.encode("utf-8", "replace").decode())
    assert len(unfolded.encode()) <= MODELS[spec.name].context_tokens
    assert embedder.embed([longest], role=DOCUMENT).shape == (1, spec.dim)
    with pytest.raises(TextTooLongError, match=f"text 1 has .* {model} reads at most {spec.max_tokens}"):
        embedder.embed(["short", unit * (repeats * 2)], role=DOCUMENT)
    assert len(cohere.requests) == 1, "nothing of a call with a text that is too long is sent"


def test_tokens_are_counted_as_a_quarter_of_the_bytes(cohere: CohereServer) -> None:
    assert make(cohere).count_tokens(["", "a", "abcd", "abcde", "日本", "\ufdfa"]) == [0, 1, 1, 2, 2, 9]


def test_what_is_billed_is_added_up_over_threads(cohere: CohereServer) -> None:
    embedder = make(cohere, dim=256)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: embedder.embed([f"text {index} " * 20] * 3, role=DOCUMENT), range(24)))
    assert embedder.billed_tokens == cohere.billed_tokens > 0
    assert make(cohere, dim=256).billed_tokens == 0


@pytest.mark.parametrize("meta", [None, {}, {"billed_units": {}}, {"billed_units": {"input_tokens": None}}])
def test_an_answer_without_a_bill_is_billed_as_counted(cohere: CohereServer, meta: Any) -> None:
    cohere.faults.at(Fault(spoils=lambda answer: {**answer, "meta": meta}), 1)
    embedder = make(cohere, dim=256)
    embedder.embed(["x" * 40, "y" * 40], role=DOCUMENT)
    assert embedder.billed_tokens == 20


def _with_rows(change: Callable[[list[list[Any]]], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: {**answer, "embeddings": {"float": change(answer["embeddings"]["float"])}}


@pytest.mark.parametrize(
    ("spoils", "message"),
    [
        (_with_rows(lambda rows: rows[:1]), r"shape \(1, 256\); expected \(2, 256\)"),
        (_with_rows(lambda rows: [row[:255] for row in rows]), r"shape \(2, 255\)"),
        (_with_rows(lambda rows: [rows[0], rows[1][:3]]), "no table of numbers"),
        (_with_rows(lambda rows: [rows[0], ["a"] * 256]), "no table of numbers"),
        (_with_rows(lambda rows: [rows[0], [None] * 256]), "1 of 2 vectors that are zero or not finite"),
        (_with_rows(lambda rows: [[0.0] * 256, rows[1]]), "1 of 2 vectors that are zero or not finite"),
        (_with_rows(lambda rows: [[1e39] * 256, rows[1]]), "1 of 2 vectors that are zero or not finite"),
        (_with_rows(lambda rows: None), r"shape \(\)"),
        (lambda answer: {}, r"shape \(\)"),
        (lambda answer: {**answer, "embeddings": answer["embeddings"]["float"]}, "not of the documented form"),
        (lambda answer: ["what"], "not of the documented form"),
    ],
)
def test_broken_answers_are_refused(cohere: CohereServer, spoils: Callable[[Any], Any], message: str) -> None:
    cohere.faults.always(Fault(spoils=spoils))
    with pytest.raises(ContractError, match=message):
        make(cohere, dim=256).embed(["one", "two"], role=DOCUMENT)
    assert len(cohere.requests) == 1, "what is paid for and wrong is not asked for again"


def test_a_failed_try_is_throttled_and_tried_again(cohere: CohereServer) -> None:
    cohere.faults.at(rate_limited("0"), 1)
    cohere.faults.at(Fault(drops=True), 2)
    throttled: list[int] = []
    vectors = make(cohere, throttle=throttled.append).embed(["one", "two"], role=DOCUMENT)
    assert vectors.shape == (2, 1536)
    assert throttled == [2, 2, 2]


def test_what_the_throttle_raises_ends_the_call(cohere: CohereServer) -> None:
    calls: list[int] = []

    def no_room(inputs: int) -> None:
        calls.append(inputs)
        raise TransientError("no room", retry_after_seconds=7)

    with pytest.raises(TransientError, match=r"^no room$") as raised:
        make(cohere, throttle=no_room).embed(["one"], role=DOCUMENT)
    assert raised.value.retry_after_seconds == 7
    assert (calls, cohere.requests) == ([1], [])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (rate_limited("3600"), TransientError),
        (month_used_up(), ConfigurationError),
        (Fault(status=422, message="256 is not a valid output_dimension value"), PermanentError),
    ],
)
def test_a_failure_says_what_was_asked_and_shows_neither_key_nor_text(
    cohere: CohereServer, fault: Fault, kind: type[Exception]
) -> None:
    cohere.faults.always(fault)
    with pytest.raises(kind, match=r"Cohere at 127\.0\.0\.1:\d+: embed 1 texts with embed-v4.0 failed") as raised:
        make(cohere).embed(["what nobody may read"], role=DOCUMENT)
    assert cohere.api_key not in str(raised.value)
    assert "nobody" not in str(raised.value)


def test_a_dimension_that_the_model_has_not_is_refused(cohere: CohereServer) -> None:
    with pytest.raises(PermanentError, match=r"no vectors of 768 dimensions; legal are \(1536, 1024, 512, 256\)"):
        make(cohere, dim=768)


def test_counting_and_refusing_need_no_network(cohere: CohereServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    embedder: Embedder = make(cohere)
    assert embedder.count_tokens(["x" * 400]) == [100]
    with pytest.raises(TextTooLongError):
        embedder.embed(["x" * 200_000], role=DOCUMENT)


def test_compatibility_forms_never_have_more_bytes_than_counted(cohere: CohereServer) -> None:
    letters = [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
    chosen = random.Random(1).sample(letters, 5_000)
    texts = [letter * 40 for letter in chosen]
    for text, tokens in zip(texts, make(cohere).count_tokens(texts), strict=True):
        assert max(len(text.encode()), len(unicodedata.normalize("NFKC", text).encode())) <= 4 * tokens
