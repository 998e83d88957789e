"""Documents of those whose profile is much nearer to a question than all others; signals of documents."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.retrieval.profile_similarity import NearEntity, near_entities, profile_similarity
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import places
from neural_memory_pipelines.stores.postgres.ranking_signals import RankingSignals, ranking_signals
from neural_memory_pipelines.stores.postgres.workspaces import register_version
from tests.steps.profile_world import START, ProfileWorld, Vector, vector_of

NAMES = ("ada", "ben", "cleo", "dev", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lea")


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> ProfileWorld:
    """Twelve persons, each with a document and what was observed in it; Ada and Ben share one more."""
    register_version(stores.database, version)
    world = ProfileWorld(stores, workspace, version)
    people = {name: world.entity(name) for name in NAMES}
    for name, person in people.items():
        document = world.document(f"of {name}", [("AUTHORED_BY", person)])
        world.observe(f"work of {name}", document)
        _involve(world, document, person)
    shared = world.document("shared", [("AUTHORED_BY", people["ada"]), ("ASSIGNED_TO", people["ben"])])
    for name in ("ada", "ben"):
        _involve(world, shared, people[name])
    world.rebuild()
    reconcile_index(Scope(workspace, version, Family.PROFILES, stores))
    return world


def _involve(world: ProfileWorld, document: str, person: EntityId) -> None:
    world.execute(
        "INSERT INTO document_entities (workspace_id, document_id, entity_id, role, link_id) "
        "VALUES (:workspace, :document, :entity, 'author', '')",
        document=document, entity=person,
    )  # fmt: skip


def _near(world: ProfileWorld, question: Vector, *, include_private: bool = False) -> list[NearEntity]:
    with world.stores.database.transaction(world.workspace) as tx:
        searched = places.places(tx, world.version, [Family.PROFILES])
    assert searched
    return near_entities(world.stores.vectors, searched, query_vector=question, include_private=include_private)


def _question(world: ProfileWorld, *names: str) -> Vector:
    total = np.sum([vector_of(f"work of {name}", world.version.dim) for name in names], axis=0)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def test_documents_of_whom_the_question_sounds_like(world: ProfileWorld) -> None:
    near = _near(world, _question(world, "ada"))
    assert [entity.entity_id for entity in near] == [f"{world.workspace}:ada"]
    documents = [f"{world.workspace}:{name}" for name in ("of ada", "of ben", "shared")]
    with world.stores.database.transaction(world.workspace) as tx:
        matches = profile_similarity(tx, near, documents)
    assert set(matches) == {documents[0], documents[2]}
    for match in matches.values():
        assert (match.name, match.value) == ("ada", 1.0)
        assert match.cosine == pytest.approx(1.0, abs=1e-5)


def test_a_question_that_sounds_like_nobody_or_like_all_matches_none(world: ProfileWorld) -> None:
    assert _near(world, _question(world, *NAMES)) == []
    with world.stores.database.transaction(world.workspace) as tx:
        assert profile_similarity(tx, [], [f"{world.workspace}:of ada"]) == {}


def test_without_profiles_nothing_is_near(world: ProfileWorld) -> None:
    question = _question(world, "ada")
    assert near_entities(world.stores.vectors, [], query_vector=question, include_private=False) == []


def test_a_private_profile_is_for_those_alone_who_ask_for_it(world: ProfileWorld) -> None:
    world.execute("UPDATE profile_centroids SET privacy = 'private' WHERE entity_id = :id", id=f"{world.workspace}:ada")
    reconcile_index(Scope(world.workspace, world.version, Family.PROFILES, world.stores))
    question = _question(world, "ada")
    assert f"{world.workspace}:ada" not in {entity.entity_id for entity in _near(world, question)}
    assert _near(world, question, include_private=True)[0].entity_id == f"{world.workspace}:ada"


def test_signals_of_documents_are_read_at_once(world: ProfileWorld) -> None:
    weighty, quiet, hidden = world.document("weighty"), world.document("quiet"), world.document("h", privacy="private")
    for name, importance, privacy in (("minor", 0.2, "org"), ("major", 0.7, "org"), ("secret", 0.9, "private")):
        observation = world.observe(name, weighty, privacy=privacy, embedded=False)
        world.execute(
            "UPDATE memory_observations SET importance = :importance WHERE observation_id = :id",
            importance=importance, id=observation,
        )  # fmt: skip
    world.supersede(world.observe("was", quiet, embedded=False))
    world.execute("UPDATE knowledge_documents SET deleted_at = :at, occurred_at = :at WHERE document_id = :id",
                  at=START + timedelta(days=1), id=quiet)  # fmt: skip
    asked = [weighty, quiet, hidden, weighty, "unknown"]
    with world.stores.database.transaction(world.workspace) as tx:
        shown = ranking_signals(tx, asked, include_private=False)
        every = ranking_signals(tx, asked, include_private=True)
    assert shown == {
        weighty: RankingSignals(START, "org", False, 1, shown[weighty].importance),
        quiet: RankingSignals(START + timedelta(days=1), "org", True, 1, 0.0),
    }
    assert shown[weighty].importance == pytest.approx(0.7)
    assert every.keys() == {weighty, quiet, hidden}
    assert every[weighty].importance == pytest.approx(0.9)
