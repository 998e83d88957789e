"""The group `versions`: a version that was built is judged, and what serves a workspace is shown.

What is judged, and whether a version may be promoted, is decided in `steps/versions/`.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from neural_memory_pipelines.defs.evaluation_metadata import versions_metadata
from neural_memory_pipelines.defs.failures import mapped_failures
from neural_memory_pipelines.defs.families import FAMILY_ASSETS
from neural_memory_pipelines.defs.metadata import OWNERS, table_of
from neural_memory_pipelines.defs.partitions import (
    workspace_version_key,
    workspace_version_partitions,
    workspace_versions_of,
)
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.standings import kept_version, standings_metadata
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.versions.gate import GATE, Finding, Judged, judge
from neural_memory_pipelines.steps.versions.promote import Decision, promote


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[named.index for named in FAMILY_ASSETS],
    check_specs=[
        # In the asset's own step: what one check of the gate embeds or reads, no other does again.
        dg.AssetCheckSpec(
            name,
            asset="canary",
            description=check.__doc__,
            blocking=True,
            partitions_def=workspace_version_partitions,
        )
        for name, check in GATE.items()
    ],
    group_name="versions",
    kinds={"postgres", "python"},
    owners=OWNERS,
    code_version="1",
    pool="embedder",
)
def canary(context: dg.AssetExecutionContext, memory: MemoryResource) -> Iterator[dg.MaterializeResult[None]]:
    """Whether a version that was built beside the active one is whole, sound, and answers as well: the gate."""
    with mapped_failures(context):
        session = memory.session
        found: list[Finding] = []
        for workspace, version_name in workspace_versions_of(context.partition_keys):
            served = session.active_version(workspace).name
            findings = _judge(session, workspace, version_name)
            metadata = {"served": served, **_versions(session, workspace, version_name, served)}
            metadata |= _findings_metadata(findings)
            context.add_asset_metadata(metadata, partition_key=workspace_version_key(workspace, version_name))
            found += findings
    yield dg.MaterializeResult(check_results=[_check_result(name, found) for name in GATE])


def _versions(session: Session, workspace: WorkspaceId, version_name: str, served: str) -> dict[str, Any]:
    with session.stores.database.transaction(workspace) as tx:
        return versions_metadata(tx, version_name, served)


def _judge(session: Session, workspace: WorkspaceId, version_name: str) -> list[Finding]:
    version = kept_version(session, workspace, version_name)
    served = session.active_version(workspace)
    if version == served:
        return [Finding(name, True, f"{version_name} is served: there is nothing to judge") for name in GATE]
    return judge(
        Judged(
            workspace,
            version,
            served,
            stores=session.stores,
            load_embedder=session.embedder,
            most_loss=session.settings.gate_most_loss,
            report=session.settings.braintrust_api_key is not None,
        )
    )


def _findings_metadata(findings: list[Finding]) -> dict[str, Any]:
    """Show what was found, and the numbers behind it for the UI to plot, such as recall and nDCG of both versions."""
    rows = [
        {"check": finding.name, "passed": "yes" if finding.passed else "no", "found": finding.sentence}
        for finding in findings
    ]
    numbers = {name: value for finding in findings for name, value in finding.numbers.items()}
    # Not the question itself: it may be private, and what a run shows stays.
    worse = [
        {name: str(value or "none") for name, value in row.items() if name != "question"}
        for finding in findings
        for row in finding.rows
    ]
    return {
        "passed": all(finding.passed for finding in findings),
        "findings": table_of(rows),
        **numbers,
        **({"found_later": table_of(worse)} if worse else {}),
    }


def _check_result(name: str, found: list[Finding]) -> dg.AssetCheckResult:
    """Answer a check of the gate for all partitions of the run."""
    answers = [finding for finding in found if finding.name == name]
    return dg.AssetCheckResult(
        check_name=name,
        passed=all(finding.passed for finding in answers),
        description="; ".join(finding.sentence for finding in answers),
        metadata=answers[0].numbers if len(answers) == 1 else {},
    )


class ServeConfig(dg.Config):
    """Whether to serve the version of the partition from now on; left alone, nothing changes."""

    promote: bool = Field(default=False, description="Serve the workspace at this version, if its gate has passed.")
    by: str = Field(default="", description="Who promotes it; for the history.")
    reason: str = Field(default="", description="Why; for the history.")

    def decision(self) -> Decision | None:
        """Read what was decided; None if nothing is to change.

        Raises:
            PermanentError: nobody says who promotes it and why.
        """
        if not self.promote:
            return None
        if not (self.by.strip() and self.reason.strip()):
            raise PermanentError("the config of served_version says promote: say `by` and `reason` too")
        return Decision(self.by, self.reason)


@dg.asset(
    partitions_def=workspace_version_partitions,
    deps=[canary],
    group_name="versions",
    kinds={"postgres"},
    owners=OWNERS,
    code_version="1",
)
def served_version(
    context: dg.AssetExecutionContext, config: ServeConfig, memory: MemoryResource
) -> dg.MaterializeResult[None]:
    """Which version serves a workspace, and how that came; `promote: true` has it served at the partition's."""
    with mapped_failures(context):
        session = memory.session
        decision = config.decision()
        for workspace, version_name in workspace_versions_of(context.partition_keys):
            if decision:
                before = promote(workspace, session.version(version_name), stores=session.stores, decision=decision)
                context.log.info(f"{workspace} is served at {version_name}, until now at {before}")
            key = workspace_version_key(workspace, version_name)
            context.add_asset_metadata(standings_metadata(session, workspace), partition_key=key)
    return dg.MaterializeResult()
