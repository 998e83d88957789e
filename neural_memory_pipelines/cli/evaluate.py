"""`neural-memory evaluate`: asks a memory its questions now, and says what got worse.

How it is asked and judged is the part of `steps/evaluation/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_choices import AsJson, Workspaces, chosen_workspaces, version_in
from neural_memory_pipelines.cli.embeddings_outcomes import each_workspace, exit_if_refused, json_rows, print_refusals
from neural_memory_pipelines.cli.evaluation_pages import print_evaluation, spell_evaluation
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import print_json, progress_bars
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.evaluation.ask import Respondent
from neural_memory_pipelines.steps.evaluation.run import Evaluated, Order, new_run_id, run_suite

_REGRESSION = 1


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to ask: the suite, at which version (None: the active one), and beside which (None: the accepted run)."""

    suite: Suite
    version: str | None
    beside: str | None


def evaluate(
    workspace: Workspaces = None,
    suite: Annotated[
        Suite, typer.Option(help="Which questions: all, but smoke asks a few. Runs are compared within a suite.")
    ] = Suite.NIGHTLY,
    embedding_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="At which version; else the active one.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Ask at this version too, and compare with that.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Ask the workspaces' questions, all of them if none is named. Exits 1 if answers got worse than is allowed."""
    wish = _Wish(suite, embedding_version, compare)
    done: dict[WorkspaceId, Evaluated] = {}
    with ready_session() as session:

        def act(name: WorkspaceId) -> dict[str, Any]:
            done[name] = _evaluated(session, name, wish)
            return spell_evaluation(name, done[name])

        outcomes = each_workspace(chosen_workspaces(session, workspace, everywhere=not workspace), act)
    if json:
        print_json(json_rows(outcomes))
    else:
        for name, evaluated in done.items():
            print_evaluation(name, evaluated, beside=_called(evaluated, wish))
        print_refusals(outcomes)
    exit_if_refused(outcomes)
    if not all(evaluated.passed for evaluated in done.values()):
        raise typer.Exit(_REGRESSION)


def _evaluated(session: Session, workspace: WorkspaceId, wish: _Wish) -> Evaluated:
    served = session.active_version(workspace)
    version = version_in(session, workspace, wish.version) if wish.version is not None else served
    if wish.beside is None:
        return _run(session, workspace, version, wish.suite)
    other = version_in(session, workspace, wish.beside)
    if other == version:
        raise PermanentError(f"--compare: {other.name} cannot be compared with itself; say another version")
    beside = _run(session, workspace, other, wish.suite)
    assert beside.run is not None
    return _run(session, workspace, version, wish.suite, against=beside.run.run_id)


def _run(
    session: Session, workspace: WorkspaceId, version: EmbeddingVersion, suite: Suite, *, against: str | None = None
) -> Evaluated:
    at = datetime.now(UTC)
    order = Order(
        new_run_id(workspace, suite, version.name, at),
        at,
        report=session.settings.braintrust_api_key is not None,
        against=against,
    )
    respondent = Respondent(workspace, version, session.stores, session.embedder(version), reranker=session.reranker())
    with progress_bars() as bars:
        return run_suite(suite, respondent, order, on_progress=bars(f"{workspace}: questions"))


def _called(evaluated: Evaluated, wish: _Wish) -> str:
    return evaluated.comparison.baseline_version if evaluated.comparison and wish.beside else "accepted"
