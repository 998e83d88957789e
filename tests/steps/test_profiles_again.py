"""However evidence came and went, and wherever a run was killed: profiles are those that one run makes from scratch."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.consolidation import profile
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import profile_evidence
from neural_memory_pipelines.stores.postgres.engine import Database
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .killing import Moment, Switch, counted_session, was_killed
from .profile_world import NIGHT, ProfileWorld

_MOMENTS: tuple[Moment, Moment] = ("before", "after")
_FORK = multiprocessing.get_context("fork")
_EDGES = ("AUTHORED_BY", "ASSIGNED_TO", "OWNED_BY")
_ROUNDS = 12


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> ProfileWorld:
    register_version(stores.database, version)
    return ProfileWorld(stores, workspace, version)


@dataclass
class _Life:
    """Evidence that comes, changes and goes by chance."""

    world: ProfileWorld
    chance: random.Random
    entities: list[EntityId] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)
    count: int = 0

    def begin(self) -> None:
        self.entities = [self.world.entity(f"person {number}") for number in range(5)]
        self.entities += [self.world.entity(f"repository {number}", kind="repository") for number in range(2)]
        for _ in range(6):
            self.document()
        for _ in range(12):
            self.observe()

    def change(self) -> None:
        """Let one thing happen."""
        acts = (self.document, self.observe, self.observe, self.supersede, self.supersede, self.link, self.summarize)
        self.chance.choice((*acts, self.embed_late, self.merge, self.unsay))()

    def document(self) -> None:
        self.documents.append(f"document {len(self.documents)}")
        self.link(self.documents[-1])

    def link(self, document: str | None = None) -> None:
        """Give a document other edges."""
        ends = self.chance.sample(self.entities, self.chance.randint(0, 3))
        parent = self.chance.choice((None, *self.documents))
        edges = [(self.chance.choice(_EDGES), entity) for entity in ends]
        self.world.document(document or self.chance.choice(self.documents), edges, parent=parent)

    def observe(self) -> None:
        self.count += 1
        name = f"observation {self.count}"
        title, summary = (self.chance.choice((None, f"{view} {self.count}")) for view in ("title", "summary"))
        where = f"{self.world.workspace}:{self.chance.choice(self.documents)}"
        days, is_embedded = self.chance.uniform(0, 300), self.chance.random() < 0.8
        told = self.world.observe(name, where, days=days, title=title, summary=summary, embedded=is_embedded)
        self.observations.append(told)

    def supersede(self) -> None:
        self.world.supersede(self.observations.pop(self.chance.randrange(len(self.observations))))
        self.observe()

    def summarize(self) -> None:
        self.count += 1
        evidence = self.chance.sample(self.observations, 3)
        self.world.summarize(f"summary {self.count}", *evidence, days=self.chance.uniform(0, 300))

    def unsay(self) -> None:
        self.world.execute(
            "DELETE FROM memory_summaries WHERE summary_id IN (SELECT min(summary_id) FROM memory_summaries)"
        )

    def embed_late(self) -> None:
        rows = self.world.execute("SELECT text, title, summary FROM memory_observations WHERE superseded_at IS NULL")
        self.world.embed(*(words for row in rows for words in row if words is not None))

    def merge(self) -> None:
        first, second = self.chance.sample(range(5), 2)
        self.world.execute("UPDATE entities SET merged_into = NULL")
        self.world.entity(f"person {first}", merged_into=self.entities[second])


def _contents(world: ProfileWorld) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    """Read the centroids, and the rest of the profiles; keywords are weighed against others as they were then."""
    rows = world.execute("SELECT entity_id, observation_count, summary_count, evidence_hash FROM memory_profiles")
    said = {row.entity_id: replace(world.profile(row.entity_id).descriptors, keywords=()) for row in rows}
    return world.centroids(), {row.entity_id: (*row[1:], said[row.entity_id]) for row in rows}


@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_changes_profiles_are_as_if_made_from_scratch(world: ProfileWorld, seed: int) -> None:
    life = _Life(world, random.Random(seed))
    life.begin()
    spared = 0
    for number in range(_ROUNDS):
        for _ in range(life.chance.randint(1, 4)):
            life.change()
        report = world.rebuild(now=NIGHT + timedelta(days=number))
        spared += report.unchanged
        centroids, rest = _contents(world)
        world.forget_profiles()
        world.rebuild()
        expected, expected_rest = _contents(world)
        assert rest == expected_rest
        assert centroids.keys() == expected.keys()
        for key, values in expected.items():
            np.testing.assert_allclose(centroids[key], values, atol=1e-6)
    assert spared > 0, "something was left as it was"


def test_an_idle_night_writes_nothing_and_reads_no_vector(
    world: ProfileWorld, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _Life(world, random.Random(3)).begin()
    world.rebuild()
    before = world.state()
    monkeypatch.setattr(profile_evidence, "stream_evidence", None)
    switch = Switch()
    counted = counted_session(session, tmp_path, switch)
    report = world.rebuild(now=NIGHT + timedelta(days=400), stores=counted.stores)
    counted.close()
    assert (report.written, report.deleted, report.movers) == (0, 0, [])
    assert report.unchanged == report.seen > 0
    assert switch.writes == []
    assert world.state() == before


def _two_nights(world: ProfileWorld) -> list[Callable[[], None]]:
    """Tell of evidence, and let some of it change, so that profiles are made, changed and let go."""
    life = _Life(world, random.Random(4))

    def change() -> None:
        world.execute("DELETE FROM relationships WHERE to_id = :gone", gone=life.entities[0])
        world.supersede(*life.observations[:3])
        life.observe()
        life.embed_late()

    return [life.begin, change]


def _wipe(world: ProfileWorld) -> None:
    world.forget_profiles()
    for table in ("memory_observations", "knowledge_documents", "relationships", "entities", "embeddings"):
        world.execute(f"DELETE FROM {table}")


def test_killed_at_any_write_the_next_run_ends_where_one_run_does(
    world: ProfileWorld, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "_ENTITIES_AT_ONCE", 3)

    def rebuild(switch: Switch) -> None:
        counted = counted_session(session, tmp_path, switch)
        world.rebuild(stores=counted.stores)
        counted.close()

    expected, writes = [], []
    for change in _two_nights(world):
        change()
        switch = Switch()
        rebuild(switch)
        writes.append(len(switch.writes))
        expected.append(world.state())
    assert min(writes) >= 2

    for at in range(1, max(writes) + 1):
        _wipe(world)
        for change, count, state, moment in zip(_two_nights(world), writes, expected, _MOMENTS, strict=True):
            change()
            assert was_killed(lambda at=at, moment=moment: rebuild(Switch(at, moment))) is (at <= count)  # type: ignore[misc]  # bound now, not called with them
            world.rebuild()
            assert world.state() == state, f"killed {moment} write {at}"


@pytest.mark.parametrize("is_locked", [True, False], ids=["with the lock", "without the lock"])
def test_two_runs_at_once_end_as_one(
    world: ProfileWorld, session: Session, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    if not is_locked:  # it spares work; that the result is right must not hang on it
        monkeypatch.setattr(Database, "lock", lambda *_: nullcontext())
    barrier = _FORK.Barrier(2)

    def rebuild() -> None:
        own = Session(session.settings, session.endpoints)
        barrier.wait(timeout=60)
        world.rebuild(stores=own.stores)
        own.close()

    for change in _two_nights(world):
        change()
        processes = [_FORK.Process(target=rebuild) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(timeout=120)
        assert [process.exitcode for process in processes] == [0, 0]
        world.rebuild()
        centroids, rest = _contents(world)
        world.forget_profiles()
        world.rebuild()
        expected, expected_rest = _contents(world)
        assert rest == expected_rest
        assert {key: value.tobytes() for key, value in centroids.items()} == {
            key: value.tobytes() for key, value in expected.items()
        }
