"""What the commands of embedding versions are asked for: which version, which workspaces, who wants it and why.

It reads and decides nothing else.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import ConfigurationError, NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.registry import embedder_spec
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.versions.promote import Decision
from neural_memory_pipelines.stores.postgres.lifecycles import standings
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="The name of an embedding version, or a beginning that no other has.")
]
Workspaces = Annotated[
    list[str] | None, typer.Option("--workspace", "-w", help="A workspace; may be given several times.")
]
Everywhere = Annotated[bool, typer.Option("--all", help="All workspaces that this applies to.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for whoever reads the history.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; else the user of this machine.")]
Force = Annotated[bool, typer.Option("--force", help="Do it though the gate has not passed. Needs --reason.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A version, and the workspaces in which something is to be done with it."""

    version: EmbeddingVersion
    workspaces: list[WorkspaceId]


def who(by: str | None, reason: str | None, *, force: bool = False) -> Decision:
    """Fill in who decides, and why.

    Raises:
        PermanentError: a gate is to be passed over without a reason.
    """
    said = (reason or "").strip()
    if force and not said:
        raise PermanentError("--force needs --reason: say why, for whoever reads the history")
    return Decision((by or "").strip() or getpass.getuser(), said or _NO_REASON, force=force)


def chosen_workspaces(session: Session, names: Sequence[str] | None, *, everywhere: bool) -> list[WorkspaceId]:
    """List the workspaces that were asked for, each once.

    Raises:
        PermanentError: none was named, or names and --all were given.
        NotFoundError: one does not exist.
    """
    if names and everywhere:
        raise PermanentError("--workspace and --all: give one of them")
    if everywhere:
        known = list_workspaces(session.stores.database)
        if not known:
            raise NotFoundError("there is no workspace yet: ingest something first")
        return known
    if not names:
        raise PermanentError("say which workspaces: --workspace NAME, as often as needed, or --all")
    chosen = list(dict.fromkeys(workspace_id(name) for name in names))
    for name in chosen:
        built_version(session, name)  # says so if there is no such workspace
    return chosen


def chosen_version(session: Session, beginning: str, names: Sequence[str] | None, *, everywhere: bool) -> Chosen:
    """Find the version that a name, or the beginning of one, stands for in the workspaces that were asked for.

    Returns:
        The version, and the workspaces; with `everywhere`, those that know the version.

    Raises:
        NotFoundError: there is none, or no workspace knows it.
        PermanentError: several begin like that.
    """
    asked = chosen_workspaces(session, names, everywhere=everywhere)
    known = {workspace: known_versions(session, workspace) for workspace in asked}
    every = [name for names_known in known.values() for name in names_known]
    name = version_beginning_with(beginning, every) or _registered(session, beginning, every)
    workspaces = [workspace for workspace in asked if name in known[workspace]] if everywhere else asked
    if not workspaces:
        raise NotFoundError(f"no workspace knows the embedding version {name}: propose it first")
    return Chosen(session.version(name), workspaces)


def version_in(session: Session, workspace: WorkspaceId, beginning: str) -> EmbeddingVersion:
    """Find a version of one workspace by its name, or the beginning of it.

    Raises:
        NotFoundError: there is none.
        PermanentError: several begin like that.
    """
    return chosen_version(session, beginning, [workspace], everywhere=False).version


def known_versions(session: Session, workspace: WorkspaceId) -> list[str]:
    """List the names of the versions that a workspace knows."""
    with session.stores.database.transaction(workspace) as tx:
        return [standing.name for standing in standings(tx)]


def version_beginning_with(beginning: str, names: Sequence[str]) -> str | None:
    """Pick the one name that begins like that; a whole name goes before those that it begins. None if there is none.

    Raises:
        PermanentError: there are several.
    """
    if beginning in names:
        return beginning
    found = sorted({name for name in names if beginning and name.startswith(beginning)})
    if len(found) > 1:
        raise PermanentError(f"{beginning!r} may be any of {', '.join(found)}: give more of the name")
    return found[0] if found else None


def checked_model(model: str, dim: int | None) -> str:
    """Make sure that there is a model, with vectors of a length.

    Raises:
        PermanentError: there is none; says which there are.
    """
    try:
        spec = embedder_spec(model)
    except ConfigurationError as error:
        # The registry names the variable that models come from everywhere else.
        raise PermanentError(f"--model: {str(error).partition(': ')[2]}") from None
    if dim is not None and dim not in spec.dims:
        raise PermanentError(f"--dim: {model} has no vectors of {dim} dimensions; it has {_listed(spec.dims)}")
    return model


def _registered(session: Session, name: str, known: Sequence[str]) -> str:
    try:
        return session.version(name).name
    except NotFoundError:
        raise NotFoundError(
            f"there is no embedding version {name!r}: known here are {_listed(sorted(set(known)))}"
        ) from None


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values))
