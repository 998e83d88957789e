"""What topics cost at a size: CPU-seconds and memory of a full clustering and of a night, in a process of its own.

    python benchmarks/topic_sizes.py VECTORS.npz OBSERVATIONS

prints a line of JSON; `consolidation.py` starts it for each size.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId, hash_text, observation_id
from neural_memory_pipelines.domain.topics.nights import NightPlan, plan_night
from neural_memory_pipelines.domain.topics.values import Night, TopicsState, Vectors
from neural_memory_pipelines.models.clusterers.evoc import cluster

_WORKSPACE = WorkspaceId("sizes")
_LEAST = 3
_NEW_SHARE = 0.02
_NOISE_LENGTH = 0.6


@dataclass(frozen=True, slots=True)
class SizeFigures:
    """Figures of a size.

    `peak_mb` is the most memory that the process had, vectors and libraries included, `full_mb` what the full
    clustering took beyond what the process had needed before to make the vectors.
    """

    observations: int
    made: int
    vectors_mb: float
    topics: int
    noise: float
    ari: float
    full_cpu_seconds: float
    full_mb: float
    peak_mb: float
    night_cpu_seconds: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("vectors", type=Path)
    options.add_argument("observations", type=int)
    chosen = options.parse_args()
    with np.load(chosen.vectors) as kept:
        vectors, labels = kept["vectors"], kept["labels"]
    print(json.dumps(asdict(measure(vectors, labels, chosen.observations))))


def measure(real: Vectors, labels: npt.NDArray[np.int64], count: int) -> SizeFigures:
    """Cluster the first 98 %, then add the others in a night."""
    cluster(real[:1_500], least=_LEAST)  # so that compiled code is loaded
    made = max(0, count - len(real))
    vectors, truth = _made(real, labels, made, seed=0)
    order = np.random.default_rng(1).permutation(len(vectors))[:count]
    vectors, truth = vectors[order], truth[order]
    ids = [observation_id(_WORKSPACE, hash_text(str(number))) for number in range(count)]
    rows = {key: row for row, key in enumerate(ids)}

    def vectors_of(wanted: Sequence[ObservationId]) -> Vectors:
        return vectors[[rows[key] for key in wanted]]

    night = Night(_WORKSPACE, _LEAST, vectors_of, lambda chosen: cluster(chosen, least=_LEAST))
    before_mb = _peak_mb()
    first = int(count * (1 - _NEW_SHARE))
    plan, full_cpu = _timed(TopicsState(), ids[:first], night, full=True)
    full_mb = _peak_mb() - before_mb
    _, night_cpu = _timed(plan.state, ids, night, full=False)
    owners = {key: topic.cluster_id for topic in plan.state.topics for key in topic.members}
    return SizeFigures(
        count,
        made,
        vectors.nbytes / 1e6,
        len(plan.state.topics),
        1 - len(owners) / first,
        float(adjusted_rand_score([truth[rows[key]] for key in owners], list(owners.values()))),
        full_cpu,
        full_mb,
        _peak_mb(),
        night_cpu,
    )


def _timed(state: TopicsState, ids: Sequence[ObservationId], night: Night, *, full: bool) -> tuple[NightPlan, float]:
    started = time.process_time()
    plan = plan_night(state, ids, full=full, night=night)
    return plan, time.process_time() - started


def _made(
    real: Vectors, labels: npt.NDArray[np.int64], count: int, *, seed: int
) -> tuple[Vectors, npt.NDArray[np.int64]]:
    """Add vectors that nobody's text has: between two texts of one label, and off the line by chance."""
    random = np.random.default_rng(seed)
    first = random.integers(len(real), size=count)
    by_label = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    second = np.array([random.choice(by_label[labels[row]]) for row in first], dtype=np.int64)
    share = random.uniform(0.2, 0.8, size=(count, 1)).astype(np.float32)
    away = random.standard_normal((count, real.shape[1]), dtype=np.float32)
    away *= _NOISE_LENGTH / np.linalg.norm(away, axis=1, keepdims=True)
    between = share * real[first] + (1 - share) * real[second]
    between = between / np.linalg.norm(between, axis=1, keepdims=True) + away
    between /= np.linalg.norm(between, axis=1, keepdims=True)
    return np.vstack([real, between]).astype(np.float32), np.concatenate([labels, labels[first]])


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kilobytes, on Linux


if __name__ == "__main__":
    main()
