"""How good search is: on judged sets of documents, and on the sample workspace.

    python benchmarks/retrieval.py [--sets scifact handbook peps sample] [--scifact FOLDER] [--data FOLDER]
        [--home FOLDER] [--json]

Every set goes through the whole pipeline into a workspace of its own, and is searched as an ordinary reader searches.
`--home` keeps the stores, and what is built there already is not built again. Without it all is done in a temporary
home. Scores are in hundredths.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from judged_sets import JudgedSet, half_of, handbook, peps, scifact
from memories import MINILM, SHARED_DATA, build_pages, build_sample, stores_in
from outside_rankings import outside_rankings
from product_rankings import (
    Candidates,
    by_min_max,
    by_reciprocal_ranks,
    by_z_scores,
    candidates_of,
    paths_by,
    searched,
)
from ranking_metrics import Difference, Values, difference, ndcg, recall, standard_error
from sample_questions import print_sample, sample_report

from neural_memory_pipelines.cli.opening import Ready
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.retrieval.search import WEIGHTS

_GRID = tuple(round(0.3 + 0.05 * step, 2) for step in range(9))
_SETS: dict[str, tuple[str, Callable[[Path], JudgedSet]]] = {
    "scifact": ("scifact", scifact),
    "handbook": ("handbook_18f", handbook),
    "peps": ("peps", peps),
}
_FUSIONS = {
    "reciprocal ranks (k = 60)": by_reciprocal_ranks,
    "min-max": by_min_max,
    "sum of z-scores": by_z_scores,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What one way of searching is worth, by question: nDCG@10 and recall@10, 0..1."""

    ndcg: Values
    recall: Values

    def means(self) -> dict[str, float]:
        """Sum up, in hundredths."""
        return {
            "ndcg_at_10": 100 * float(self.ndcg.mean()),
            "standard_error": 100 * standard_error(self.ndcg),
            "recall_at_10": 100 * float(self.recall.mean()),
        }


def main() -> None:
    chosen = _options()
    report: dict[str, Any] = {}
    with stores_in(chosen.home, model=MINILM) as ready:
        for name in chosen.sets:
            if name == "sample":
                report[name] = _with_session(ready, lambda session: sample_report(session, build_sample(ready)))
                continue
            folder, read = _SETS[name]
            judged = read(chosen.scifact if name == "scifact" and chosen.scifact else chosen.data / folder)
            build_pages(ready, judged)
            report[name] = _with_session(ready, partial(_measure, judged=judged))
    if chosen.json:
        print(json.dumps(report, indent=2))
        return
    for name, told in report.items():
        print(f"\n## {name}\n")
        if name == "sample":
            print_sample(told)
        else:
            _print_set(told)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sets", nargs="+", choices=(*_SETS, "sample"), default=[*_SETS, "sample"])
    options.add_argument("--data", type=Path, default=SHARED_DATA, help="the folder of the sets")
    options.add_argument("--scifact", type=Path, help="SciFact's folder, if it lies elsewhere")
    options.add_argument("--home", type=Path, help="keep the stores here")
    options.add_argument("--json", action="store_true")
    return options.parse_args()


def _with_session(ready: Ready, work: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
    session = Session(ready.settings, ready.endpoints)
    try:
        return work(session)
    finally:
        session.close()


def _measure(session: Session, judged: JudgedSet) -> dict[str, Any]:
    asked = searched(session, WorkspaceId(judged.name), now=datetime.now(UTC))
    questions = list(judged.questions.values())
    ways = {f"product, {mode}": _judge(judged, paths_by(mode, asked, questions)) for mode in Mode}
    outside = outside_rankings(judged.texts, questions, asked.embedder)
    candidates = [candidates_of(asked, question) for question in questions]
    legs = [ways[f"product, {Mode.DENSE}"], ways[f"product, {Mode.LEXICAL}"]]
    better = max(legs, key=lambda leg: leg.ndcg.mean())
    gained = difference(ways[f"product, {Mode.HYBRID}"].ndcg, better.ndcg)
    return {
        "pages": len(judged.pages),
        "questions": len(questions),
        "ways": {name: way.means() for name, way in {**ways, **_judge_all(judged, outside)}.items()},
        "hybrid_above_better_leg": _hundredths(gained),
        "fusions": {
            name: _judge(judged, [fusion(found) for found in candidates]).means() for name, fusion in _FUSIONS.items()
        },
        "calibrations": list(_calibrations(judged, candidates, better)),
    }


def _judge_all(judged: JudgedSet, rankings: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Judged]:
    return {name: _judge(judged, ranked) for name, ranked in rankings.items()}


def _judge(judged: JudgedSet, rankings: Sequence[Sequence[str]]) -> Judged:
    right = [judged.right[question] for question in judged.questions]
    return Judged(
        np.array([ndcg(ranked, paths) for ranked, paths in zip(rankings, right, strict=True)]),
        np.array([recall(ranked, paths) for ranked, paths in zip(rankings, right, strict=True)]),
    )


def _calibrations(judged: JudgedSet, candidates: Sequence[Candidates], leg: Judged) -> Iterator[dict[str, Any]]:
    """Choose the weight of meaning on one half of the questions, report it on the other; then the other way round."""
    halves = np.array([half_of(question) for question in judged.questions])
    by_weight = {weight: _judge(judged, [by_z_scores(found, weight) for found in candidates]).ndcg for weight in _GRID}
    for half in (0, 1):
        here, there = halves == half, halves != half
        best = max(_GRID, key=lambda weight: by_weight[weight][here].mean())
        default = by_weight[WEIGHTS.vector][there]
        yield {
            "calibrated_on": "AB"[half],
            "weight_of_meaning": best,
            "ndcg_there": 100 * float(by_weight[best][here].mean()),
            "ndcg_on_the_other": 100 * float(by_weight[best][there].mean()),
            "standard_error": 100 * standard_error(by_weight[best][there]),
            "above_better_leg": {
                bound: 100 * value
                for bound, value in asdict(difference(by_weight[best][there], leg.ndcg[there])).items()
            },
            "default_on_the_other": 100 * float(default.mean()),
            "grid_there": {str(weight): 100 * float(by_weight[weight][here].mean()) for weight in _GRID},
        }


def _hundredths(told: Difference) -> dict[str, float]:
    return {bound: 100 * value for bound, value in asdict(told).items()}


def _print_set(told: Mapping[str, Any]) -> None:
    print(f"{told['pages']:,} pages, {told['questions']} questions\n")
    print("| way | nDCG@10 | standard error | recall@10 |\n|---|---:|---:|---:|")
    for name, means in told["ways"].items():
        print(f"| {name} | {_row(means)} |")
    print(f"\nHybrid above the better of dense and lexical: {_interval(told['hybrid_above_better_leg'])}")
    print("\n| fusion of the same candidates | nDCG@10 | standard error | recall@10 |\n|---|---:|---:|---:|")
    for name, means in told["fusions"].items():
        print(f"| {name} | {_row(means)} |")
    print(
        "\n| calibrated on | weight of meaning | nDCG@10 there | on the other half | standard error "
        "| above the better leg | default weight on the other half |\n|---|---:|---:|---:|---:|---|---:|"
    )
    for each in told["calibrations"]:
        print(
            f"| {each['calibrated_on']} | {each['weight_of_meaning']} | {each['ndcg_there']:.1f} "
            f"| {each['ndcg_on_the_other']:.1f} | {each['standard_error']:.1f} | {_interval(each['above_better_leg'])} "
            f"| {each['default_on_the_other']:.1f} |"
        )
    print("\n| weight of meaning | " + " | ".join(map(str, _GRID)) + " |\n|---|" + "---:|" * len(_GRID))
    for each in told["calibrations"]:
        print(
            f"| nDCG@10 on {each['calibrated_on']} | "
            + " | ".join(f"{each['grid_there'][str(weight)]:.1f}" for weight in _GRID)
            + " |"
        )


def _row(means: Mapping[str, float]) -> str:
    return f"{means['ndcg_at_10']:.1f} | {means['standard_error']:.1f} | {means['recall_at_10']:.1f}"


def _interval(told: Mapping[str, float]) -> str:
    return f"{told['mean']:+.1f} ({told['low']:+.1f} to {told['high']:+.1f})"


if __name__ == "__main__":
    main()
