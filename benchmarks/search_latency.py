"""How long a search takes over about 20,000 chunks, asked by one reader and by several at once.

    python benchmarks/search_latency.py [--files 1020] [--docs FOLDER] [--model local/minilm-l6-v2]
        [--searches 200] [--readers 1 2 4 8] [--home FOLDER] [--workspace bench] [--json]

Runs on embedded stores, over a made corpus or a folder of documents. Questions are runs of words from the texts, and
paths of documents for those that name what they want. Readers are threads of one process, each of which asks again as
soon as it is answered; the stores and the readers share the machine's processors. Milliseconds are without the model's
own time. CPU is per search: of this process with the model, and of the stores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from corpus import write_corpus
from memories import MINILM, build_folder, stores_in
from sqlalchemy import text

from neural_memory_pipelines.domain.evaluation import percentile
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.retrieval.answers import Answer, Mode, SearchRequest
from neural_memory_pipelines.retrieval.search import search
from neural_memory_pipelines.stores.postgres.status import workspace_status

_SEED = 7
_QUESTION_WORDS = range(5, 15)
_WARM_UP = 20
_BY_NAME = "identifiers"


@dataclass(frozen=True, slots=True)
class Measured:
    """One series of searches: `stages_ms` are medians; `unexpected` counts empty answers and those of another mode."""

    asked_by: str
    readers: int
    p50_ms: float
    p95_ms: float
    searches_per_second: float
    client_cpu_ms: float
    server_cpu_ms: float
    stages_ms: dict[str, float]
    unexpected: int


def main() -> None:
    chosen = _options()
    workspace = WorkspaceId(chosen.workspace)
    with stores_in(chosen.home, model=chosen.model) as ready, tempfile.TemporaryDirectory() as folder:
        docs = chosen.docs
        if docs is None:
            docs = Path(folder) / "docs"
            write_corpus(docs, files=chosen.files)
        build_folder(ready, workspace, docs)
        session = Session(ready.settings, ready.endpoints)
        with session.stores.database.transaction(workspace) as tx:
            chunks = workspace_status(tx).chunks
        load_before = os.getloadavg()[0]
        series = _measure(session, workspace, searches=chosen.searches, readers=chosen.readers)
        session.close()
    if chosen.json:
        print(json.dumps([asdict(each) for each in series], indent=2))
        return
    print(f"{chunks:,} chunks, {chosen.model}, {os.cpu_count()} processors; load before: {load_before:.1f}")
    _print(series)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=1_020, help="of the made corpus; 20,000 chunks")
    options.add_argument("--docs", type=Path, help="documents to take in place of the made corpus")
    options.add_argument("--model", default=MINILM)
    options.add_argument("--searches", type=int, default=200)
    options.add_argument("--readers", type=int, nargs="+", default=[1, 2, 4, 8])
    options.add_argument("--home", type=Path, help="keep the stores here")
    options.add_argument("--workspace", default="bench", help="asked as it is, if it is there already")
    options.add_argument("--json", action="store_true")
    return options.parse_args()


def _measure(session: Session, workspace: WorkspaceId, *, searches: int, readers: Sequence[int]) -> list[Measured]:
    asked = {
        str(Mode.HYBRID): _questions(session, workspace, count=searches),
        _BY_NAME: _names(session, workspace, count=searches),
    }
    for questions in asked.values():
        _Series(session, workspace).run(questions[:_WARM_UP], readers=max(readers))
    return [
        _Series(session, workspace).measure(mode, questions, readers=count)
        for mode, questions in asked.items()
        for count in readers
    ]


def _questions(session: Session, workspace: WorkspaceId, *, count: int) -> list[str]:
    """Take runs of 5 to 14 words from chunks that are chosen by chance."""
    chance = random.Random(_SEED)
    with session.stores.database.transaction(workspace) as tx:
        live = "SELECT text FROM knowledge_chunks WHERE superseded_at IS NULL ORDER BY chunk_id"
        texts = list(tx.connection.scalars(text(live)))
    questions = []
    for body in chance.choices(texts, k=count):
        words = body.split()
        length = chance.choice(_QUESTION_WORDS)
        start = chance.randrange(max(1, len(words) - length))
        questions.append(" ".join(words[start : start + length]))
    return questions


def _names(session: Session, workspace: WorkspaceId, *, count: int) -> list[str]:
    """Take paths of documents that are chosen by chance."""
    with session.stores.database.transaction(workspace) as tx:
        live = "SELECT source_id FROM knowledge_documents WHERE deleted_at IS NULL ORDER BY source_id"
        paths = [source_id.partition("/")[2] for source_id in tx.connection.scalars(text(live))]
    return random.Random(_SEED).choices(paths, k=count)


class _Series:
    """Asks questions by several readers at once."""

    def __init__(self, session: Session, workspace: WorkspaceId) -> None:
        self._session = session
        self._workspace = workspace
        self._version = session.active_version(workspace)
        self._embedder = session.embedder(self._version)

    def run(self, questions: Sequence[str], *, readers: int) -> list[Answer]:
        """Ask all questions, each once."""
        with ThreadPoolExecutor(max_workers=readers, thread_name_prefix="reader") as pool:
            return list(pool.map(self._search, questions))

    def measure(self, mode: str, questions: Sequence[str], *, readers: int) -> Measured:
        """Ask all questions with the clocks running."""
        started, client, servers = time.perf_counter(), time.process_time(), self._server_seconds()
        answers = self.run(questions, readers=readers)
        seconds = time.perf_counter() - started
        client, servers = time.process_time() - client, self._server_seconds() - servers
        latencies_ms = [answer.latency_ms["total"] - answer.latency_ms.get("model", 0.0) for answer in answers]
        return Measured(
            asked_by=mode,
            readers=readers,
            p50_ms=percentile(latencies_ms, 50),
            p95_ms=percentile(latencies_ms, 95),
            searches_per_second=len(answers) / seconds,
            client_cpu_ms=client / len(answers) * 1_000,
            server_cpu_ms=servers / len(answers) * 1_000,
            stages_ms=_medians([answer.latency_ms for answer in answers]),
            unexpected=sum(answer.mode != mode or not answer.hits for answer in answers),
        )

    def _search(self, question: str) -> Answer:
        return search(
            SearchRequest(question, reads_filters=False),
            workspace=self._workspace,
            stores=self._session.stores,
            version=self._version,
            embedder=self._embedder,
        )

    def _server_seconds(self) -> float:
        """Add up the processor time of the stores, of those of their processes that are gone too."""
        total = 0.0
        for service in stack_of(self._session.settings).services():
            if service.pid:
                server = psutil.Process(service.pid)
                gone = server.cpu_times()
                total += gone.children_user + gone.children_system
                for process in (server, *server.children(recursive=True)):
                    with contextlib.suppress(psutil.NoSuchProcess):  # it ended just now: the next look counts it
                        times = process.cpu_times()
                        total += times.user + times.system
        return total


def _medians(latencies_ms: Sequence[Mapping[str, float]]) -> dict[str, float]:
    by_stage: dict[str, list[float]] = defaultdict(list)
    for stages in latencies_ms:
        for stage, spent_ms in stages.items():
            by_stage[stage].append(spent_ms)
    return {stage: percentile(spent_ms, 50) for stage, spent_ms in by_stage.items()}


def _print(series: Sequence[Measured]) -> None:
    print("\n| asked by | readers | p50 ms | p95 ms | searches/s | client CPU ms | stores CPU ms | unexpected |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for each in series:
        print(
            f"| {each.asked_by} | {each.readers} | {each.p50_ms:.0f} | {each.p95_ms:.0f} "
            f"| {each.searches_per_second:.1f} | {each.client_cpu_ms:.1f} | {each.server_cpu_ms:.1f} "
            f"| {each.unexpected} |"
        )
    for mode in dict.fromkeys(each.asked_by for each in series):
        of_mode = [each for each in series if each.asked_by == mode]
        stages = list(dict.fromkeys(stage for each in of_mode for stage in each.stages_ms))
        print(f"\n| {mode}, median ms | " + " | ".join(stages) + " |\n|---|" + "---:|" * len(stages))
        for each in of_mode:
            spent = " | ".join(f"{each.stages_ms.get(stage, 0.0):.1f}" for stage in stages)
            print(f"| {each.readers} readers | {spent} |")


if __name__ == "__main__":
    main()
