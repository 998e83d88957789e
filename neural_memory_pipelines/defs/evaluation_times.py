"""When workspaces are evaluated: once what gave a reason has come to rest, and is embedded and indexed.

Nothing is consumed here: the run does that, in the transaction that keeps what it measured.
"""

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from neural_memory_pipelines.defs.assets.evaluation import SUITE_ASSETS, only_if_waiting
from neural_memory_pipelines.defs.jobs import evaluation_jobs
from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.defs.resources import MemoryResource
from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import NeuralMemoryError, TransientError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.postgres.eval_events import Waiting, waiting
from neural_memory_pipelines.stores.postgres.staleness import staleness

QUIET_SECONDS = 60.0
"""Events wait until none has come for so long,"""
MOST_SECONDS = 10 * 60.0
"""or until the oldest has waited so long;"""
INDEX_SECONDS = 20 * 60.0
"""then for so long at most until their texts are in the index."""

_ASK_AGAIN_SECONDS = 15 * 60.0
_MOST_REQUESTS = 50
_MOST_LOOKED_AT = 200
_MOST_IN_A_ROW = 3
_AFTER_NEW_EVENTS = {"dagster/priority": "-1"}
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_OF_SUITE = {named.suite: named for named in SUITE_ASSETS}


@dataclass(frozen=True, slots=True)
class Ripe:
    """Events that have waited long enough: since when they have, and of which moment a run for them is named."""

    workspace: WorkspaceId
    suite: Suite
    events: int
    since: datetime
    named_after: datetime

    def run_key(self, now: datetime) -> str:
        """Name the run: the same at each tick, until it should have been done long ago, then less and less often anew.

        So a tick that is lost or repeated asks for the same run, and a run that failed for good is asked for again.
        """
        waited_seconds = max((now - self.since).total_seconds(), 0.0)
        again = int(math.log2(1 + waited_seconds / _ASK_AGAIN_SECONDS))
        return f"{self.suite}-{self.workspace}-{self.named_after.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}-{again}"


def ripe_of(found: Waiting, now: datetime) -> Ripe | None:
    """Tell whether events have come to rest, or waited as long as they may; None if they are to wait on.

    Args:
        found: those of one workspace and suite.
        now: the moment of the tick; aware.
    """
    rests_at = found.latest_at + timedelta(seconds=QUIET_SECONDS)
    must_at = found.oldest_at + timedelta(seconds=MOST_SECONDS)
    since, named_after = (rests_at, found.latest_at) if rests_at <= must_at else (must_at, found.oldest_at)
    if since > now:
        return None
    return Ripe(found.workspace, found.suite, found.events, since, named_after)


@dataclass(slots=True)
class _Tick:
    """What a tick found: what to ask for and at which versions, what is to wait, and what could not be judged."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    versions: dict[WorkspaceId, str] = field(default_factory=dict)
    under_way: int = 0
    not_indexed: int = 0
    failed: dict[WorkspaceId, str] = field(default_factory=dict)

    def told(self, ripe: int, resting: int) -> str:
        """Say why nothing is asked for."""
        if not ripe:
            return f"{resting} wait for more to come" if resting else "nothing waits"
        failed = "".join(f"; {workspace} was passed over: {why}" for workspace, why in self.failed.items())
        return f"{self.under_way} are under way, {self.not_indexed} wait until their texts are indexed{failed}"


@dg.sensor(
    jobs=evaluation_jobs,
    name="evaluations_due",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks the questions of each workspace again when documents were persisted or a night has consolidated: "
    "one run per workspace and suite, at the active version. Waits until nothing more has come for a minute, or for "
    "ten at most, and then until all texts are indexed, for twenty at most.",
)
def evaluations_due(context: dg.SensorEvaluationContext, memory: MemoryResource) -> list[dg.RunRequest] | dg.SkipReason:
    """Ask for a run for all events that have waited long enough; they stay until it has consumed them."""
    session, now = memory.session, datetime.now(UTC)
    found = waiting(session.stores.database)
    ripe = sorted(filter(None, (ripe_of(one, now) for one in found)), key=lambda one: one.since)
    tick = _look(context, session, ripe[:_MOST_LOOKED_AT], now=now) if ripe else _Tick()
    return tick.requests or dg.SkipReason(tick.told(len(ripe), len(found) - len(ripe)))


def _look(context: dg.SensorEvaluationContext, session: Session, ripe: Sequence[Ripe], *, now: datetime) -> _Tick:
    """Ask for runs, the longest waiting first, as many as a tick may.

    Raises:
        TransientError: the database is away; not for one workspace alone.
    """
    tick, in_a_row = _Tick(), 0
    under_way = set(_partitions_under_way(context.instance, {one.suite for one in ripe}))
    for one in ripe:
        try:
            request = _judge(tick, session, one, under_way=under_way, now=now)
        except NeuralMemoryError as error:
            in_a_row = in_a_row + 1 if isinstance(error, TransientError) else 0
            if in_a_row == _MOST_IN_A_ROW:
                raise
            tick.failed[one.workspace] = str(error)
            context.log.error(f"{one.workspace} cannot be evaluated: {error}")  # noqa: TRY400 - a sentence, no stack trace
            continue
        in_a_row = 0
        if request is not None:
            context.log.info(f"{one.workspace} is due: {one.events} events of {one.suite}")
            tick.requests.append(request)
        if len(tick.requests) == _MOST_REQUESTS:
            break
    add_partitions(context.instance, tick.versions, tick.versions.values())
    return tick


def _judge(
    tick: _Tick, session: Session, one: Ripe, *, under_way: set[tuple[str, str]], now: datetime
) -> dg.RunRequest | None:
    version = session.active_version(one.workspace)
    key = workspace_version_key(one.workspace, version.name)
    named = _OF_SUITE[one.suite]
    if (named.job, str(key)) in under_way:
        tick.under_way += 1
        return None
    if now < one.since + timedelta(seconds=INDEX_SECONDS):
        with session.stores.database.transaction(one.workspace) as tx:
            unindexed = staleness(tx, version).unindexed
        if unindexed:
            tick.not_indexed += 1
            return None
    tick.versions[one.workspace] = version.name
    return dg.RunRequest(
        partition_key=key,
        run_key=one.run_key(now),
        job_name=named.job,
        run_config=only_if_waiting(named),
        tags=_AFTER_NEW_EVENTS,
    )


def _partitions_under_way(instance: dg.DagsterInstance, suites: Set[Suite]) -> Iterator[tuple[str, str]]:
    for job in (_OF_SUITE[suite].job for suite in sorted(suites)):
        for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=_UNDER_WAY)):
            if PARTITION_NAME_TAG in run.tags:
                yield job, run.tags[PARTITION_NAME_TAG]
