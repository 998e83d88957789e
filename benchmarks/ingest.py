"""CPU-seconds and peak memory of ingesting a folder of markdown: the steps alone, and through Dagster.

    python benchmarks/ingest.py [--files 2000] [--through steps|dagster] [--model hash/char-ngram-1536]

Runs on embedded stores in a temporary home. Three rounds: all new, all unchanged, 1 % of the files edited. Client
is this process; servers are PostgreSQL and Valkey. Seconds are of the processor, which a busy machine stretches less
than the clock.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from corpus import edit_share, write_corpus

from neural_memory_pipelines.cli.building import build_all
from neural_memory_pipelines.cli.opening import Ready, ready_stores
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.models.embedders.protocol import Embedder, InputRole, Vectors
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.prime import prime_cache
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.status import workspace_status

WORKSPACE = WorkspaceId("bench")


@dataclass(frozen=True)
class Measured:
    """One round. Seconds are of the processor; `embedder` is the part that embedding took."""

    round: str
    client_s: float
    embedder_s: float
    servers_s: float
    wall_s: float
    peak_mb_above_start: float
    chunks: int
    embedded: int


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=2_000)
    options.add_argument("--through", choices=("steps", "dagster"), default="steps")
    options.add_argument("--model", default="hash/char-ngram-1536")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURAL_MEMORY_HOME"] = f"{folder}/home"
        os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = chosen.model
        try:
            rounds = _measure(Path(folder) / "docs", files=chosen.files, through=chosen.through)
        finally:
            _stop()
    if chosen.json:
        print(json.dumps([vars(each) for each in rounds]))
        return
    print(f"{chosen.files} files through {chosen.through}, {chosen.model}")
    print("round       client s  embedder s  servers s  wall s  peak MB  chunks  embedded")
    for each in rounds:
        print(
            f"{each.round:<10} {each.client_s:>9.2f} {each.embedder_s:>11.2f} {each.servers_s:>10.2f} "
            f"{each.wall_s:>7.1f} {each.peak_mb_above_start:>8.0f} {each.chunks:>7} {each.embedded:>9}"
        )


def _measure(docs: Path, *, files: int, through: str) -> list[Measured]:
    write_corpus(docs, files=files)
    ready = ready_stores()
    session = Session(ready.settings, ready.endpoints)
    version = session.new_workspace_version
    embedder = TimedEmbedder(session.embedder(version))
    embedder.inner.embed(["warm up"], role=InputRole.SEARCH_DOCUMENT)
    run = _steps(session, embedder) if through == "steps" else _dagster(ready, embedder)
    _ingest(session, docs.parent / "nothing")
    rounds = []
    for name in ("new", "unchanged", "1% edited"):
        if name == "1% edited":
            edit_share(docs, share=0.01)
        rounds.append(_round(name, session, embedder, lambda: (_ingest(session, docs), run())))
    session.close()
    return rounds


class TimedEmbedder:
    """An embedder that adds up the processor time that it takes."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.seconds = 0.0
        self.texts = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def embed(self, texts: Sequence[str], *, role: InputRole) -> Vectors:
        """Embed, with the clock running."""
        started = time.thread_time()
        try:
            return self.inner.embed(texts, role=role)
        finally:
            self.seconds += time.thread_time() - started
            self.texts += len(texts)


def _round(name: str, session: Session, embedder: TimedEmbedder, work: Callable[[], object]) -> Measured:
    gc.collect()
    embedded, embedder_s = embedder.texts, embedder.seconds
    peak, servers, wall, client = Peak(), _server_seconds(session), time.perf_counter(), time.process_time()
    work()
    client_s = time.process_time() - client
    with session.stores.database.transaction(WORKSPACE) as tx:
        chunks = workspace_status(tx).chunks
    return Measured(
        round=name,
        client_s=client_s,
        embedder_s=embedder.seconds - embedder_s,
        servers_s=_server_seconds(session) - servers,
        wall_s=time.perf_counter() - wall,
        peak_mb_above_start=peak.above_start_mb(),
        chunks=chunks,
        embedded=embedder.texts - embedded,
    )


class Peak:
    """The most resident memory of this process since it was made."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self.start_mb = psutil.Process().memory_info().rss / 2**20

    def above_start_mb(self) -> float:
        """Read it, in MiB above what was resident then."""
        lines = Path("/proc/self/status").read_text().splitlines()
        peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        return peak_kb / 1024 - self.start_mb


def _steps(session: Session, embedder: TimedEmbedder) -> Callable[[], None]:
    def run() -> None:
        by_step = run_steps(session, WORKSPACE, embedder)
        if os.environ.get("BY_STEP"):
            print({name: round(seconds, 2) for name, seconds in by_step.items()})

    return run


def run_steps(session: Session, workspace: WorkspaceId, embedder: Embedder | TimedEmbedder) -> dict[str, float]:
    """Run every step on a workspace, in order.

    Returns:
        The processor time of this process by step, in seconds.
    """
    stores, new = session.stores, session.new_workspace_version
    by_step: dict[str, float] = {}

    def clocked(name: str, step: Callable[..., object], *arguments: object, **named: object) -> None:
        started = time.process_time()
        step(*arguments, **named)
        by_step[name] = by_step.get(name, 0) + time.process_time() - started

    clocked("receive", receive_events, workspace, stores=stores, new_workspace_version=new, organization_id="bench")
    version = session.active_version(workspace)
    clocked("persist", persist_pending, workspace, stores=stores, version=version, load_embedder=lambda: embedder)
    scopes = [Scope(workspace, version, family, stores) for family in Family]
    for scope in scopes:
        clocked("embed", embed_pending, scope, load_embedder=lambda: embedder)
    for scope in scopes:
        clocked("index", reconcile_index, scope)
    clocked("cache", prime_cache, workspace, stores=stores)
    return by_step


def _dagster(ready: Ready, embedder: TimedEmbedder) -> Callable[[], None]:

    Session.embedder = lambda _session, _version: embedder

    def run() -> None:
        results = build_all(ready, WORKSPACE)
        assert all(result.succeeded for result in results), results

    return run


def _ingest(session: Session, docs: Path) -> None:

    docs.mkdir(exist_ok=True)
    ingest_docs(docs, workspace=WORKSPACE, organization_id="bench", objects=session.stores.objects, store="bench")


def _server_seconds(session: Session) -> float:

    total = 0.0
    for service in stack_of(session.settings).services():
        if service.pid:
            server = psutil.Process(service.pid)
            for process in (server, *server.children(recursive=True)):
                times = process.cpu_times()
                total += times.user + times.system
            times = server.cpu_times()
            total += times.children_user + times.children_system
    return total


def _stop() -> None:

    stack_of(load_settings()).reset()


if __name__ == "__main__":
    main()
