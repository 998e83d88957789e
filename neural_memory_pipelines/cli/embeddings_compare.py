"""`neural-memory embeddings compare`: two versions by the same questions, side by side.

How answers are measured is `steps/versions/quality.py`'s part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_choices import (
    AsJson,
    Chosen,
    VersionArgument,
    chosen_version,
    version_in,
)
from neural_memory_pipelines.cli.embeddings_outcomes import each_workspace, exit_if_refused, json_rows, print_refusals
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import out, print_json, print_table
from neural_memory_pipelines.domain.evaluation_compare import Change
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import KEPT_UP_TO_DATE
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions import quality
from neural_memory_pipelines.steps.versions.propose import known_standing
from neural_memory_pipelines.stores.postgres.lifecycles import standing

_WORSE_SHOWN = 20
_QUESTION_CHARS = 90
_MEASURES = {"recall_at_10": "recall@10", "ndcg_at_10": "nDCG@10"}


def compare(
    version: VersionArgument,
    with_: Annotated[
        str | None, typer.Option("--with", metavar="VERSION", help="The version to compare with; else the active one.")
    ] = None,
    workspace: Annotated[
        list[str] | None,
        typer.Option("--workspace", "-w", help="A workspace, or several; else all that know the version."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Ask a workspace's questions at two versions: recall@10, nDCG@10, and what is answered worse."""
    with ready_session() as session:
        chosen = chosen_version(session, version, workspace, everywhere=not workspace)
        outcomes = each_workspace(chosen.workspaces, lambda name: _compared(session, name, chosen, with_=with_))
    if json:
        print_json(json_rows(outcomes))
    else:
        for outcome in outcomes:
            if outcome.refusal is None:
                _print(outcome.workspace, outcome.row)
        print_refusals(outcomes)
    exit_if_refused(outcomes)


def _compared(session: Session, workspace: WorkspaceId, chosen: Chosen, *, with_: str | None) -> dict[str, Any]:
    active = session.active_version(workspace)
    other = version_in(session, workspace, with_) if with_ is not None else active
    if other.name == chosen.version.name:
        raise PermanentError(
            f"{other.name} is the active version: compare another one, or this one --with another"
            if with_ is None
            else f"{other.name} cannot be compared with itself"
        )
    for version in (chosen.version, other):
        _require_built(session, workspace, version)
    compared = quality.compare(workspace, chosen.version, other, stores=session.stores, load_embedder=session.embedder)
    new, old = asdict(compared.candidate), asdict(compared.served)
    return {
        "version": chosen.version.name,
        "with": other.name,
        "questions": compared.candidate.questions,
        "questions_are_own": compared.are_own,
        "measures": {
            name: {"version": new[name], "with": old[name], "difference": new[name] - old[name]} for name in _MEASURES
        },
        "worse": [_worse(change) for change in compared.worse],
    }


def _worse(change: Change) -> dict[str, Any]:
    return {
        "id": change.question_id,
        "question": change.question,
        "place": change.place,
        "place_before": change.place_before,
    }


def _require_built(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> None:
    with session.stores.database.transaction(workspace) as tx:
        known = known_standing(standing(tx, version.name), workspace, version)
    if known.status not in KEPT_UP_TO_DATE:
        raise PermanentError(f"embedding version {version.name} is {known.status}: there is nothing to ask; build it")


def _print(workspace: WorkspaceId, row: Mapping[str, Any]) -> None:
    kind = "own questions" if row["questions_are_own"] else "titles of documents, which stand in for questions"
    rows = [
        {
            "measure": label,
            row["version"]: f"{row['measures'][name]['version']:.3f}",
            f"with {row['with']}": f"{row['measures'][name]['with']:.3f}",
            "difference": f"{row['measures'][name]['difference']:+.3f}",
        }
        for name, label in _MEASURES.items()
    ]
    print_table(f"workspace {workspace}, by {row['questions']:,} {kind}", rows)
    worse = row["worse"]
    if not worse:
        out.print("no question is answered later")
        return
    print_table("answered later", [_shown(question) for question in worse[:_WORSE_SHOWN]])
    if len(worse) > _WORSE_SHOWN:
        out.print(f"and {len(worse) - _WORSE_SHOWN:,} more: see them with --json")


def _shown(question: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": question["id"],
        "question": clip(question["question"], _QUESTION_CHARS),
        "place": question["place"] or "none",
        "before": question["place_before"] or "none",
    }
