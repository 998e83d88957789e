"""`neural-memory questions`: what a workspace's memory should answer, by which it is evaluated.

How the answers are judged is the part of `steps/evaluation/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_json, print_table
from neural_memory_pipelines.cli.question_files import read_questions
from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.domain.questions import Expected, ExpectedEvidence, ExpectedSource, Question
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.sources.registry import SOURCES
from neural_memory_pipelines.stores.postgres.questions import (
    answers_in,
    forget_questions,
    own_questions,
    put_questions,
)

app = typer.Typer(help="Questions with known answers, by which a memory is evaluated.", no_args_is_help=True)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose questions.")]
_Found = Mapping[Expected, Privacy]

_WARNINGS_SHOWN = 10


@app.command()
def add(
    question: Annotated[str, typer.Argument(help="In plain words, as a teammate would ask.")],
    workspace: _Workspace,
    *,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="A document that answers it: SOURCE:ID, such as github:acme/app#12. Repeat: each answers."),
    ] = None,
    evidence: Annotated[
        list[str] | None,
        typer.Option(help="An observation, chunk, summary or document, by its id. May be repeated."),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Such as smoke. May be repeated.")] = None,
    weight: Annotated[float, typer.Option(help="How much it counts among others; above 0.")] = 1.0,
    id_: Annotated[str | None, typer.Option("--id", help="Its name; else one made of its words.")] = None,
) -> None:
    """Add a question with its answers. One whose id is known is replaced."""
    name = workspace_id(workspace)
    added = _question(question, answer or [], evidence or [], tags=tag or [], weight=weight, name=id_)
    with ready_session() as session:
        built_version(session, name)
        new, _replaced = keep_questions(session, name, [added])
        found = _answers_of(session, name, [added])
    out.print(plain(f"question {added.id} of {name}: {'new' if new else 'replaced'}"), markup=False)
    _warn([added], found)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML, or JSON (*.json), such as samples/harbor/questions.yaml.")],
    workspace: _Workspace,
) -> None:
    """Keep the questions of a file. One whose id is known is replaced."""
    name = workspace_id(workspace)
    given = read_questions(file)
    with ready_session() as session:
        built_version(session, name)
        new, replaced = keep_questions(session, name, given)
        found = _answers_of(session, name, given)
    out.print(f"{len(given):,} questions of {name}: {new:,} new, {replaced:,} replaced")
    _warn(given, found)


@app.command("list")
def list_(workspace: _Workspace, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the questions of a workspace and what answers each; answers that are not in it are marked."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            questions = own_questions(tx)
        found = _answers_of(session, name, questions)
    if json:
        print_json([{**asdict(it), "missing": [asdict(each) for each in _missing(it, found)]} for it in questions])
    elif questions:
        print_table(f"questions of {name}", [_row(question, found) for question in questions])
    else:
        out.print("no questions: titles of documents stand in where the memory is evaluated")


@app.command()
def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of questions; `list` shows them.")],
    workspace: _Workspace,
) -> None:
    """Remove questions; evaluations that asked them stay as they are."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            removed = forget_questions(tx, ids)
            unknown = sorted(set(ids) - set(removed))
            if unknown:
                raise NotFoundError(f"workspace {name} has no question {', '.join(unknown)}: nothing was removed")
    out.print(f"{len(removed):,} questions of {name} were removed")


def keep_questions(session: Session, workspace: WorkspaceId, given: Sequence[Question]) -> tuple[int, int]:
    """Keep questions of a workspace.

    Returns:
        How many are new, and how many replaced one.
    """
    with session.stores.database.transaction(workspace) as tx:
        known = {question.id for question in own_questions(tx)}
        put_questions(tx, given)
    replaced = sum(question.id in known for question in given)
    return len(given) - replaced, replaced


def _question(
    text: str, answers: Sequence[str], evidence: Sequence[str], *, tags: Sequence[str], weight: float, name: str | None
) -> Question:
    said = " ".join(text.split())
    if not said:
        raise PermanentError("the question is empty")
    if not 0 < weight < float("inf"):
        raise PermanentError(f"--weight: expected a number above 0, not {weight:g}")
    expects: list[Expected] = [_read_answer(answer) for answer in answers]
    expects += [ExpectedEvidence(key.strip()) for key in evidence if key.strip()]
    if not expects:
        raise PermanentError("say what answers it: --answer SOURCE:ID or --evidence ID, as often as needed")
    return Question(
        id=(name or "").strip() or f"q_{hash_text(said)[:8]}",
        text=said,
        expects=tuple(dict.fromkeys(expects)),
        tags=tuple(dict.fromkeys(tags)),
        weight=weight,
    )


def _read_answer(spelled: str) -> ExpectedSource:
    source, _, source_id = (part.strip() for part in spelled.partition(":"))
    if source not in SOURCES or not source_id:
        raise PermanentError(
            f"--answer: expected SOURCE:ID with a source of {', '.join(sorted(SOURCES))}, not {spelled!r}"
        )
    return ExpectedSource(source, source_id)


def _answers_of(session: Session, workspace: WorkspaceId, questions: Sequence[Question]) -> _Found:
    with session.stores.database.transaction(workspace) as tx:
        return answers_in(tx, [expected for question in questions for expected in question.expects])


def _missing(question: Question, found: _Found) -> list[Expected]:
    return [expected for expected in question.expects if expected not in found]


def _warn(questions: Sequence[Question], found: _Found) -> None:
    faults = [(question, expected) for question in questions for expected in _missing(question, found)]
    for question, expected in faults[:_WARNINGS_SHOWN]:
        err.print(plain(f"note: {question.id}: {_spelled(expected)} is not in the workspace yet"), markup=False)
    if len(faults) > _WARNINGS_SHOWN:
        err.print(f"note: and {len(faults) - _WARNINGS_SHOWN:,} more: `neural-memory questions list` marks them")


def _row(question: Question, found: _Found) -> dict[str, str]:
    return {
        "id": question.id,
        "question": question.text,
        "answered by": "\n".join(_spelled(it) + _mark(it, found) for it in question.expects),
        "tags": ", ".join(question.tags),
        "weight": f"{question.weight:g}",
    }


def _mark(expected: Expected, found: _Found) -> str:
    if expected not in found:
        return "\n  not in the workspace"
    return "" if found[expected] is Privacy.ORG else "\n  private: never shown to evaluations"


def _spelled(expected: Expected) -> str:
    return f"{expected.source} {expected.source_id}" if isinstance(expected, ExpectedSource) else expected.evidence
