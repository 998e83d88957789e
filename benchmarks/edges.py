"""Precision and recall of edges, by set and type, against the labels in tests/edges.

    python -m benchmarks.edges [--data ../shared/data] [--misses]

Runs redaction and the real parsers on the labelled files, without a store. `--misses` lists each label that was not
found, and each edge that was found and is not labelled.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tests.edges.labelled import SETS
from tests.edges.scores import Score, score_set

_DATA = Path(__file__).parents[2] / "shared" / "data"


def main() -> None:
    arguments = argparse.ArgumentParser(description="Precision and recall of edges against labels")
    arguments.add_argument("--data", type=Path, default=_DATA)
    arguments.add_argument("--misses", action="store_true")
    chosen = arguments.parse_args()
    total = Score()
    started = time.process_time()
    print("| set | edge | labels | found | right | precision | recall |\n|---|---|---|---|---|---|---|")
    for name in SETS:
        score = score_set(name, chosen.data)
        total.add(score)
        for kind in sorted({*score.right, *score.wrong, *score.missed}):
            print(_row(name, kind, score.right[kind], wrong=score.wrong[kind], missed=score.missed[kind]))
    print(_row("all", "all", total.right.total(), wrong=total.wrong.total(), missed=total.missed.total()))
    print(f"\n{time.process_time() - started:.1f} CPU-seconds")
    if chosen.misses:
        print("", *total.misses, sep="\n")


def _row(name: str, kind: str, right: int, *, wrong: int, missed: int) -> str:
    labels, found = right + missed, right + wrong
    precision = f"{right / found:.3f}" if found else "-"
    recall = f"{right / labels:.3f}" if labels else "-"
    return f"| {name} | {kind} | {labels} | {found} | {right} | {precision} | {recall} |"


if __name__ == "__main__":
    main()
