"""`neural-memory profile`: what a person, team, repository, component or project has to do with, and how that changes.

How profiles are made is decided in `domain/profiles/`.
"""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import out, plain, print_json, print_table
from neural_memory_pipelines.cli.pages import print_columns, print_wrapped, spell_bar, spell_days, with_iso_times
from neural_memory_pipelines.domain.consolidation import ConsolidationSettings
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.profiles.descriptors import Descriptors, Related
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.consolidation.profile import accept_profile
from neural_memory_pipelines.stores.postgres.consolidation_settings import read_settings
from neural_memory_pipelines.stores.postgres.entities import EntityRow
from neural_memory_pipelines.stores.postgres.profiles import (
    DriftPoint,
    Profile,
    drift_history,
    drifted_profiles,
    find_entity,
    profile_of,
)

_ALL_COSINE = -1.0  # below any distance
_KEYWORDS_LISTED = 5
_RELATED_SHOWN = 8


def profile(
    entity: Annotated[str | None, typer.Argument(help="An id, key, name, login or alias; else all are listed.")] = None,
    *,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose profiles.")],
    accept: Annotated[bool, typer.Option("--accept", help="Take it as it is: drift is measured from here on.")] = False,
    by: Annotated[str | None, typer.Option("--by", help="Who accepts it; else the user of this machine.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most profiles, of a list.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what an entity has to do with; without one, list profiles, the one that drifted most first."""
    name = workspace_id(workspace)
    if (accept and entity is None) or (by is not None and not accept):
        raise PermanentError("--accept needs an entity, and --by needs --accept")
    with ready_session() as session:
        version = built_version(session, name)
        if entity is None:
            _list(session, name, version, limit=limit, json=json)
            return
        with session.stores.database.transaction(name) as tx:
            found = find_entity(tx, entity)
        if accept:
            _accept(session, name, version, found, by)
        with session.stores.database.transaction(name) as tx:
            shown = profile_of(tx, version, EntityId(found.entity_id))
            settings = read_settings(tx)
            history = drift_history(tx, version, entities=[shown.entity_id])
    if json:
        print_json(_spelled(shown, settings) | {"key": found.key, "history": with_iso_times([*map(asdict, history)])})
        return
    if accept:
        out.print(plain(f"the profile of {shown.name} is accepted as it is, by {shown.accepted_by}"), markup=False)
    _print(shown, found, settings, history)


def _accept(
    session: Session, workspace: WorkspaceId, version: EmbeddingVersion, entity: EntityRow, by: str | None
) -> None:
    accept_profile(
        workspace,
        version,
        EntityId(entity.entity_id),
        stores=session.stores,
        accepted_by=(by or "").strip() or getpass.getuser(),
        now=datetime.now(UTC),
    )


def _list(session: Session, workspace: WorkspaceId, version: EmbeddingVersion, *, limit: int, json: bool) -> None:
    with session.stores.database.transaction(workspace) as tx:
        settings = read_settings(tx)
        profiles = drifted_profiles(tx, version, above_cosine=_ALL_COSINE)
    if json:
        print_json([_spelled(profile, settings) for profile in profiles[:limit]])
    elif not profiles:
        out.print(f"no profiles yet: `neural-memory consolidate --workspace {workspace}` makes them")
    else:
        rows = [_row(profile, settings) for profile in profiles[:limit]]
        print_table(f"profiles of {workspace}", rows, whole=["last seen", "kind"])
        if len(profiles) > limit:
            out.print(f"and {len(profiles) - limit:,} more; --limit shows them")


def _row(profile: Profile, settings: ConsolidationSettings) -> dict[str, Any]:
    return {
        "entity": f"{profile.name}\n{', '.join(profile.descriptors.keywords[:_KEYWORDS_LISTED])}".strip(),
        "kind": profile.kind,
        "drift": profile.drift_cosine,
        "flagged": profile.drift_cosine > settings.drift_cosine,
        "observations": profile.observation_count,
        "last seen": f"{profile.descriptors.last_seen_at:%Y-%m-%d}",
    }


def _print(profile: Profile, entity: EntityRow, settings: ConsolidationSettings, history: Sequence[DriftPoint]) -> None:
    told = profile.descriptors
    print_wrapped(profile.name, style="bold")
    print_wrapped(f"{profile.kind} {entity.key}  {profile.entity_id}", indent=2, style="cyan")
    out.print()
    rows = [
        ("seen", f"{spell_days(told.first_seen_at, told.last_seen_at)}, in {profile.observation_count:,} observations "
                 f"and {profile.summary_count:,} summaries"),
        ("keywords", ", ".join(told.keywords)),
        *_related(told),
        ("contributions", ", ".join(f"{item.said} {item.documents:,}" for item in told.contributions)),
        ("active hours", _hours(told)),
        ("drift", _drift(profile, entity, settings)),
        ("over time", _over_time(history)),
    ]  # fmt: skip
    print_columns([(title, words) for title, words in rows if words])


def _related(told: Descriptors) -> list[tuple[str, str]]:
    owned = [item for item in told.components if item.owns]
    touched = [item for item in told.components if not item.owns]
    named = {
        "owns": owned,
        "owned by": told.owners,
        "components": touched,
        "repositories": told.repositories,
        "projects": told.projects,
        "teams": told.teams,
        "works with": told.collaborators,
    }
    return [(title, _listed(items)) for title, items in named.items()]


def _listed(items: Sequence[Related]) -> str:
    shown = ", ".join(f"{item.name} ({item.works:,})" if item.works else item.name for item in items[:_RELATED_SHOWN])
    return shown + (f" and {len(items) - _RELATED_SHOWN} more" if len(items) > _RELATED_SHOWN else "")


def _hours(told: Descriptors) -> str:
    if not any(told.active_hours):
        return ""
    busiest = told.active_hours.index(max(told.active_hours))
    return f"0 h {spell_bar(told.active_hours)} 23 h, {told.timezone}; most at {busiest} h"


def _drift(profile: Profile, entity: EntityRow, settings: ConsolidationSettings) -> str:
    since = f"since {profile.accepted_at:%Y-%m-%d}, as {profile.accepted_by} accepted it"
    if profile.drift_cosine <= settings.drift_cosine:
        return f"{profile.drift_cosine:.2f} {since}; {settings.drift_cosine:g} is allowed"
    return (
        f"{profile.drift_cosine:.2f} {since}: flagged, for {settings.drift_cosine:g} is allowed; "
        f"`neural-memory profile {shlex.quote(entity.key)} --accept` takes it as it is"
    )


def _over_time(history: Sequence[DriftPoint]) -> str:
    if len(history) < 2:
        return ""
    bar = spell_bar([round(point.drift_cosine * 1000) for point in history])
    return (
        f"{history[0].at:%Y-%m-%d} {bar} {history[-1].at:%Y-%m-%d}, at most {max(p.drift_cosine for p in history):.2f}"
    )


def _spelled(profile: Profile, settings: ConsolidationSettings) -> dict[str, Any]:
    spelled: dict[str, Any] = with_iso_times(
        {
            **asdict(profile),
            "descriptors": profile.descriptors.spelled(),
            "drift_allowed_cosine": settings.drift_cosine,
            "is_flagged": profile.drift_cosine > settings.drift_cosine,
        }
    )
    return spelled
