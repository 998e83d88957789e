"""Simulated nights: texts come night by night, some with labels that were not there before. It prints nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from banking import WORKSPACE, Labelled
from sklearn.metrics import adjusted_rand_score

from neural_memory_pipelines.domain.ids import ClusterId, ObservationId
from neural_memory_pipelines.domain.topics.nights import NightPlan, plan_night
from neural_memory_pipelines.domain.topics.values import Night, TopicsState, Vectors
from neural_memory_pipelines.models.clusterers.evoc import cluster

LEAST_MEMBERS = 3
_FIRST_TEXTS, _NIGHTS, _TEXTS_A_NIGHT, _LATE_LABELS = 8_000, 6, 400, 10


@dataclass(frozen=True, slots=True)
class NightFigures:
    """A night. Shares are 0..1; `ids_changed` is of the texts that had a topic before and have one after."""

    name: str
    texts: int
    topics: int
    clustered: float
    ids_changed: float
    ari: float
    cpu_seconds: float
    full_cpu_seconds: float
    ids_changed_if_full: float


def night_of(data: Labelled) -> Night:
    """What a night works with, on labelled texts."""
    rows = {key: row for row, key in enumerate(data.ids)}

    def vectors_of(ids: Sequence[ObservationId]) -> Vectors:
        return data.vectors[[rows[key] for key in ids]]

    return Night(WORKSPACE, LEAST_MEMBERS, vectors_of, lambda vectors: cluster(vectors, least=LEAST_MEMBERS))


def simulate(data: Labelled, *, seed: int) -> Iterator[NightFigures]:
    """Cluster 8,000 texts, then add 400 on each of six nights, then cluster all anew.

    Ten labels are not among the first texts, and appear on one of the nights. Each night is also done in full, from the
    same state, to compare.
    """
    night = night_of(data)
    batches = _batches(data, seed=seed)
    seen = list(batches[0])
    plan, cpu = _timed(TopicsState(), seen, night, full=True)
    yield _figures("first, full", data, TopicsState(), plan, cpu_seconds=cpu, full=(plan, cpu))
    for number, batch in enumerate(batches[1:], 1):
        seen.extend(batch)
        before = plan.state
        plan, cpu = _timed(before, seen, night, full=False)
        yield _figures(
            f"night {number}", data, before, plan, cpu_seconds=cpu, full=_timed(before, seen, night, full=True)
        )
    before = plan.state
    plan, cpu = _timed(before, seen, night, full=True)
    yield _figures("last, full", data, before, plan, cpu_seconds=cpu, full=(plan, cpu))


def _batches(data: Labelled, *, seed: int) -> list[list[ObservationId]]:
    """Deal texts to nights; the first batch is there before."""
    random = np.random.default_rng(seed)
    late = random.choice(len(data.names), _LATE_LABELS, replace=False)
    first_night = {int(label): 1 + place % _NIGHTS for place, label in enumerate(late)}
    waiting = random.permutation(len(data.ids)).tolist()
    batches: list[list[ObservationId]] = []
    for number in range(_NIGHTS + 1):
        wanted = _TEXTS_A_NIGHT if number else _FIRST_TEXTS
        taken = [row for row in waiting if first_night.get(int(data.labels[row]), 0) <= number][:wanted]
        gone = set(taken)
        waiting = [row for row in waiting if row not in gone]
        batches.append([data.ids[row] for row in taken])
    return batches


def _timed(state: TopicsState, seen: Sequence[ObservationId], night: Night, *, full: bool) -> tuple[NightPlan, float]:
    started = time.process_time()
    plan = plan_night(state, seen, full=full, night=night)
    return plan, time.process_time() - started


def _figures(
    name: str,
    data: Labelled,
    before: TopicsState,
    plan: NightPlan,
    *,
    cpu_seconds: float,
    full: tuple[NightPlan, float],
) -> NightFigures:
    owners = owners_of(plan.state)
    texts = len(owners) + len(plan.state.pending) + len(plan.state.left_out)
    rows = {key: row for row, key in enumerate(data.ids)}
    known = sorted(owners)
    labels = data.labels[[rows[key] for key in known]]
    return NightFigures(
        name,
        texts,
        len(plan.state.topics),
        len(owners) / texts,
        ids_changed(before, plan.state),
        float(adjusted_rand_score(labels, [owners[key] for key in known])),
        cpu_seconds,
        full[1],
        ids_changed(before, full[0].state),
    )


def owners_of(state: TopicsState) -> dict[ObservationId, ClusterId]:
    """Which topic each observation has."""
    return {member: topic.cluster_id for topic in state.topics for member in topic.members}


def ids_changed(before: TopicsState, after: TopicsState) -> float:
    """Share of the observations with a topic before and after whose topic is another."""
    old, new = owners_of(before), owners_of(after)
    both = old.keys() & new.keys()
    return sum(old[key] != new[key] for key in both) / len(both) if both else 0.0
