"""A small world of observations. Vectors follow from names: `rain-3` is about rain, `lone-7` about nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId
from neural_memory_pipelines.domain.topics.values import Night, Vectors

WORKSPACE = WorkspaceId("w1")
SUBJECTS = ("rain", "bread", "chess", "opera")
LEAST = 3
_DIM = 64
_SPREAD = 0.35  # length of what an observation adds to its subject


def named(subject: str, numbers: Iterable[int]) -> list[ObservationId]:
    """Observations about a subject."""
    return [ObservationId(f"{subject}-{number}") for number in numbers]


def vectors_of(ids: Sequence[ObservationId]) -> Vectors:
    """Vectors of observations, shape (len(ids), 64)."""
    return np.stack([_vector(key) for key in ids]) if ids else np.zeros((0, _DIM), dtype=np.float32)


def by_axis(vectors: Vectors) -> npt.NDArray[np.int64]:
    """Group rows by the subject that they are about; fewer than three are noise."""
    labels = np.full(len(vectors), -1, dtype=np.int64)
    number = 0
    for axis in range(len(SUBJECTS)):
        rows = np.flatnonzero(vectors[:, axis] > 0.8)
        if len(rows) >= LEAST:
            labels[rows] = number
            number += 1
    return labels


def night(read: list[ObservationId] | None = None) -> Night:
    """A night in this world; whose vectors it reads is noted in `read`."""

    def note(ids: Sequence[ObservationId]) -> Vectors:
        if read is not None:
            read.extend(ids)
        return vectors_of(ids)

    return Night(WORKSPACE, LEAST, note, by_axis)


def _vector(key: ObservationId) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(int(hashlib.sha256(key.encode()).hexdigest()[:8], 16))
    vector = np.zeros(_DIM)
    away = random.normal(size=_DIM - len(SUBJECTS))
    vector[len(SUBJECTS) :] = away / np.linalg.norm(away) * random.uniform(0.5, 1.5)
    subject = key.rsplit("-", 1)[0]
    if subject in SUBJECTS:
        vector *= _SPREAD
        vector[SUBJECTS.index(subject)] = 1.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)
