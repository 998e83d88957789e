"""`neural-memory embeddings propose` and `estimate`: register a version, and say what building it would take.

Nothing is embedded for keeps, and nothing is sent to a service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.embeddings_choices import (
    AsJson,
    By,
    Everywhere,
    Reason,
    Workspaces,
    checked_model,
    chosen_version,
    chosen_workspaces,
    who,
)
from neural_memory_pipelines.cli.embeddings_outcomes import (
    Outcome,
    each_workspace,
    exit_if_refused,
    print_outcomes,
)
from neural_memory_pipelines.cli.opening import Ready, opened, ready_session, ready_stores
from neural_memory_pipelines.cli.output import err, out, spell_dollars, spell_duration
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Topology
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.estimate import Estimate, estimate_build
from neural_memory_pipelines.steps.versions.propose import propose_version

_VersionOf = Callable[[WorkspaceId], EmbeddingVersion]

_Model = Annotated[str | None, typer.Option("--model", help="The model, as provider/name.")]
_Dim = Annotated[int | None, typer.Option("--dim", min=1, help="Dimension of its vectors; else the model's default.")]
_Topology = Annotated[
    Topology | None, typer.Option("--topology", help="How vectors are spread over indexes; else as the settings say.")
]


def propose(  # noqa: PLR0913 - each is an option of the command
    *,
    model: Annotated[str, typer.Option("--model", help="The model, as provider/name.")],
    workspace: Workspaces = None,
    everywhere: Everywhere = False,
    dim: _Dim = None,
    topology: _Topology = None,
    reason: Reason = None,
    by: By = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Have Dagster's daemon build it, as a backfill that its page shows.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Register a new embedding version with workspaces, and say what building it would take.

    Nothing is spent. With --backfill, Dagster is asked to build it: its daemon does, which `neural-memory up` runs.
    """
    checked_model(model, dim)
    decided = who(by, reason)
    ready = ready_stores()
    with opened(ready) as session:

        def act(name: WorkspaceId) -> Mapping[str, Any]:
            version = session.successor(name, model=model, dim=dim, topology=topology)
            estimated = _estimated(session, name, version)  # before: a model that cannot be used is not registered
            status = propose_version(
                name, version, stores=session.stores, decided_by=decided.decided_by, reason=decided.reason
            )
            return {"outcome": str(status), **asdict(estimated)}

        outcomes = each_workspace(chosen_workspaces(session, workspace, everywhere=everywhere), act)
    _print(outcomes, title=f"propose {model}", json=json)
    for version, names in _by_version(outcomes).items():
        _say_next(ready, version, names, backfill=backfill)
    exit_if_refused(outcomes)


def estimate(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="A version's name, or its beginning; or else --model.")
    ] = None,
    *,
    model: _Model = None,
    dim: _Dim = None,
    topology: _Topology = None,
    workspace: Workspaces = None,
    everywhere: Everywhere = False,
    json: AsJson = False,
) -> None:
    """Say what building a version would take: texts, tokens, dollars, time. Nothing is registered or sent."""
    if (version is None) == (model is None):
        raise PermanentError("give the name of a version, or --model, and not both")
    if version is not None and (dim is not None or topology is not None):
        raise PermanentError("--dim and --topology go with --model: a version has its own")
    if model is not None:
        checked_model(model, dim)
    with ready_session() as session:
        version_of: _VersionOf
        if version is not None:
            chosen = chosen_version(session, version, workspace, everywhere=everywhere)
            names, version_of = chosen.workspaces, lambda _name: chosen.version
        else:
            names = chosen_workspaces(session, workspace, everywhere=everywhere)
            version_of = partial(session.successor, model=str(model), dim=dim, topology=topology)
        outcomes = each_workspace(
            names, lambda name: {"outcome": "estimated", **asdict(_estimated(session, name, version_of(name)))}
        )
    _print(outcomes, title="what building it would take", json=json)
    exit_if_refused(outcomes)


def _estimated(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> Estimate:
    return estimate_build(
        workspace,
        version,
        stores=session.stores,
        load_embedder=partial(session.embedder, version),
        price=session.price(version.model),
    )


def _print(outcomes: Sequence[Outcome], *, title: str, json: bool) -> None:
    if json:
        print_outcomes(title, outcomes, json=True)
        return
    print_outcomes(title, [replace(outcome, row=_spelled(outcome.row)) for outcome in outcomes], json=False)
    done = [outcome.row for outcome in outcomes if outcome.row]
    if len(done) > 1:
        texts, tokens, dollars, seconds = (
            sum(row[name] for row in done) for name in ("texts", "tokens", "dollars", "seconds")
        )
        out.print(f"in all: {texts:,} texts, {tokens:,} tokens, {spell_dollars(dollars)}, {spell_duration(seconds)}")


def _spelled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Write an estimate for people; what was refused stays without one."""
    if not row:
        return {}
    hidden = {"workspace", "dollars", "seconds", "texts_embedded_already"}
    return {
        **{name: value for name, value in row.items() if name not in hidden},
        "embedded already": row["texts_embedded_already"],
        "dollars": spell_dollars(row["dollars"]),
        "takes": spell_duration(row["seconds"]),
    }


def _by_version(outcomes: Sequence[Outcome]) -> dict[str, list[WorkspaceId]]:
    found: dict[str, list[WorkspaceId]] = {}
    for outcome in outcomes:
        if outcome.row:
            found.setdefault(outcome.row["version"], []).append(outcome.workspace)
    return found


def _say_next(ready: Ready, version: str, workspaces: Sequence[WorkspaceId], *, backfill: bool) -> None:
    """Make partitions of what was proposed, for the UI to build, and say who builds it."""
    # All three take a second to import.
    from neural_memory_pipelines.cli.runs import opened_instance  # noqa: PLC0415
    from neural_memory_pipelines.defs.backfills import request_backfill  # noqa: PLC0415
    from neural_memory_pipelines.defs.partitions import add_partitions  # noqa: PLC0415 - loads Dagster

    with opened_instance(ready) as instance:
        add_partitions(instance, workspaces, [version])
        backfill_id = request_backfill(instance, version, workspaces) if backfill else None
    if backfill_id is None:
        options = " ".join(f"-w {name}" for name in workspaces)
        err.print(f"next: neural-memory embeddings build {version} {options}", markup=False)
        return
    err.print(
        f"backfill {backfill_id} of {version} is asked for: Dagster's daemon builds it, while `neural-memory up` runs; "
        "see Overview, Backfills in its UI",
        markup=False,
    )
