"""Has a workspace served at another embedding version: forward if the gate has passed, and back at any time.

One transaction a workspace: readers in any process see the old version or the new one, never a mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus, check_transition
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.versions.propose import known_standing
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import families, lifecycles, places, workspaces
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.lifecycles import Standing


class GateNotPassedError(PermanentError):
    """A version was to be promoted, and nothing says that it is as good as the one that is served."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who wants a version served, and why. `force` passes over a gate that has not passed."""

    decided_by: str
    reason: str
    force: bool = False


def promote(workspace: WorkspaceId, version: EmbeddingVersion, *, stores: Stores, decision: Decision) -> str:
    """Serve a workspace at a version whose gate has passed, and that lacks nothing.

    Returns:
        The name of the version that was served until now. It is the same one if nothing was to be done.

    Raises:
        NotFoundError: the workspace does not know the version.
        IllegalTransitionError: it is not built.
        GateNotPassedError: its gate has not passed, or it lacks vectors by now; `force` goes on all the same.
    """
    if not decision.force:
        with stores.database.transaction(workspace) as tx:
            _require_gate(tx, version, known_standing(lifecycles.standing(tx, version.name), workspace, version))
    with stores.database.writing(workspace) as tx:
        lifecycles.lock_lives(tx)
        known = known_standing(lifecycles.standing(tx, version.name), workspace, version)
        served = _served(tx)
        if known.status is VersionStatus.ACTIVE:
            return served
        check_transition(version.name, known.status, VersionStatus.ACTIVE)
        _switch(tx, served, version, known, decision=decision, forced=decision.force and not known.gate_passed)
    return served


def rollback(workspace: WorkspaceId, *, stores: Stores, decision: Decision) -> tuple[str, str]:
    """Serve a workspace again at the version that it was served at before.

    Returns:
        The names of the version that was served until now, and of the one that is from now on.

    Raises:
        NotFoundError: no earlier version is kept.
        GateNotPassedError: the earlier version lacks vectors by now; `force` goes on all the same.
        PermanentError: another promotion or rollback came between.
    """
    with stores.database.transaction(workspace) as tx:
        name, left = lifecycles.last_served(tx), _served(tx)
    if name is None:
        raise NotFoundError(
            f"workspace {workspace} has no earlier version to go back to: none was promoted, or it is archived"
        )
    version = workspaces.version_named(stores.database, name)
    if not decision.force:
        with stores.database.transaction(workspace) as tx:
            _require_whole(tx, version)
    with stores.database.writing(workspace) as tx:
        lifecycles.lock_lives(tx)
        if _served(tx) != left:
            raise PermanentError(
                f"workspace {workspace} is served at {_served(tx)} by now: somebody else was quicker; look before again"
            )
        known = known_standing(lifecycles.standing(tx, name), workspace, version)
        check_transition(name, known.status, VersionStatus.ACTIVE)
        _switch(tx, left, version, known, decision=decision, forced=decision.force)
    return left, name


def _served(tx: Transaction) -> str:
    (served,) = lifecycles.versions_in(tx, [VersionStatus.ACTIVE])
    return served


def _switch(
    tx: Transaction, served: str, version: EmbeddingVersion, known: Standing, *, decision: Decision, forced: bool
) -> None:
    said = partial(lifecycles.set_status, tx, decided_by=decision.decided_by, reason=decision.reason, forced=forced)
    said(served, VersionStatus.ACTIVE, VersionStatus.RETIRED)
    said(version.name, known.status, VersionStatus.ACTIVE)
    lifecycles.serve(tx, version.name, model=version.model)
    places.note_indexes_of_stores(tx, version)


def _require_gate(tx: Transaction, version: EmbeddingVersion, known: Standing) -> None:
    if known.status in {VersionStatus.ACTIVE, VersionStatus.PROPOSED, VersionStatus.ARCHIVED}:
        return  # what these may become is not the gate's to say
    # A version that was served has shown what it is; what may be missing is what came since.
    if not known.gate_passed and known.status is not VersionStatus.RETIRED:
        state = (
            "was not asked yet: build the version" if known.gate_passed is None else f"did not pass: {_failures(known)}"
        )
        raise GateNotPassedError(
            f"the gate of {version.name} {state}. Force it only with a reason that others can read"
        )
    _require_whole(tx, version)


def _require_whole(tx: Transaction, version: EmbeddingVersion) -> None:
    for family in Family:
        missing = families.family_counts(tx, version, family).missing_texts
        behind = missing + sum(families.count_pending(tx, version, family).values())
        if behind:
            raise GateNotPassedError(
                f"{version.name} lacks {behind} vectors of {family} by now: build it again, then promote it"
            )


def _failures(known: Standing) -> str:
    checks = (known.gate or {}).get("checks", [])
    return "; ".join(str(check["sentence"]) for check in checks if not check["passed"]) or "nothing was found out"
