"""Short texts with the labels that people gave them, and their vectors. For benchmarks of clustering; it judges none.

The texts are banking77: 13,083 questions to a bank with one of 77 labels each (PolyAI, CC BY 4.0).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId, hash_text, observation_id
from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.models.embedders.registry import load_embedder
from neural_memory_pipelines.models.embedders.specs import MINILM

WORKSPACE = WorkspaceId("banking77")
_FILES = ("train.csv", "test.csv")


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts, their labels as numbers, and their vectors: the same row is the same text. Each text comes once."""

    ids: tuple[ObservationId, ...]
    texts: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    vectors: npt.NDArray[np.float32]


def read_labelled(folder: Path) -> Labelled:
    """Read banking77 and embed it: about 20 CPU-seconds."""
    found: dict[str, str] = {}
    for name in _FILES:
        with next(folder.rglob(name)).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["text"].strip(), row["category"])
    texts = tuple(found)
    names = tuple(sorted(set(found.values())))
    numbers = {name: number for number, name in enumerate(names)}
    return Labelled(
        tuple(observation_id(WORKSPACE, hash_text(text)) for text in texts),
        texts,
        np.array([numbers[found[text]] for text in texts], dtype=np.int64),
        names,
        embed_in_batches(load_embedder(MINILM.model), texts, role=InputRole.SEARCH_DOCUMENT),
    )
