"""What every embedder must do, run on each of them."""

from __future__ import annotations

from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from neural_memory_pipelines.models.embedders.limits import TextTooLongError
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors
from neural_memory_pipelines.models.embedders.registry import embedder_spec

SENTENCES = [
    "The release was rolled back after the payment queue stopped draining.",
    "fix: retry the webhook when the receiver answers 503",
    "Decision: we keep one index per environment and a namespace per workspace.",
    "Lunch on Friday is at the small place near the station.",
    "def reconcile(desired, ledger): return desired - ledger, ledger - desired",
    "OK",
    "The migration adds a generated column and a GIN index; it locks the largest table for two seconds.",
]
AWKWARD = {
    "empty": "",
    "blank": " \t\r\n ",
    "emoji": "🚀🚀 shipped 👩‍💻👨‍👩‍👧‍👦",
    "scripts": "Größe naïve Ελληνικά русский 日本語 한국어 العربية",
    "nul": "before\x00after",
    "control": "\x01\x02\x1b[31mred\x1b[0m\u200b\ufeff",
    "one long word": "x" * 4000,
    "lone surrogate": "half of a pair: \ud83d",
    "combining": "e\u0301" * 50,
}


def embed(embedder: Embedder, *texts: str) -> Vectors:
    return embedder.embed(texts, role=InputRole.SEARCH_DOCUMENT)


def cosine(embedder: Embedder, one: str, other: str) -> float:
    vectors = embed(embedder, one, other)
    return float(vectors[0] @ vectors[1])


def cosines(ones: Vectors, others: Vectors) -> np.ndarray:
    return np.einsum("ij,ij->i", ones, others)


def text_of_tokens(embedder: Embedder, tokens: int) -> str:
    """Find, among texts of common words, one of exactly this many tokens."""
    words = bisect_left(range(4 * tokens), tokens, key=lambda count: embedder.count_tokens(["a " * count])[0])
    for fewer in range(4):
        for end in ("", ".", "..", "..."):
            text = "a " * (words - fewer) + end
            if embedder.count_tokens([text]) == [tokens]:
                return text
    raise AssertionError(f"no text counts as {tokens} tokens")


def test_spec_tells_what_the_embedder_is(embedder: Embedder) -> None:
    spec = embedder_spec(embedder.model)
    assert (spec.model, spec.dim, spec.max_tokens) == (embedder.model, embedder.dim, embedder.max_tokens)
    assert spec.dim == spec.dims[0]
    assert spec.provider == embedder.model.partition("/")[0]
    assert embedder.batch_size >= 1
    assert embedder.workers >= 1


def test_shape_type_and_length(embedder: Embedder) -> None:
    vectors = embed(embedder, *SENTENCES)
    assert vectors.shape == (len(SENTENCES), embedder.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_nothing_gives_nothing(embedder: Embedder) -> None:
    assert embed(embedder).shape == (0, embedder.dim)
    assert embed(embedder).dtype == np.float32
    assert embedder.count_tokens([]) == []


def test_order_is_kept(embedder: Embedder) -> None:
    forwards = embed(embedder, *SENTENCES)
    backwards = embed(embedder, *reversed(SENTENCES))
    alone = np.concatenate([embed(embedder, text) for text in SENTENCES])
    assert cosines(forwards, backwards[::-1]).min() > 0.9999
    assert cosines(forwards, alone).min() > 0.9999
    assert cosines(forwards, np.roll(forwards, 1, axis=0)).max() < 0.9


def test_only_what_a_vendor_bills_is_billed(embedder: Embedder) -> None:
    before = embedder.billed_tokens
    embed(embedder, *SENTENCES)
    after = embedder.billed_tokens
    if embedder_spec(embedder.model).dollars_per_million_tokens:
        counted = sum(embedder.count_tokens(SENTENCES))
        assert counted / 2 < after - before < counted * 2
    else:
        assert before == after == 0


def test_same_call_same_bytes(embedder: Embedder) -> None:
    assert embed(embedder, *SENTENCES).tobytes() == embed(embedder, *SENTENCES).tobytes()


def test_companions_do_not_matter(embedder: Embedder) -> None:
    text = SENTENCES[0]
    crowd = [SENTENCES[index % len(SENTENCES)] * (1 + index % 5) for index in range(150)]
    among = embed(embedder, *crowd[:75], text, *crowd[75:])[75]
    assert float(among @ embed(embedder, text)[0]) > 0.9999


def test_roles_are_accepted(embedder: Embedder) -> None:
    for role in InputRole:
        assert embedder.embed(["a question"], role=role).shape == (1, embedder.dim)


@pytest.mark.parametrize("text", AWKWARD.values(), ids=AWKWARD.keys())
def test_awkward_text(embedder: Embedder, text: str) -> None:
    (tokens,) = embedder.count_tokens([text])
    assert 0 <= tokens <= embedder.max_tokens
    vector = embed(embedder, text)[0]
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)
    beside_others = embed(embedder, SENTENCES[0], text, SENTENCES[1])
    assert float(beside_others[1] @ vector) > 0.9999
    assert cosine(embedder, SENTENCES[0], SENTENCES[0]) > 0.9999


def test_longest_text_is_read_to_its_end(embedder: Embedder) -> None:
    text = text_of_tokens(embedder, embedder.max_tokens)
    other_end = text[:-30] + " kangaroo"
    assert embedder.count_tokens([other_end])[0] <= embedder.max_tokens
    assert not np.array_equal(*embed(embedder, text, other_end))


def test_too_long_text_is_refused_by_name(embedder: Embedder) -> None:
    limit = embedder.max_tokens
    text = text_of_tokens(embedder, limit + 1)
    with pytest.raises(TextTooLongError, match=rf"text 2 has {limit + 1} tokens, and {embedder.model} .* {limit}:"):
        embed(embedder, "short", "shorter", text, text)


def test_tokens_add_up(embedder: Embedder) -> None:
    one, other = SENTENCES[0], SENTENCES[2]
    both, first, second = embedder.count_tokens([f"{one} {other}", one, other])
    assert first + second - 1 <= both <= first + second + 1
    assert embedder.count_tokens([""]) == [0]
    assert embedder.count_tokens([one, other, one]) == [first, second, first]


def test_concurrent_calls_equal_serial_ones(embedder: Embedder) -> None:
    calls = [[f"{SENTENCES[(call + item) % len(SENTENCES)]} {call}" for item in range(5)] for call in range(24)]
    serial = [embed(embedder, *texts) for texts in calls]
    with ThreadPoolExecutor(8) as pool:
        concurrent = list(pool.map(lambda texts: embed(embedder, *texts), calls))
    for one, other in zip(serial, concurrent, strict=True):
        assert cosines(one, other).min() > 0.9999


@pytest.mark.parametrize(
    ("text", "alike", "unlike"),
    [
        (
            "The login page fails when the session expires.",
            "Login fails on the page after the session has expired.",
            "Quarterly revenue grew by twelve percent in Europe.",
        ),
        (
            "Rotate the signing keys every ninety days.",
            "Signing keys are to be rotated every 90 days.",
            "The new office has a roof garden and two kitchens.",
        ),
    ],
)
def test_alike_is_nearer_than_unlike(embedder: Embedder, text: str, alike: str, unlike: str) -> None:
    assert cosine(embedder, text, alike) > cosine(embedder, text, unlike) + 0.3
