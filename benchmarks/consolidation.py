"""How good topics are, how they stay the same from night to night, and what they cost.

    python benchmarks/consolidation.py [--data ../shared/data/banking77] [--parts quality nights sizes]
        [--seeds 0 1 2] [--sizes 5000 50000 200000]

- quality: all texts of banking77, clustered; ARI and NMI against the labels, on clustered texts and over all (there,
  noise is a group of its own).
- nights: 8,000 texts first, then six nights of 400, with ten labels that are not there at first, then all anew.
- sizes: CPU-seconds and memory. Above 13,000 observations, vectors are made: between two texts of one label, and off
  the line by chance.

Seconds are of one core (`process_time`). Extractive summaries are measured by `summaries.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from banking import Labelled, read_labelled
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from topic_nights import LEAST_MEMBERS, NightFigures, simulate

from neural_memory_pipelines.domain.topics.labels import keywords_of, label_of
from neural_memory_pipelines.models.clusterers.evoc import cluster

ROOT = Path(__file__).parents[1]
_SUBSET_SHARE, _SUBSETS = 0.9, 4
_SHOWN_TOPICS = 12


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "banking77")
    options.add_argument("--parts", nargs="+", choices=list(_PARTS), default=list(_PARTS))
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--sizes", nargs="+", type=int, default=[5_000, 50_000, 200_000])
    chosen = options.parse_args()
    data = read_labelled(chosen.data)
    _measure_start(data)
    for part in chosen.parts:
        _PARTS[part](data, chosen)


def _measure_start(data: Labelled) -> None:
    started = time.process_time()
    cluster(data.vectors[:1_500], least=LEAST_MEMBERS)
    first = time.process_time() - started
    cluster(data.vectors[:1_500], least=LEAST_MEMBERS)
    again = time.process_time() - started - first
    print(f"loading EVoC and its compiled code: {first - again:.1f} CPU-s (more when it is compiled first)\n")


def _measure_quality(data: Labelled, _: argparse.Namespace) -> None:
    print("texts   topics  noise  ARI clustered / all  NMI clustered / all  CPU-s")
    groups = _print_quality(data.vectors, data.labels)
    random = np.random.default_rng(0)
    for _number in range(_SUBSETS):
        rows = random.permutation(len(data.ids))[: int(_SUBSET_SHARE * len(data.ids))]
        _print_quality(data.vectors[rows], data.labels[rows])
    texts = [[data.texts[row] for row in np.flatnonzero(groups == number)] for number in range(groups.max() + 1)]
    names = keywords_of(texts)
    print("\nlabel of people, share of the topic, texts | label of the topic")
    for number in range(0, len(texts), max(1, len(texts) // _SHOWN_TOPICS)):
        counts = np.bincount(data.labels[groups == number])
        share = counts.max() / counts.sum()
        print(f"{data.names[counts.argmax()]}, {share:.0%}, {counts.sum()} | {label_of(names[number])}")
    print()


def _print_quality(vectors: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    started = time.process_time()
    groups = cluster(vectors, least=LEAST_MEMBERS)
    cpu_seconds = time.process_time() - started
    found = groups >= 0
    ari = [adjusted_rand_score(labels[rows], groups[rows]) for rows in (found, slice(None))]
    nmi = [normalized_mutual_info_score(labels[rows], groups[rows]) for rows in (found, slice(None))]
    print(
        f"{len(labels):6}  {groups.max() + 1:6}  {1 - found.mean():5.3f}  {ari[0]:13.3f} / {ari[1]:.3f}"
        f"  {nmi[0]:13.3f} / {nmi[1]:.3f}  {cpu_seconds:5.1f}",
        flush=True,
    )
    return groups


def _measure_nights(data: Labelled, chosen: argparse.Namespace) -> None:
    for seed in chosen.seeds:
        print(
            f"seed {seed}      texts  topics  clustered  ARI   ids changed  CPU-s  of full  if full: ids changed  CPU-s"
        )
        nights = [_print_night(figures) for figures in simulate(data, seed=seed)]
        changed = np.mean([figures.ids_changed for figures in nights[1:]])
        print(f"ids changed, mean of six nights and a full clustering: {changed:.2%}\n")


def _print_night(figures: NightFigures) -> NightFigures:
    share = figures.cpu_seconds / figures.full_cpu_seconds
    print(
        f"{figures.name:11}  {figures.texts:5}  {figures.topics:6}  {figures.clustered:9.1%}  {figures.ari:.3f}"
        f"  {figures.ids_changed:10.2%}  {figures.cpu_seconds:5.2f}  {share:7.1%}"
        f"  {figures.ids_changed_if_full:20.1%}  {figures.full_cpu_seconds:5.2f}",
        flush=True,
    )
    return figures


def _measure_sizes(data: Labelled, chosen: argparse.Namespace) -> None:
    print("observations  made  vectors MB  topics  noise  ARI  full CPU-s  MB more / in all  night of 2 % CPU-s")
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "vectors.npz"
        np.savez(kept, vectors=data.vectors, labels=data.labels)
        for size in chosen.sizes:
            figures = _in_a_process([str(kept), str(size)])
            print(
                "{observations:12}  {made:6}  {vectors_mb:6.0f}  {topics:6}  {noise:.3f}  {ari:.3f}"
                "  {full_cpu_seconds:6.1f}  {full_mb:7.0f} / {peak_mb:.0f}  {night_cpu_seconds:6.1f}".format(**figures),
                flush=True,
            )
    print()


def _in_a_process(arguments: Sequence[str]) -> Mapping[str, float]:
    program = [sys.executable, str(Path(__file__).with_name("topic_sizes.py")), *arguments]
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


_PARTS: Mapping[str, Callable[[Labelled, argparse.Namespace], None]] = {
    "quality": _measure_quality,
    "nights": _measure_nights,
    "sizes": _measure_sizes,
}

if __name__ == "__main__":
    main()
