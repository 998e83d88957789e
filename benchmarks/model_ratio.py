"""What the pipeline adds to the model: all steps over the same texts through the embedder alone, in one run.

    python benchmarks/model_ratio.py FOLDER [--model local/minilm-l6-v2] [--times 3]

FOLDER holds markdown. Each time, the pipeline ingests it into an empty workspace, and then the texts that it embedded
go through `embed_in_batches` alone. The ratio of the pairs is what counts: both share the machine's mood.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ingest import run_steps

from neural_memory_pipelines.cli.opening import ready_stores
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.stores.postgres.families import live_texts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--model", default="local/minilm-l6-v2")
    options.add_argument("--times", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEURAL_MEMORY_HOME"] = f"{home}/home"
        os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = chosen.model

        try:
            _measure(chosen.folder, times=chosen.times)
        finally:
            stack_of(load_settings()).reset()


def _measure(folder: Path, *, times: int) -> None:

    ready = ready_stores()
    session = Session(ready.settings, ready.endpoints)
    version = session.new_workspace_version
    embedder = session.embedder(version)
    embedder.embed(["warm up"], role=InputRole.SEARCH_DOCUMENT)
    ratios = []
    print("texts  pipeline cpu s  embedder cpu s  ratio  pipeline wall s  embedder wall s  ratio")
    for number in range(times):
        workspace = WorkspaceId(f"ratio-{number}")

        def pipeline(workspace: WorkspaceId = workspace) -> None:
            ingest_docs(folder, workspace=workspace, organization_id="bench", objects=session.stores.objects)
            run_steps(session, workspace, embedder)

        pipeline_cpu, pipeline_wall = _clocked(pipeline)
        with session.stores.database.transaction(workspace) as tx:
            texts = [body for family in Family for body in live_texts(tx, version, family)]
        cpu, wall = _clocked(lambda texts=texts: embed_in_batches(embedder, texts, role=InputRole.SEARCH_DOCUMENT))
        ratios.append(pipeline_cpu / cpu)
        print(
            f"{len(texts):>5} {pipeline_cpu:>15.1f} {cpu:>15.1f} {pipeline_cpu / cpu:>6.3f} "
            f"{pipeline_wall:>16.1f} {wall:>16.1f} {pipeline_wall / wall:>6.3f}"
        )
    print(f"median ratio of processor time: {statistics.median(ratios):.3f}")


def _clocked(work: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


if __name__ == "__main__":
    main()
