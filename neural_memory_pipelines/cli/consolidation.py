"""`neural-memory consolidation`: how a workspace is consolidated, how far that is, and what must stay searchable.

To consolidate one now is `neural-memory consolidate`; which is due is decided in `steps/consolidation/due.py`.
"""

from __future__ import annotations

import getpass
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from neural_memory_pipelines.cli.embeddings_choices import AsJson
from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import out, plain, print_json, print_table
from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION, ConsolidationSettings
from neural_memory_pipelines.domain.ids import ObservationId, WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.consolidation.age import pin_observation, unpin_observation
from neural_memory_pipelines.steps.consolidation.due import next_night, why_due
from neural_memory_pipelines.stores.postgres import aging, nights
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting, read_settings
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.night_coverage import last_night

app = typer.Typer(
    help="Nightly consolidation: its settings, how far it is, and observations that stay searchable.",
    no_args_is_help=True,
)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose consolidation.")]
_Observation = Annotated[str, typer.Argument(metavar="OBSERVATION", help="Its id, obs_..., as search shows it.")]


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far a workspace's consolidation is, and what the next night will find."""

    settings: ConsolidationSettings
    last_night: datetime | None
    next_night: datetime
    pending: str | None
    new_observations: int
    coverage: dict[str, int]
    pins: list[dict[str, Any]]


@app.command()
def show(workspace: _Workspace, json: AsJson = False) -> None:
    """Show a workspace's settings, its last and next night, what is pending, coverage and pins."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        found = _standing(session, name)
    if json:
        print_json({"workspace": name, **_spelled(found)})
        return
    print_table(f"consolidation of {name}", _settings_rows(found.settings), whole=["setting"])
    print_table("nights", _night_rows(found), whole=["what"])
    if found.coverage:
        print_table("observations that may be consolidated, after the last night", [found.coverage])
    if found.pins:
        print_table("pinned", [{**pin, "at": f"{pin['at']:%Y-%m-%d}"} for pin in found.pins], whole=["observation_id"])


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A setting; `show` lists them.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Its value from now on.")],
    workspace: _Workspace,
) -> None:
    """Change one setting of a workspace, such as `timezone Europe/Berlin` or `keep_hot true`."""
    chosen = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, chosen)
        with session.stores.database.transaction(chosen) as tx:
            settings = change_setting(tx, name, value)
    out.print(plain(f"{name} is {_said(getattr(settings, name))} from now on"), markup=False)


@app.command()
def pin(
    observation: _Observation,
    workspace: _Workspace,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever asks.")],
    by: Annotated[str | None, typer.Option("--by", help="Who wants it; else the user of this machine.")] = None,
) -> None:
    """Keep an observation in the index whatever its age; one that left comes back with the next night."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        pin_observation(
            name,
            ObservationId(observation),
            stores=session.stores,
            pinned_by=by or getpass.getuser(),
            reason=reason,
        )
    out.print(plain(f"{observation} is pinned"), markup=False)


@app.command()
def unpin(observation: _Observation, workspace: _Workspace) -> None:
    """Let an observation age again."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        unpin_observation(name, ObservationId(observation), stores=session.stores)
    out.print(plain(f"{observation} is not pinned any more"), markup=False)


def _standing(session: Session, workspace: WorkspaceId) -> _Standing:
    now = datetime.now(UTC)
    with session.stores.database.transaction(workspace) as tx:
        settings = read_settings(tx)
        seen = nights.look(tx)
        following = next_night(settings, now)
        return _Standing(
            settings=settings,
            last_night=seen.state.night_at if seen.state else None,
            next_night=following,
            pending=why_due(seen, settings, now=following, grace_days=session.settings.archive_grace_days),
            new_observations=nights.count_new(tx).observations,
            coverage=_coverage(tx),
            pins=[asdict(pin) for pin in aging.list_pins(tx)],
        )


def _coverage(tx: Transaction) -> dict[str, int]:
    recorded = last_night(tx)
    return recorded.coverage.totals if recorded else {}


def _spelled(found: _Standing) -> dict[str, Any]:
    changed = found.settings.spelled()
    return asdict(found) | {"changed_settings": sorted(changed)}


def _settings_rows(settings: ConsolidationSettings) -> list[dict[str, str]]:
    default = asdict(DEFAULT_CONSOLIDATION)
    return [
        {"setting": name, "value": _said(value), "": "default" if value == default[name] else "set"}
        for name, value in asdict(settings).items()
    ]


def _night_rows(found: _Standing) -> list[dict[str, str]]:
    settings = found.settings
    rows = {
        "last night": _local(found.last_night, settings) if found.last_night else "none yet",
        "next night": _local(found.next_night, settings),
        "it is due, for": found.pending or "nothing changed so far: it will not be",
        "new observations": f"{found.new_observations:,} ({settings.early_observations:,} make it due early)",
    }
    return [{"what": what, "": said} for what, said in rows.items()]


def _local(at: datetime, settings: ConsolidationSettings) -> str:
    return f"{at.astimezone(ZoneInfo(settings.timezone)):%Y-%m-%d %H:%M} {settings.timezone}"


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
