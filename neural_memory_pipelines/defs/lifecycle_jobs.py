"""The jobs on the life of embedding versions: one op each, made from a table, to be started in the UI's launchpad.

What is done in a workspace is in `lifecycle_acts.py`; here is in which ones, and what is shown of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from neural_memory_pipelines.defs import lifecycle_acts as acts
from neural_memory_pipelines.defs.backfills import request_backfill
from neural_memory_pipelines.defs.failures import failed_in_workspaces, mapped_failures
from neural_memory_pipelines.defs.jobs import IN_PROCESS
from neural_memory_pipelines.defs.lifecycle_acts import Outcome
from neural_memory_pipelines.defs.lifecycle_configs import (
    ArchiveConfig,
    ChosenConfig,
    ModelConfig,
    PromoteConfig,
    ProposeConfig,
    RollbackConfig,
    VersionConfig,
)
from neural_memory_pipelines.defs.metadata import table_of
from neural_memory_pipelines.defs.partitions import add_partitions
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.defs.standings import workspaces_that_know
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NeuralMemoryError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.report import ExampleRow
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

Act = Callable[[Session, WorkspaceId, Any], list[Outcome]]
"""What a job does in one workspace; its last argument is a config of the job's own class."""


@dataclass(frozen=True, slots=True)
class LifecycleJob:
    """A job, the op that it consists of, and the pool that it shares with assets which do the like.

    `details` names its second table; `is_about_partitions` says whether what it did needs partitions in the UI.
    """

    name: str
    op: str
    config: type[ChosenConfig]
    act: Act
    pool: str | None = None
    details: str = "details"
    is_about_partitions: bool = True


@dataclass(slots=True)
class _Done:
    outcomes: list[Outcome] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


LIFECYCLE_JOBS = (
    LifecycleJob("propose_embedding_version", "propose", ProposeConfig, acts.propose),
    LifecycleJob(
        "estimate_embedding_version", "estimate", ModelConfig, acts.estimate, pool="embedder", is_about_partitions=False
    ),
    LifecycleJob(
        "compare_embedding_versions",
        "compare",
        VersionConfig,
        acts.compare,
        pool="embedder",
        details="questions_that_got_worse",
    ),
    LifecycleJob("promote_embedding_version", "promote", PromoteConfig, acts.promote),
    LifecycleJob("rollback_embedding_version", "rollback", RollbackConfig, acts.rollback),
    LifecycleJob("archive_embedding_version", "archive", ArchiveConfig, acts.archive, pool="vector_index"),
    LifecycleJob("archive_due_versions", "archive_due", ChosenConfig, acts.archive_due, pool="vector_index"),
    LifecycleJob("rebuild_index", "rebuild", VersionConfig, acts.rebuild, pool="vector_index", details="families"),
)


def _make_job(named: LifecycleJob) -> dg.JobDefinition:
    @dg.op(
        name=named.op,
        description=named.act.__doc__,
        config_schema=named.config.to_fields_dict(),
        out=dg.Out(dg.Nothing),
        pool=named.pool,
    )
    def work(context: dg.OpExecutionContext, memory: MemoryResource) -> None:
        with mapped_failures(context):
            config = named.config(**context.op_config)
            done = _work_through(context, named, session=memory.session, config=config)
            metadata = _metadata(done, details=named.details)
            if named.is_about_partitions and done.outcomes:
                metadata |= _tell_dagster(context.instance, done.outcomes, config)
        if done.refused:
            raise failed_in_workspaces(done.refused, metadata)
        context.add_output_metadata(metadata)

    @dg.job(name=named.name, description=named.act.__doc__, executor_def=IN_PROCESS)
    def job() -> None:
        work()

    return job


def _work_through(
    context: dg.OpExecutionContext, named: LifecycleJob, *, session: Session, config: ChosenConfig
) -> _Done:
    """Do the work in one workspace after the other; one that is refused does not stop the others."""
    done = _Done()
    for workspace in _chosen(session, config):
        try:
            outcomes = named.act(session, workspace, config)
        except NeuralMemoryError as error:
            done.refused[workspace] = str(error)
            context.log.error(f"{named.op} in {workspace}: {error}")  # noqa: TRY400 - a sentence, no stack trace
        else:
            done.outcomes += outcomes
            for outcome in outcomes:
                context.log.info(f"{named.op} in {workspace}, {outcome.version}: {dict(outcome.row)}")
    return done


def _chosen(session: Session, config: ChosenConfig) -> list[WorkspaceId]:
    if config.workspaces:
        return [WorkspaceId(name) for name in dict.fromkeys(config.workspaces)]
    if isinstance(config, VersionConfig):
        return workspaces_that_know(session, config.version)
    return list_workspaces(session.stores.database)


def _metadata(done: _Done, *, details: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"done": len(done.outcomes), "refused": len(done.refused)}
    if done.outcomes:
        rows: list[ExampleRow] = [{"workspace": o.workspace, "version": o.version, **o.row} for o in done.outcomes]
        metadata["outcomes"] = table_of(rows)
    if detailed := [row for outcome in done.outcomes for row in outcome.details]:
        metadata[details] = table_of(detailed)
    if done.refused:
        metadata["why_refused"] = table_of([{"workspace": name, "why": why} for name, why in done.refused.items()])
    return metadata


def _tell_dagster(instance: dg.DagsterInstance, outcomes: Sequence[Outcome], config: ChosenConfig) -> dict[str, Any]:
    """Add the partitions that are missing, and ask for the builds that were wished for."""
    by_version: dict[str, list[WorkspaceId]] = {}
    for outcome in outcomes:
        by_version.setdefault(outcome.version, []).append(outcome.workspace)
    add_partitions(instance, [outcome.workspace for outcome in outcomes], by_version)
    if not (isinstance(config, ProposeConfig) and config.backfill):
        return {}
    asked: list[ExampleRow] = [
        {"version": version, "workspaces": len(names), "backfill": request_backfill(instance, version, names)}
        for version, names in by_version.items()
    ]
    return {"backfills": table_of(asked)}


lifecycle_jobs = {named.name: _make_job(named) for named in LIFECYCLE_JOBS}
"""The jobs by name."""
