"""Events per CPU-second by source: parsing alone, and through receive and persist; medians, side by side in one run.

    python -m benchmarks.sources FOLDER [--times 3]

FOLDER holds the corpora of `benchmarks/real_input.py`; the sample workspace stands beside this folder. A corpus of few
events is persisted into several empty workspaces, one after the other. Seconds are of this process; the hashed
embedder counts the tokens of chunks, and nothing is embedded.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.sources.envelope import decode_envelope, encode_envelope
from neural_memory_pipelines.sources.registry import source_named
from neural_memory_pipelines.steps.inbox import inbox_prefix, put_lines, split_lines
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from tests.steps.real_corpora import CORPORA, Corpus, Put

SAMPLE = Path(__file__).parents[1] / "samples" / "harbor"
LEAST_EVENTS = 500


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--times", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEURAL_MEMORY_HOME"] = f"{home}/home"
        os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = "hash/char-ngram-1536"
        try:
            with ready_session() as session:
                _measure(session, chosen.folder, times=chosen.times)
        finally:
            stack_of(load_settings()).reset()


def _measure(session: Session, folder: Path, *, times: int) -> None:
    corpora = [*CORPORA, *(_sample(name) for name in ("github", "linear", "notion", "slack")), _sample_docs()]
    lines = {corpus: _lines(session, folder, corpus) for corpus in corpora}
    speeds: dict[Corpus, list[tuple[float, float]]] = {corpus: [] for corpus in corpora}
    for number in range(times):
        for corpus in corpora:
            speeds[corpus].append((_parsed(lines[corpus]), _persisted(session, corpus, lines[corpus], number=number)))
    print("| corpus | source | events | KB an event | parsed a CPU-second | received and persisted a CPU-second |")
    print("|---|---|---:|---:|---:|---:|")
    for corpus in corpora:
        parsed, persisted = (statistics.median(column) for column in zip(*speeds[corpus], strict=True))
        kilobytes = sum(map(len, lines[corpus])) / len(lines[corpus]) / 1024
        print(
            f"| {corpus.name} | {corpus.source} | {len(lines[corpus])} | {kilobytes:.1f} | {_rounded(parsed)} "
            f"| {_rounded(persisted)} |"
        )


def _sample(source: str) -> Corpus:
    def put(_folder: Path, session: Session, workspace: WorkspaceId) -> Put:
        data = (SAMPLE / f"{source}.jsonl").read_bytes()
        return Put(put_lines(session.stores.objects, workspace, data.splitlines()))

    return Corpus("sample workspace", source, put)


def _sample_docs() -> Corpus:
    def put(_folder: Path, session: Session, workspace: WorkspaceId) -> Put:
        report = ingest_docs(SAMPLE / "docs", workspace=workspace, organization_id="b", objects=session.stores.objects)
        return Put(report.put)

    return Corpus("sample workspace", "docs", put)


def _lines(session: Session, folder: Path, corpus: Corpus) -> list[bytes]:
    """Read the envelopes of a corpus, out of an inbox that is emptied."""
    workspace = WorkspaceId("lines")
    corpus.put(folder, session, workspace)
    found: list[bytes] = []
    for info in list(session.stores.objects.list(inbox_prefix(workspace))):
        found += split_lines(info.key, session.stores.objects.get(info.key))
        session.stores.objects.delete(info.key)
    for info in list(session.stores.objects.list(f"workspaces/{workspace}/")):
        session.stores.objects.delete(info.key)  # the manifest of a folder
    return found


def _rounds(count: int) -> int:
    return -(-LEAST_EVENTS // count)


def _parsed(lines: Sequence[bytes]) -> float:
    """Parse until there were enough events; give events a second."""
    events = [decode_envelope(line) for line in lines]
    rounds = _rounds(len(events))
    seconds = _clocked(lambda: [_parse(event) for _ in range(rounds) for event in events])
    return rounds * len(events) / seconds


def _parse(event: SourceEvent) -> object:
    try:
        return source_named(event.source).parse(event)
    except InvalidEventError as error:
        return error


def _persisted(session: Session, corpus: Corpus, lines: Sequence[bytes], *, number: int) -> float:
    """Receive and persist until there were enough events, each time into an empty workspace; give events a second."""
    version, stores, seconds = session.new_workspace_version, session.stores, 0.0
    embedder = session.embedder(version)
    for copy in range(_rounds(len(lines))):
        workspace = WorkspaceId(f"{corpus.source}-{corpus.name.replace(' ', '-')}-{number}-{copy}")
        moved = [_moved(line, workspace) for line in lines]
        put_lines(stores.objects, workspace, moved)
        seconds += _clocked(
            lambda workspace=workspace: (
                receive_events(workspace, stores=stores, new_workspace_version=version, organization_id="b"),
                persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: embedder),
            )
        )
    return _rounds(len(lines)) * len(lines) / seconds


def _moved(line: bytes, workspace: WorkspaceId) -> bytes:
    return encode_envelope(replace(decode_envelope(line), workspace_id=workspace))


def _clocked(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def _rounded(value: float) -> str:
    """Round to two digits that mean something."""
    return f"{float(f'{value:.2g}'):,.0f}"


if __name__ == "__main__":
    main()
