"""`neural-memory questions`: what a workspace's memory should answer, by which embedding versions are judged.

How the answers are judged is `steps/versions/quality.py`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import out, print_json, print_table
from neural_memory_pipelines.cli.question_files import read_questions
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Question
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.stores.postgres.questions import own_questions, put_questions

app = typer.Typer(help="Questions with known answers, by which embedding versions are judged.", no_args_is_help=True)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose questions.")]


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
    out.print(f"{len(given):,} questions of {name}: {new:,} new, {replaced:,} replaced")


@app.command("list")
def list_(workspace: _Workspace, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the questions of a workspace, and the documents of which each answers them."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            questions = own_questions(tx)
    if json:
        print_json([asdict(question) for question in questions])
    elif questions:
        print_table(f"questions of {name}", [_row(question) for question in questions])
    else:
        out.print("no questions: titles of documents stand in where embedding versions are judged")


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


def _row(question: Question) -> dict[str, str]:
    return {
        "id": question.id,
        "question": question.text,
        "answered by": "\n".join(f"{it.source} {it.source_id}" for it in question.expects),
        "tags": ", ".join(question.tags),
        "weight": f"{question.weight:g}",
    }
