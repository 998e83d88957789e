"""MiniLM: its graph against a plain numpy forward pass, its meaning, and what loading it must not do."""

from __future__ import annotations

import base64
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from neural_memory_pipelines.errors import ConfigurationError, ContractError
from neural_memory_pipelines.models.embedders import minilm as minilm_module
from neural_memory_pipelines.models.embedders.bert_graph import build_mean_pooled_bert
from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.minilm import MiniLmEmbedder, locate_minilm_files
from neural_memory_pipelines.models.embedders.openvino_runtime import openvino
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors

TEXTS = [
    minilm_module._PROBE_TEXT,
    "OK",
    "fix: retry the webhook when the receiver answers 503",
    "Größe naïve Ελληνικά русский 日本語 🚀",
    "The release was rolled back. " * 8,
    "Summaries cite the observations that they were made from. " * 20,
    "def reconcile(desired, ledger):\n    return desired - ledger, ledger - desired",
    "",
]


def reference_vectors(texts: list[str]) -> Vectors:
    """Run BERT, mean pooling and normalisation in float32, one text at a time, without padding or mask."""
    weights = load_file(locate_minilm_files() / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(locate_minilm_files() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    erf = np.vectorize(math.erf, otypes=[np.float32])

    def linear(x: Vectors, name: str) -> Vectors:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Vectors, name: str) -> Vectors:
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-12)
        return (x - x.mean(axis=-1, keepdims=True)) / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attend(x: Vectors, name: str) -> Vectors:
        q, k, v = (linear(x, f"{name}.self.{part}").reshape(-1, 12, 32) for part in ("query", "key", "value"))
        scores = np.exp(np.einsum("ihd,jhd->hij", q, k) / math.sqrt(32))
        context = np.einsum("hij,jhd->ihd", scores / scores.sum(axis=-1, keepdims=True), v)
        return linear(context.reshape(-1, 384), f"{name}.output.dense")

    def embed(ids: list[int]) -> Vectors:
        x = weights["embeddings.word_embeddings.weight"][ids]
        x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
        x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(6):
            name = f"encoder.layer.{layer}"
            x = norm(x + attend(x, f"{name}.attention"), f"{name}.attention.output.LayerNorm")
            wide = linear(x, f"{name}.intermediate.dense")
            wide = wide * (1 + erf(wide / math.sqrt(2))) / 2
            x = norm(x + linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean)

    return np.stack([embed(tokenizer.encode(text).ids) for text in texts])


@pytest.fixture(scope="module")
def reference() -> Vectors:
    return reference_vectors(TEXTS)


def embed(embedder: Embedder, *texts: str) -> Vectors:
    return embedder.embed(texts, role=InputRole.SEARCH_DOCUMENT)


def test_graph_equals_the_plain_forward_pass(minilm: Embedder, reference: Vectors) -> None:
    cosines = np.einsum("ij,ij->i", embed(minilm, *TEXTS), reference)
    assert cosines.min() > 0.9998


def test_graph_in_full_precision_is_exact(reference: Vectors) -> None:
    weights = load_file(locate_minilm_files() / "model.safetensors")
    network = build_mean_pooled_bert(weights, minilm_module._SHAPE)
    compiled = openvino.Core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tokenizer = Tokenizer.from_file(str(locate_minilm_files() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    encodings = tokenizer.encode_batch(TEXTS)
    ids = np.array([encoding.ids for encoding in encodings], dtype=np.int32)
    mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.float32)
    vectors = compiled([ids, mask])[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.abs(vectors - reference).max() < 1e-5


def test_stored_probe_is_the_reference(reference: Vectors) -> None:
    stored = np.frombuffer(base64.b64decode(minilm_module._PROBE_VECTOR), dtype=np.int8).astype(np.float32)
    assert stored @ reference[0] / np.linalg.norm(stored) > 0.9999


def test_wrong_network_is_refused(minilm: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(minilm, MiniLmEmbedder)
    monkeypatch.setattr(minilm_module, "_PROBE_TEXT", "Another text stands for a network that computes other vectors.")
    with pytest.raises(ContractError, match=r"cosine 0\.\d+ to the known one"):
        minilm._check_probe()


@pytest.mark.parametrize(
    ("text", "same_meaning", "same_words"),
    [
        (
            "How do I get my money back?",
            "Refunds are paid within five days of the return.",
            "How do I get my bicycle back from the garage?",
        ),
        ("A cat sleeps on the sofa.", "A kitten naps on the couch.", "A cab stops on the road."),
        (
            "The service crashes when it runs out of memory.",
            "Pods are killed by the kernel after a leak fills the heap.",
            "The service opens when the office runs its tours.",
        ),
    ],
)
def test_meaning_beats_spelling(minilm: Embedder, text: str, same_meaning: str, same_words: str) -> None:
    by_meaning = embed(minilm, text, same_meaning, same_words)
    by_spelling = embed(HashedEmbedder(), text, same_meaning, same_words)
    assert by_meaning[0] @ by_meaning[1] > by_meaning[0] @ by_meaning[2] + 0.05
    assert by_spelling[0] @ by_spelling[1] < by_spelling[0] @ by_spelling[2]


def test_word_pieces_are_counted_without_special_tokens(minilm: Embedder) -> None:
    assert minilm.count_tokens(["hello world", "", "embedding", "x" * 500]) == [2, 0, 3, 1]


def test_limit_is_254(minilm: Embedder) -> None:
    # Not the 128 that the tokenizer file asks for: the texts differ only in their last words.
    vectors = embed(minilm, "word " * 253 + "zebra", "word " * 253 + "kitchen")
    assert vectors[0] @ vectors[1] < 0.9999


def test_missing_weights_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_module, "_FILES_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ConfigurationError, match=r"no_such_package_of_weights: .*\[embedded\]"):
        locate_minilm_files()


def test_loading_calls_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    """OpenVINO would report its import from a forked process, and keep a client id under HOME."""
    program = """
import os, sys
seen = []
def watch(event, args):
    if event.partition(".")[0] in {"socket", "subprocess"} or event in {"os.fork", "os.posix_spawn", "os.system"}:
        seen.append(event)
sys.addaudithook(watch)
from neural_memory_pipelines.models.embedders.registry import load_embedder
from neural_memory_pipelines.models.embedders.openvino_runtime import openvino
from neural_memory_pipelines.models.embedders.protocol import InputRole
load_embedder("local/minilm-l6-v2").embed(["text"], role=InputRole.SEARCH_QUERY)
import threading
assert not seen, seen
assert threading.active_count() == 1, threading.enumerate()
assert sys.modules["openvino_telemetry"] is None
assert not os.listdir(os.environ["HOME"]), os.listdir(os.environ["HOME"])
"""
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
