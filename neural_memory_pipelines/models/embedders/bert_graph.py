"""The BERT encoder as an OpenVINO graph, built from its weights: no exporter, no converter, no model file.

Knows the architecture. Files, tokens and how many requests run at a time belong to `minilm.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.models.embedders.openvino_runtime import openvino, ops

Array: TypeAlias = "npt.NDArray[Any]"
Node: TypeAlias = Any  # openvino ships no usable types

_MASKED_SCORE = np.float32(-1e4)  # far below any attention score, and still a small number in bfloat16


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes of a BERT encoder that its weights alone do not tell."""

    layers: int
    heads: int
    hidden_dim: int
    norm_epsilon: float


def build_mean_pooled_bert(weights: Mapping[str, Array], shape: BertShape) -> openvino.Model:
    """Build the encoder followed by mean pooling over the tokens that the mask keeps.

    Args:
        weights: float32 tensors under the names of Hugging Face's BertModel. The graph shares their memory: they
            stay as they are until it is compiled.
        shape: sizes of the encoder.

    Returns:
        A model with inputs `input_ids` (int32) and `attention_mask` (float32, 0 or 1), both (texts, tokens), and one
        output (texts, hidden_dim), not normalised.

    Source:
        Devlin et al.: BERT, 2019 (post-norm encoder, exact GELU); Reimers, Gurevych: Sentence-BERT, 2019 (pooling).
    """
    return _BertBuilder(weights, shape).build()


class _BertBuilder:
    def __init__(self, weights: Mapping[str, Array], shape: BertShape) -> None:
        self._weights = weights
        self._shape = shape

    def build(self) -> openvino.Model:
        ids = ops.parameter([-1, -1], np.int32, name="input_ids")
        mask = ops.parameter([-1, -1], np.float32, name="attention_mask")
        absent = ops.subtract(_constant(np.float32(1)), ops.unsqueeze(mask, _ints(1, 2)))
        score_bias = ops.multiply(absent, _constant(_MASKED_SCORE))
        hidden = self._embeddings(ids)
        for layer in range(self._shape.layers):
            hidden = self._layer(hidden, score_bias, f"encoder.layer.{layer}")
        kept = ops.unsqueeze(mask, _ints(2))
        pooled = ops.divide(
            ops.reduce_sum(ops.multiply(hidden, kept), _ints(1)),
            ops.reduce_sum(kept, _ints(1)),
        )
        return openvino.Model([pooled.output(0)], [ids, mask], "mean_pooled_bert")

    def _embeddings(self, ids: Node) -> Node:
        words = ops.gather(self._weight("embeddings.word_embeddings.weight"), ids, _ints(0))
        # Every token is of type 0 (there is no second sentence), so its vector is part of each position's.
        places = (
            self._weights["embeddings.position_embeddings.weight"]
            + self._weights["embeddings.token_type_embeddings.weight"][0]
        )
        tokens = ops.gather(ops.shape_of(ids), _ints(1), _ints(0))
        positions = ops.slice(_constant(places), _ints(0), tokens, _ints(1), _ints(0))
        return self._norm(ops.add(words, ops.unsqueeze(positions, _ints(0))), "embeddings.LayerNorm")

    def _layer(self, hidden: Node, score_bias: Node, name: str) -> Node:
        attended = self._linear(
            self._attention(hidden, score_bias, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        hidden = self._norm(ops.add(hidden, attended), f"{name}.attention.output.LayerNorm")
        widened = ops.gelu(self._linear(hidden, f"{name}.intermediate.dense"), "erf")
        narrowed = self._linear(widened, f"{name}.output.dense")
        return self._norm(ops.add(hidden, narrowed), f"{name}.output.LayerNorm")

    def _attention(self, hidden: Node, score_bias: Node, name: str) -> Node:
        query, key, value = (self._heads(self._linear(hidden, f"{name}.{part}")) for part in ("query", "key", "value"))
        scale = np.float32((self._shape.hidden_dim // self._shape.heads) ** -0.5)
        scores = ops.multiply(ops.matmul(query, key, False, True), _constant(scale))
        context = ops.matmul(ops.softmax(ops.add(scores, score_bias), -1), value, False, False)
        return ops.reshape(ops.transpose(context, _ints(0, 2, 1, 3)), _ints(0, 0, self._shape.hidden_dim), True)

    def _heads(self, hidden: Node) -> Node:
        head_dim = self._shape.hidden_dim // self._shape.heads
        split = ops.reshape(hidden, _ints(0, 0, self._shape.heads, head_dim), True)
        return ops.transpose(split, _ints(0, 2, 1, 3))

    def _linear(self, hidden: Node, name: str) -> Node:
        product = ops.matmul(hidden, self._weight(f"{name}.weight"), False, True)
        return ops.add(product, self._row(f"{name}.bias"))

    def _norm(self, hidden: Node, name: str) -> Node:
        centred = ops.mvn(hidden, _ints(-1), True, self._shape.norm_epsilon, "inside_sqrt")
        return ops.add(ops.multiply(centred, self._row(f"{name}.weight")), self._row(f"{name}.bias"))

    def _weight(self, name: str) -> Node:
        return _constant(self._weights[name])

    def _row(self, name: str) -> Node:
        return _constant(self._weights[name][None, None])


def _constant(value: Array | np.float32) -> Node:
    return ops.constant(np.asarray(value), shared_memory=True)


def _ints(*values: int) -> Node:
    return ops.constant(np.array(values, dtype=np.int64))
