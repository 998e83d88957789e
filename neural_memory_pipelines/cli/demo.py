"""`neural-memory demo`: the sample workspace, from its events to answers. What `make run` runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from neural_memory_pipelines.cli.answers import ask, print_answer
from neural_memory_pipelines.cli.build_result import BuildResult, print_build
from neural_memory_pipelines.cli.building import build_all, consolidate_at_all_versions, evaluate_what_waits
from neural_memory_pipelines.cli.opening import opened, project_root, ready_stores
from neural_memory_pipelines.cli.output import out, plain, print_table
from neural_memory_pipelines.cli.person_files import read_persons
from neural_memory_pipelines.cli.question_files import read_questions
from neural_memory_pipelines.cli.questions import keep_questions
from neural_memory_pipelines.cli.topics import print_topics, read_topics
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Question
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import SearchRequest
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.steps.known_persons import join_known_persons
from neural_memory_pipelines.stores.postgres.status import workspace_status

_WORKSPACE = WorkspaceId("harbor")
_ORGANIZATION = "harbor-labs"
_QUESTIONS_ASKED = 3
_HITS_SHOWN = 3
_TOPICS_SHOWN = 10

_NEXT = """
Next:
  neural-memory up                                      the Dagster UI, with sensors and schedules on
  neural-memory search "who owns the receiver?" --workspace harbor
  neural-memory summary ID --workspace harbor           what a topic comes down to, with its evidence; ID from above
  neural-memory profile --workspace harbor              what each person, repository and component has to do with
  neural-memory ingest docs PATH --workspace mine       your own markdown, then: neural-memory build
  neural-memory status                                  what each workspace holds
  neural-memory evaluate --workspace harbor             ask the questions again, and compare with last time
  neural-memory embeddings list                         its embedding versions; propose another, build it, promote it
  neural-memory down                                    stop the embedded stores

(The command is in .venv/bin: `source .venv/bin/activate` puts it on your path.)"""


def demo(
    samples: Annotated[Path | None, typer.Option(help="The sample workspace; else samples/harbor.")] = None,
) -> None:
    """Build the sample workspace, ask it three questions and show its topics."""
    started = time.perf_counter()
    folder = samples or project_root() / "samples" / "harbor"
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no sample workspace there")
    out.print("starting the stores ...")
    ready = ready_stores()
    with opened(ready) as session:
        _ingest(folder, session)
        out.print("materializing the graph ...")
        results = build_all(ready, _WORKSPACE)
        _require_success(results)
        _join_persons(folder / "persons.yaml", session)
        out.print("consolidating: topics, summaries, profiles ...")
        results.append(consolidate_at_all_versions(ready, session, _WORKSPACE))
        _require_success(results[-1:])
        _print_memory(session, seconds=time.perf_counter() - started)
        questions = read_questions(folder / "questions.yaml")
        keep_questions(session, _WORKSPACE, questions)
        out.print(f"asking {len(questions)} questions whose answers are known, where anything is new ...")
        _require_success([evaluate_what_waits(ready, session, _WORKSPACE)])
        _answer(session, questions[:_QUESTIONS_ASKED])
        out.print()
        print_topics(read_topics(session, _WORKSPACE, limit=_TOPICS_SHOWN))
    _conclude(results)


def _ingest(folder: Path, session: Session) -> None:
    objects = session.stores.objects
    docs = ingest_docs(folder / "docs", workspace=_WORKSPACE, organization_id=_ORGANIZATION, objects=objects)
    put = {
        file.stem: ingest_events(file, workspace=_WORKSPACE, organization_id=_ORGANIZATION, objects=objects).put
        for file in sorted(folder.glob("*.jsonl"))
    }
    events = ", ".join(f"{count} of {source}" for source, count in put.items())
    out.print(f"ingested {docs.put} changed documents ({docs.unchanged} unchanged) and events: {events}")


def _join_persons(file: Path, session: Session) -> None:
    """Decide which accounts are one person, so that profiles are those of people. Samples may come without a file."""
    if not file.is_file():
        return
    told = read_persons(file)
    report = join_known_persons(
        _WORKSPACE, told.known(), decided_by=told.decided_by, reason=told.reason, stores=session.stores
    )
    for note in report.notes:
        out.print(f"note: {note}", markup=False)
    joined = f"{report.written} accounts were joined" if report.written else "unchanged"
    out.print(f"persons whose accounts are known: {report.seen}; {joined}")


def _require_success(results: Sequence[BuildResult]) -> None:
    for result in results:
        print_build(result)
    if not all(result.succeeded for result in results):
        raise typer.Exit(1)


def _print_memory(session: Session, *, seconds: float) -> None:
    with session.stores.database.transaction(_WORKSPACE) as tx:
        held = workspace_status(tx)
    rows = [("documents", held.documents), ("chunks", held.chunks), ("observations", held.observations)]
    rows += [("relationships", held.relationships), ("persons", held.persons)]
    rows += [(f"vectors of {v.family}", v.vectors) for v in held.vectors]
    print_table(f"The memory of {_WORKSPACE!r}, after {seconds:.1f} s", [{"what": k, "count": v} for k, v in rows])


def _answer(session: Session, questions: Sequence[Question]) -> None:
    for question in questions:
        out.print(f"\n[bold magenta]{escape(plain(question.text))}[/bold magenta]")
        print_answer(ask(session, SearchRequest(question.text, limit=_HITS_SHOWN), _WORKSPACE))


def _conclude(results: list[BuildResult]) -> None:
    written = sum(row["written"] + row["deleted"] for result in results for row in result.assets)
    if not written:
        out.print("\nEverything was unchanged: nothing was embedded, nothing was written.")
    out.print(_NEXT, markup=False)
