"""What becomes of real payloads and documents, as the tables of docs/real-input.md.

    python -m benchmarks.real_input FOLDER

FOLDER holds the corpora by their names (`tests/steps/real_corpora.py` knows them). Each goes through receive and
persist in a workspace of its own, on embedded stores in a temporary home, with the hashed embedder.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.settings import load_settings
from tests.steps.real_corpora import CORPORA, Account, account_for


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEURAL_MEMORY_HOME"] = f"{home}/home"
        os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = "hash/char-ngram-1536"
        try:
            with ready_session() as session:
                _print_tables(session, chosen.folder)
        finally:
            stack_of(load_settings()).reset()


def _print_tables(session: Session, folder: Path) -> None:
    totals = ["| corpus | events | documents | chunks | observations | cpu s |", "|---|---:|---:|---:|---:|---:|"]
    print("| corpus | source | outcome | reason | events |\n|---|---|---|---|---:|")
    for number, corpus in enumerate(CORPORA):
        started = time.process_time()
        account = account_for(corpus, folder, session, WorkspaceId(f"real-{number}"))
        seconds = time.process_time() - started
        _check(corpus.name, account)
        for (status, reason), count in sorted(account.outcomes.items()):
            print(f"| {corpus.name} | {corpus.source} | {status} | {reason} | {count} |")
        print(f"| | | **all** | | **{account.put}** |")
        totals.append(
            f"| {corpus.name} | {account.put} | {account.documents} | {account.chunks} | {account.observations} "
            f"| {seconds:.1f} |"
        )
    print("\n" + "\n".join(totals))


def _check(name: str, account: Account) -> None:
    counted = account.outcomes.total()
    if counted != account.put:
        raise SystemExit(f"{name}: {account.put} events went in, {counted} are accounted for")


if __name__ == "__main__":
    main()
