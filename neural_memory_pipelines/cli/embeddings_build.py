"""`neural-memory embeddings build`: builds a version beside the active one, and shows what its gate found.

The work is a run of Dagster, as the daemon would run it; what it does is decided in `steps/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer

from neural_memory_pipelines.cli.build_result import BuildResult, print_build
from neural_memory_pipelines.cli.embeddings_choices import (
    AsJson,
    Chosen,
    Everywhere,
    VersionArgument,
    Workspaces,
    chosen_version,
)
from neural_memory_pipelines.cli.embeddings_outcomes import (
    Outcome,
    each_workspace,
    exit_if_refused,
    json_rows,
    print_refusals,
)
from neural_memory_pipelines.cli.opening import Ready, opened, ready_stores
from neural_memory_pipelines.cli.output import err, out, print_json, print_table, progress_bars
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.propose import begin_build, known_standing
from neural_memory_pipelines.stores.postgres.lifecycles import Standing, standing


@dataclass(frozen=True, slots=True)
class _Built:
    """What a build of a version did in one workspace, and where the version stands after it."""

    result: BuildResult
    known: Standing
    was_judged: bool

    @property
    def passed(self) -> bool:
        """Whether all ran, and the version is good enough to be served. The one that is served has nothing to pass."""
        is_good = self.known.status is VersionStatus.ACTIVE or (self.was_judged and bool(self.known.gate_passed))
        return self.result.succeeded and is_good

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What the gate found, if it was asked."""
        return list((self.known.gate or {}).get("checks", [])) if self.was_judged else []


def build(
    version: VersionArgument, workspace: Workspaces = None, everywhere: Everywhere = False, json: AsJson = False
) -> None:
    """Build a version in this process, beside the active one, and ask its gate. Exits 1 if that did not pass.

    It can be stopped at any time: what is paid for is kept, and the next build goes on from there.
    """
    ready = ready_stores()
    with opened(ready) as session:
        chosen = chosen_version(session, version, workspace, everywhere=everywhere)
        try:
            outcomes, built = _build(ready, session, chosen)
        except KeyboardInterrupt:
            err.print("interrupted: what is done stays, the next build goes on from there")
            raise typer.Exit(130) from None
    if json:
        print_json(json_rows(outcomes))
    else:
        for each in built:
            _print(each)
        print_refusals(outcomes)
        _say_next([each for each in built if each.passed])
    exit_if_refused(outcomes)
    if not all(each.passed for each in built):
        raise typer.Exit(1)


def _build(ready: Ready, session: Session, chosen: Chosen) -> tuple[list[Outcome], list[_Built]]:
    from neural_memory_pipelines.cli.runs import build_version, opened_instance  # noqa: PLC0415 - takes a second

    built: list[_Built] = []
    with opened_instance(ready) as instance, progress_bars() as bars:

        def act(name: WorkspaceId) -> Mapping[str, Any]:
            begin_build(name, chosen.version, stores=session.stores)  # refuses before a run is started
            before = _known(session, name, chosen.version)
            result = BuildResult(name)
            build_version(result, chosen.version.name, instance=instance, reporter=bars)
            after = _known(session, name, chosen.version)
            built.append(_Built(result, after, was_judged=after.gate_at != before.gate_at))
            return _row(built[-1])

        return each_workspace(chosen.workspaces, act), built


def _known(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> Standing:
    with session.stores.database.transaction(workspace) as tx:
        return known_standing(standing(tx, version.name), workspace, version)


def _row(built: _Built) -> dict[str, Any]:
    return {
        "version": built.known.name,
        "status": str(built.known.status),
        "passed": built.passed,
        "gate": built.checks,
        **asdict(built.result),
    }


def _print(built: _Built) -> None:
    print_build(built.result)
    name = built.known.name
    if built.checks:
        rows = [{"check": it["name"], "passed": it["passed"], "found": it["sentence"]} for it in built.checks]
        print_table(f"gate of {name}", rows)
    elif built.known.status is VersionStatus.ACTIVE:
        out.print(f"{name} serves {built.result.workspace}: there is nothing to judge")
    else:
        err.print(f"[red]the gate was not asked:[/red] the build of {name} did not come that far")


def _say_next(passed: Sequence[_Built]) -> None:
    waiting = [each for each in passed if each.known.status is not VersionStatus.ACTIVE]
    if waiting:
        options = " ".join(f"-w {each.result.workspace}" for each in waiting)
        err.print(f"next: neural-memory embeddings promote {waiting[0].known.name} {options}", markup=False)
