"""What changing the embedding model costs, and what readers notice of it.

    python benchmarks/migration.py [--files 100] [--large-files 2250]

Runs on embedded stores in a temporary home. First the throughput of a build, by model, against the model alone on the
same texts. Then two migrations, of the small workspace from 384 to 1536 dimensions, and of a large one to an index for
each store (its vectors are taken over): while a reader in another process searches without a pause, the new version is
built, judged, promoted, rolled back, promoted again, and the old one archived.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, pairwise
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from corpus import write_corpus

from neural_memory_pipelines.cli.answers import ask
from neural_memory_pipelines.cli.opening import ready_stores
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session, open_session, stack_of
from neural_memory_pipelines.models.embedders.batches import embed_in_batches
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.retrieval.answers import SearchRequest
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.archive import archive
from neural_memory_pipelines.steps.versions.gate import Judged, judge
from neural_memory_pipelines.steps.versions.promote import Decision, promote, rollback
from neural_memory_pipelines.steps.versions.propose import begin_build, propose_version
from neural_memory_pipelines.stores.postgres.families import family_counts, live_texts

MINILM = "local/minilm-l6-v2"
HASHED = "hash/char-ngram-1536"
SMALL = WorkspaceId("small")
LARGE = WorkspaceId("large")
SAID = Decision("benchmark", "to see how long it takes")
_SPAWN = multiprocessing.get_context("spawn")
_SWITCHES = 5


@dataclass
class Migration:
    """Seconds of the steps of one migration, and what its reader saw."""

    seconds: dict[str, float] = field(default_factory=dict)
    promotions: list[float] = field(default_factory=list)
    rollbacks: list[float] = field(default_factory=list)
    answers: int = 0
    failed: int = 0
    empty: int = 0
    search_seconds: list[float] = field(default_factory=list)
    longest_gap_seconds: float = 0.0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note the seconds of a block."""
        started = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=100)
    options.add_argument("--large-files", type=int, default=2_250)
    chosen = options.parse_args()
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURAL_MEMORY_HOME"] = f"{folder}/home"
        ready_stores()
        try:
            _small(Path(folder) / "small", files=chosen.files)
            _large(Path(folder) / "large", files=chosen.large_files)
        finally:
            stack_of(load_settings()).reset()
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


def _small(docs: Path, *, files: int) -> None:
    session = _session(MINILM)
    _persist(session, SMALL, docs, files=files)
    served = session.active_version(SMALL)
    texts = _texts(session, SMALL, served)
    print(f"\n{len(texts)} texts; ratios are of the build's throughput to that of the model alone")
    print("model                    build texts/s  alone texts/s  ratio wall  ratio cpu  and index texts/s")
    _print_throughput(session, served, texts)
    hashed = session.successor(SMALL, model=HASHED)
    _propose(session, SMALL, hashed)
    _print_throughput(session, hashed, texts)
    archive(SMALL, hashed, stores=session.stores, decided_by="benchmark", reason="again", drop_vectors=True)
    _print_migration(f"{len(texts)} texts, {MINILM} to {HASHED}", _migrate(session, SMALL, hashed))
    session.close()


def _large(docs: Path, *, files: int) -> None:
    session = _session(HASHED)
    _persist(session, LARGE, docs, files=files)
    served = session.active_version(LARGE)
    _embed(session, LARGE, served)
    _index(session, LARGE, served)
    with session.stores.database.transaction(LARGE) as tx:
        chunks = family_counts(tx, served, Family.CHUNKS).live_vectors
    spread = session.successor(LARGE, model=HASHED, topology="store")
    _print_migration(f"{chunks} chunks, {HASHED}, shared index to one of its own", _migrate(session, LARGE, spread))
    session.close()


def _session(model: str) -> Session:
    os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = model
    return open_session(load_settings())


def _persist(session: Session, workspace: WorkspaceId, docs: Path, *, files: int) -> None:
    write_corpus(docs, files=files)
    stores = session.stores
    ingest_docs(docs, workspace=workspace, organization_id="bench", objects=stores.objects)
    receive_events(
        workspace, stores=stores, new_workspace_version=session.new_workspace_version, organization_id="bench"
    )
    version = session.active_version(workspace)
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.tokenizer(version))


def _texts(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> list[str]:
    with session.stores.database.transaction(workspace) as tx:
        return [body for family in Family for body in live_texts(tx, version, family)]


def _propose(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> None:
    propose_version(workspace, version, stores=session.stores, decided_by=SAID.decided_by, reason=SAID.reason)
    begin_build(workspace, version, stores=session.stores)


def _embed(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> None:
    for family in Family:
        scope = Scope(workspace, version, family, session.stores)
        embed_pending(scope, load_embedder=lambda: session.embedder(version))


def _index(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> None:
    for family in Family:
        reconcile_index(Scope(workspace, version, family, session.stores))


def _print_throughput(session: Session, version: EmbeddingVersion, texts: list[str]) -> None:
    embedder = session.embedder(version)
    embedder.embed(["warm up"], role=InputRole.SEARCH_DOCUMENT)
    # Half of the texts alone before, half after: both share the machine's mood.
    halves = [texts[::2], texts[1::2]]
    alone = [_clocked(lambda: embed_in_batches(embedder, halves[0], role=InputRole.SEARCH_DOCUMENT))]
    built, built_cpu = _clocked(lambda: _embed(session, SMALL, version))
    alone += [_clocked(lambda: embed_in_batches(embedder, halves[1], role=InputRole.SEARCH_DOCUMENT))]
    by_itself, by_itself_cpu = (sum(seconds) for seconds in zip(*alone, strict=True))
    indexed = built + _clocked(lambda: _index(session, SMALL, version))[0]
    build, itself, whole = (len(texts) / seconds for seconds in (built, by_itself, indexed))
    print(
        f"{version.model:<24} {build:>13.1f} {itself:>14.1f} {by_itself / built:>11.3f} "
        f"{by_itself_cpu / built_cpu:>10.3f} {whole:>17.1f}"
    )


def _clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Give the seconds of the clock, and those of the processor in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _seconds(work: Callable[[], object]) -> float:
    return _clocked(work)[0]


def _migrate(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> Migration:
    told = Migration()
    served = session.active_version(workspace)
    with _reading(workspace, session.settings.embedding_model, told):
        _propose(session, workspace, version)
        with told.timed("embed"):
            _embed(session, workspace, version)
        with told.timed("index"):
            _index(session, workspace, version)
        with told.timed("gate"):
            found = judge(Judged(workspace, version, served, session.stores, session.embedder))
        for finding in found:
            print(f"  {'passed' if finding.passed else 'FAILED'}: {finding.sentence[:200]}")
        _switch(session, workspace, version, told)
        with told.timed("archive"):
            archive(workspace, served, stores=session.stores, decided_by=SAID.decided_by, reason=SAID.reason)
        time.sleep(2)  # the reader goes on for a while
    return told


def _switch(session: Session, workspace: WorkspaceId, version: EmbeddingVersion, told: Migration) -> None:
    for number in range(_SWITCHES):
        told.promotions.append(_seconds(lambda: promote(workspace, version, stores=session.stores, decision=SAID)))
        time.sleep(0.5)
        if number < _SWITCHES - 1:
            told.rollbacks.append(_seconds(lambda: rollback(workspace, stores=session.stores, decision=SAID)))
            time.sleep(0.5)


@contextmanager
def _reading(workspace: WorkspaceId, model: str, told: Migration) -> Iterator[None]:
    stop, began = _SPAWN.Event(), _SPAWN.Event()
    receiver, sender = _SPAWN.Pipe(duplex=False)
    reader = _SPAWN.Process(target=_read, args=(workspace, model, began, stop, sender))
    reader.start()
    began.wait(120)
    yield
    stop.set()
    moments, told.search_seconds, told.failed, told.empty = receiver.recv()
    reader.join()
    told.answers = len(moments)
    told.longest_gap_seconds = max(later - earlier for earlier, later in pairwise(moments))


def _read(workspace: WorkspaceId, model: str, began: Event, stop: Event, sender: Any) -> None:
    """Search without a pause, as the command does; times of the answers are sent at the end."""
    session = _session(model)
    version = session.active_version(workspace)
    questions = [text[:80] for text in _texts(session, workspace, version)[:50]]
    moments: list[float] = []
    searches: list[float] = []
    failed = empty = 0
    for question in cycle(questions):
        if stop.is_set():
            break
        started = time.perf_counter()
        try:
            empty += not ask(session, SearchRequest(question, reads_filters=False), workspace).hits
        except Exception as error:  # noqa: BLE001 - whatever it is, a search failed
            failed += 1
            print(f"  a search failed: {error!r}")
        moments.append(time.perf_counter())
        searches.append(moments[-1] - started)
        began.set()
    sender.send((moments, searches, failed, empty))


def _print_migration(title: str, told: Migration) -> None:
    steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in told.seconds.items())
    quantiles = statistics.quantiles(told.search_seconds, n=100)
    print(f"\n{title}\n  {steps}")
    print(f"  promote {_spread_ms(told.promotions)}; rollback {_spread_ms(told.rollbacks)}")
    print(
        f"  reader: {told.answers} answers, {told.failed} failed, {told.empty} empty; "
        f"longest gap {told.longest_gap_seconds * 1000:.0f} ms; "
        f"search p50 {quantiles[49] * 1000:.1f} ms, p99 {quantiles[98] * 1000:.1f} ms"
    )


def _spread_ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms (most {max(seconds) * 1000:.0f} ms, {len(seconds)} times)"


if __name__ == "__main__":
    main()
