"""`neural-memory evaluation`: the runs that were kept, what they are compared with, and how much worse is allowed.

To ask questions now is `neural-memory evaluate`.
"""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from neural_memory_pipelines.cli import evaluation_reports
from neural_memory_pipelines.cli.embeddings_choices import AsJson
from neural_memory_pipelines.cli.evaluation_pages import print_evaluation, spell_evaluation
from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import out, plain, print_json, print_table
from neural_memory_pipelines.cli.pages import with_iso_times
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.evaluation_settings import DEFAULT_EVALUATION
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.evaluation.run import accept as accept_run
from neural_memory_pipelines.steps.evaluation.run import kept_evaluation
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.eval_runs import RunRow, find_run, list_runs, runs_named
from neural_memory_pipelines.stores.postgres.evaluation_settings import change_setting, read_settings

app = typer.Typer(
    help="Evaluations that were kept, what later ones are compared with, and how much worse is allowed.",
    no_args_is_help=True,
)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose evaluations.")]
_Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or a beginning that no other has.")]

_CANDIDATES = 10
_ID_CHARS = 12


@app.command("list")
def list_(
    workspace: _Workspace,
    suite: Annotated[Suite | None, typer.Option(help="One suite; else all.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most rows.")] = 20,
    json: AsJson = False,
) -> None:
    """List evaluations, the latest first."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            rows = list_runs(tx, suite=suite, version=None, limit=limit)
    if json:
        print_json(with_iso_times([asdict(row) for row in rows]))
    elif rows:
        versions = sorted({row.embedding_version for row in rows})
        shown = [{**_row(row), **({"version": row.embedding_version} if versions[1:] else {})} for row in rows]
        at = "" if versions[1:] else f" at {versions[0]}"
        print_table(f"evaluations of {name}{at}", shown, whole=["run", "suite", "at"])
    else:
        out.print(f"no evaluations yet: neural-memory evaluate --workspace {name}", markup=False)


@app.command()
def show(run: _Run, workspace: _Workspace, json: AsJson = False) -> None:
    """Show an evaluation: its measures beside the run that it was compared with, the worst questions first."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            row = _chosen(tx, run)
            evaluated = kept_evaluation(tx, row)
    if json:
        print_json({**spell_evaluation(name, evaluated), "accepted_at": row.accepted_at, "by": row.accepted_by})
        return
    print_evaluation(name, evaluated, beside="before")
    if row.accepted_at:
        who = f"by {row.accepted_by}" if row.accepted_by else "for nothing got worse"
        out.print(plain(f"accepted on {row.accepted_at:%Y-%m-%d %H:%M} UTC, {who}"), markup=False)


@app.command()
def accept(
    run: _Run,
    workspace: _Workspace,
    by: Annotated[str | None, typer.Option("--by", help="Who accepts it; else the user of this machine.")] = None,
) -> None:
    """Compare later evaluations with this one, whatever got worse in it."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            row = accept_run(tx, _chosen(tx, run).run_id, by=by or getpass.getuser(), at=datetime.now(UTC))
    what = f"runs of {row.suite} are compared with it while {row.embedding_version} is served"
    out.print(plain(f"{row.run_id} is accepted by {row.accepted_by}: {what}"), markup=False)


@app.command()
def settings(workspace: _Workspace, json: AsJson = False) -> None:
    """Show how much worse the answers of a workspace may get."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            found = asdict(read_settings(tx))
    default = asdict(DEFAULT_EVALUATION)
    if json:
        print_json({"workspace": name, **found, "changed": [key for key in found if found[key] != default[key]]})
        return
    rows = [
        {"setting": key, "value": _said(value), "": "default" if value == default[key] else "set"}
        for key, value in found.items()
    ]
    print_table(f"evaluation of {name}", rows, whole=["setting"])


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A setting; `settings` lists them.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value from now on.")],
    workspace: _Workspace,
) -> None:
    """Change one setting of a workspace, such as `max_ndcg_loss 0.02`."""
    chosen = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, chosen)
        with session.stores.database.transaction(chosen) as tx:
            changed = change_setting(tx, name, value)
    out.print(plain(f"{name} is {_said(getattr(changed, name))} from now on"), markup=False)


def _chosen(tx: Transaction, prefix: str) -> RunRow:
    exact = find_run(tx, prefix)
    found = [exact] if exact else runs_named(tx, prefix, limit=_CANDIDATES + 1) if prefix else []
    if not found:
        raise NotFoundError(
            f"no evaluation of {tx.workspace_id} has an id that begins with {prefix!r}: "
            f"`neural-memory evaluation list --workspace {tx.workspace_id}` lists those that there are"
        )
    if len(found) > 1:
        named = ", ".join(row.run_id for row in found[:_CANDIDATES])
        raise PermanentError(f"{prefix!r} may be any of {named}: give more of the id")
    return found[0]


def _row(row: RunRow) -> dict[str, str]:
    metrics = row.metrics
    return {
        "run": row.run_id[:_ID_CHARS],
        "suite": str(row.suite),
        "at": f"{row.at:%Y-%m-%d %H:%M}",
        "questions": f"{metrics.questions:,}{'' if row.are_own else ' titles'}",
        "recall@5": f"{metrics.recall_at_5:.3f}",
        "recall@10": f"{metrics.recall_at_10:.3f}",
        "nDCG@10": f"{metrics.ndcg_at_10:.3f}",
        "p95 ms": f"{metrics.latency_p95_ms:.0f}",
        "passed": "yes" if row.passed else "no",
        "accepted": "" if row.accepted_at is None else row.accepted_by or "yes",
    }


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


app.command("reports")(evaluation_reports.reports)
app.command("send")(evaluation_reports.send)
