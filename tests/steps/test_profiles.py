"""Profiles are the weighted means of their evidence, counted for whom it belongs to, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, successor
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.steps.consolidation import profile
from neural_memory_pipelines.steps.consolidation.profile import accept_profile
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import every_live_row_embedded, index_parity
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import lifecycles
from neural_memory_pipelines.stores.postgres.profiles import drift_history
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .profile_world import NIGHT, START, ProfileWorld, Vector, vector_of


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> ProfileWorld:
    register_version(stores.database, version)
    return ProfileWorld(stores, workspace, version)


def _mean(world: ProfileWorld, *parts: tuple[str, float]) -> Vector:
    total = sum(vector_of(words, world.version.dim).astype(np.float64) * weight for words, weight in parts)
    return np.asarray(total / np.linalg.norm(total), dtype=np.float32)


def test_centroids_are_weighted_by_time_and_keyed_by_view(world: ProfileWorld) -> None:
    ada, ben = world.entity("Ada"), world.entity("Ben")
    first = world.document("first", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ada)])
    second = world.document("second", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ben)])
    world.observe("old", first, days=0, title="old title")
    world.observe("new", second, days=90, summary="new summary")

    report = world.rebuild()
    assert (report.seen, report.written, report.failed, report.kinds) == (2, 2, 0, {"person": 2})
    centroids = world.centroids()
    assert set(centroids) == {(ada, "body"), (ada, "title"), (ada, "summary"), (ben, "body"), (ben, "summary")}
    np.testing.assert_allclose(centroids[ada, "body"], _mean(world, ("old", 0.5), ("new", 1)), atol=1e-6)
    np.testing.assert_allclose(centroids[ada, "title"], _mean(world, ("old title", 1)), atol=1e-6)
    np.testing.assert_allclose(centroids[ben, "summary"], _mean(world, ("new summary", 1)), atol=1e-6)

    shorter = replace(DEFAULT_CONSOLIDATION, half_life_days=30.0)
    assert world.rebuild(settings=shorter).written == 2
    np.testing.assert_allclose(world.centroids()[ada, "body"], _mean(world, ("old", 0.125), ("new", 1)), atol=1e-6)


def test_a_summary_counts_by_its_share_about_an_entity(world: ProfileWorld) -> None:
    ada, ben = world.entity("Ada"), world.entity("Ben")
    hers, his = world.document("hers", [("AUTHORED_BY", ada)]), world.document("his", [("AUTHORED_BY", ben)])
    a1, a2 = world.observe("a1", hers), world.observe("a2", hers)
    b1 = world.observe("b1", his)
    world.summarize("of Ada", a1, a2)
    world.summarize("of both", a1, b1, "nobody", "nothing")
    world.rebuild()
    centroids = world.centroids()
    np.testing.assert_allclose(centroids[ada, "summary"], _mean(world, ("of Ada", 1), ("of both", 0.25)), atol=1e-6)
    np.testing.assert_allclose(centroids[ben, "summary"], _mean(world, ("of both", 1)), atol=1e-6)
    assert world.profile(ada).summary_count == 2

    world.execute("UPDATE memory_summaries SET text = 'of Ada, again' WHERE text = 'of Ada'")
    world.embed("of Ada, again")
    assert world.rebuild().written == 1
    rewritten = _mean(world, ("of Ada, again", 1), ("of both", 0.25))
    np.testing.assert_allclose(world.centroids()[ada, "summary"], rewritten, atol=1e-6)

    world.execute("UPDATE memory_summaries SET superseded_at = now() WHERE text = 'of both'")
    assert world.rebuild().written == 2
    assert (ben, "summary") not in world.centroids()
    assert world.profile(ben).summary_count == 0


def test_what_few_may_read_or_what_is_gone_makes_no_profile(world: ProfileWorld) -> None:
    ada, ben, cyd = world.entity("Ada"), world.entity("Ben"), world.entity("Cyd")
    shown = world.document("shown", [("AUTHORED_BY", ada)])
    hidden = world.document("hidden", [("AUTHORED_BY", ben), ("ASSIGNED_TO", ada)], privacy="private")
    deleted = world.document("deleted", [("AUTHORED_BY", cyd), ("ASSIGNED_TO", ada)])
    world.observe("said", shown)
    world.observe("whispered", shown, privacy="private")
    world.observe("kept back", hidden)
    world.observe("taken back", deleted)
    world.supersede(world.observe("not any more", shown))
    world.execute("UPDATE knowledge_documents SET deleted_at = now() WHERE source_id = 'deleted'")

    assert world.rebuild().seen == 1
    np.testing.assert_allclose(world.centroids()[ada, "body"], _mean(world, ("said", 1)), atol=1e-6)
    told = world.profile(ada).descriptors
    assert told.collaborators == ()
    assert [(act.edge, act.documents) for act in told.contributions] == [("AUTHORED_BY", 1)]
    for nobody in (ben, cyd):
        with pytest.raises(NotFoundError, match="no profile"):
            world.profile(nobody)

    world.execute("UPDATE knowledge_documents SET privacy = 'private' WHERE source_id = 'shown'")
    report = world.rebuild()
    assert (report.seen, report.deleted, world.centroids()) == (0, 1, {})
    assert world.state()["vectors"] == sorted(
        (hash_text(words),) for words in ("said", "whispered", "kept back", "taken back", "not any more")
    )


def test_an_account_that_is_merged_leaves_its_profile_to_the_person(world: ProfileWorld) -> None:
    ada, login = world.entity("Ada"), world.entity("ada-login")
    world.observe("one", world.document("d1", [("AUTHORED_BY", ada)]))
    world.observe("two", world.document("d2", [("AUTHORED_BY", login), ("ASSIGNED_TO", ada)]))
    world.rebuild()
    assert [item.name for item in world.profile(ada).descriptors.collaborators] == ["ada-login"]

    world.entity("ada-login", merged_into=ada)
    report = world.rebuild()
    assert (report.seen, report.written, report.deleted) == (1, 1, 1)
    assert world.profile(ada).observation_count == 2
    assert world.profile(ada).descriptors.collaborators == ()
    assert set(world.centroids()) == {(ada, "body")}
    assert len(world.state()["vectors"]) == 3, "two texts and one centroid"


def test_vectors_that_are_not_there_yet_are_told_of_and_count_later(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    page = world.document("page", [("AUTHORED_BY", ada)])
    world.observe("there", page)
    world.observe("late", page, title="late title", embedded=False)
    report = world.rebuild()
    assert report.failed == 1
    assert "1 profiles lack vectors of some of their texts, 2 in all" in report.notes[0]
    np.testing.assert_allclose(world.centroids()[ada, "body"], _mean(world, ("there", 1)), atol=1e-6)
    assert world.rebuild().written == 0

    world.embed("late", "late title")
    later = NIGHT + timedelta(days=1)
    report = world.rebuild(now=later)
    assert (report.written, report.failed, report.notes) == (1, 0, [])
    assert world.profile(ada).accepted_at == later, "what lacked vectors is nothing to measure drift from"
    np.testing.assert_allclose(world.centroids()[ada, "body"], _mean(world, ("there", 1), ("late", 1)), atol=1e-6)


def test_without_any_vector_there_is_a_profile_in_words_and_its_first_centroid_is_accepted(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    world.observe("a word", world.document("page", [("AUTHORED_BY", ada)]), embedded=False)
    world.rebuild()
    assert world.centroids() == {}
    assert world.profile(ada).descriptors.keywords == ("word",)
    with pytest.raises(NotFoundError, match="none to accept"):
        _accept(world, ada, NIGHT)

    world.embed("a word")
    world.rebuild(now=NIGHT + timedelta(days=1))
    assert world.profile(ada).accepted_at == NIGHT + timedelta(days=1)
    assert world.profile(ada).drift_cosine == 0


def _accept(world: ProfileWorld, entity: str, now: object) -> None:
    accept_profile(world.workspace, world.version, entity, stores=world.stores, accepted_by="eve", now=now)  # type: ignore[arg-type]  # an id and a time, whatever their types here


def test_drift_is_measured_from_what_was_accepted_until_somebody_accepts_more(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    page = world.document("page", [("AUTHORED_BY", ada)])
    world.observe("start", page)
    assert world.rebuild().flagged == []
    nights = [NIGHT + timedelta(days=number) for number in range(1, 5)]

    for number, night in enumerate(nights[:3]):
        world.observe(f"elsewhere {number}", page)
        report = world.rebuild(now=night)
    expected = _mean(world, ("start", 1), *((f"elsewhere {number}", 1) for number in range(3)))
    drift = 1 - float(vector_of("start", world.version.dim) @ expected)
    assert world.profile(ada).drift_cosine == pytest.approx(drift, abs=1e-6)
    assert world.profile(ada).accepted_at == NIGHT
    assert [(mover.name, mover.drift_cosine) for mover in report.flagged] == [("Ada", pytest.approx(drift, abs=1e-6))]
    assert 0 < (report.movers[0].change_cosine or 0) < drift
    assert "more than 0.25 from the accepted ones: Ada" in report.notes[0]
    assert world.rebuild(now=nights[3]).flagged == [replace(report.flagged[0], change_cosine=None)]

    _accept(world, ada, nights[3])
    accepted = world.profile(ada)
    assert (accepted.drift_cosine, accepted.accepted_by, accepted.accepted_at) == (0, "eve", nights[3])
    assert world.rebuild(now=nights[3]).flagged == []
    with world.stores.database.transaction(world.workspace) as tx:
        history = drift_history(tx, world.version, entities=[ada])
    assert [(point.at, point.observation_count) for point in history] == [
        (NIGHT, 1), (nights[0], 2), (nights[1], 3), (nights[2], 4), (nights[3], 4),
    ]  # fmt: skip
    drifts = [point.drift_cosine for point in history]
    assert drifts[0] == drifts[-1] == 0
    assert 0 < drifts[1] < drifts[2] < drifts[3]


def test_a_version_has_profiles_of_its_own(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    world.observe("start", world.document("page", [("AUTHORED_BY", ada)]))
    world.rebuild()
    other = successor(world.version, model="hash/char-ngram-384", dim=384)
    register_version(world.stores.database, other)
    world.embed("start", version=other)
    before = world.state()
    world.observe("more", world.document("page 2", [("AUTHORED_BY", ada)]))
    world.embed("more", version=other)

    later = NIGHT + timedelta(days=3)
    assert world.rebuild(version=other, now=later).written == 1
    assert (world.profile(ada, other).accepted_at, world.profile(ada, other).drift_cosine) == (later, 0)
    assert set(before["profiles"]) < set(world.state()["profiles"])

    with world.stores.database.transaction(world.workspace) as tx:
        lifecycles.begin(tx, other.name, VersionStatus.ARCHIVED, reason="a test")
    with pytest.raises(PermanentError, match="archived"):
        world.rebuild(version=other)


def test_two_entities_with_the_same_evidence_share_a_vector_until_both_let_go(world: ProfileWorld) -> None:
    ada, ben = world.entity("Ada"), world.entity("Ben")
    both = world.document("both", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ben)])
    world.observe("same", both)
    world.rebuild()
    assert len({row[2] for row in world.state()["centroids"]}) == 1

    world.document("both", [("AUTHORED_BY", ada)])
    assert world.rebuild().deleted == 1
    assert set(world.centroids()) == {(ada, "body")}
    world.document("both", [])
    world.rebuild()
    assert world.state()["vectors"] == [(hash_text("same"),)]


def test_the_index_follows_profiles(world: ProfileWorld) -> None:
    ada, ben = world.entity("Ada"), world.entity("Ben")
    world.observe("hers", world.document("hers", [("AUTHORED_BY", ada)]), title="title")
    world.observe("his", world.document("his", [("AUTHORED_BY", ben)]))
    world.rebuild()
    scope = Scope(world.workspace, world.version, Family.PROFILES, world.stores)
    assert reconcile_index(scope).written == 3
    assert scope.indexed_ids() == {f"{ada}:body", f"{ada}:title", f"{ben}:body"}

    world.document("his", [("AUTHORED_BY", ada)])
    world.rebuild()
    report = reconcile_index(scope)
    assert (report.written, report.deleted) == (1, 1)
    assert scope.indexed_ids() == {f"{ada}:body", f"{ada}:title"}
    assert index_parity(scope).passed
    assert every_live_row_embedded(scope).passed


def test_a_profile_whose_vectors_were_dropped_is_made_again(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    world.observe("start", world.document("page", [("AUTHORED_BY", ada)]))
    world.rebuild()
    before = world.state()
    world.execute("DELETE FROM embeddings")
    world.embed("start")
    assert world.rebuild(now=NIGHT).written == 1
    assert world.state()["centroids"] == before["centroids"]
    assert world.rebuild().written == 0


def test_what_changes_while_profiles_are_made_is_seen_by_the_next_run(
    world: ProfileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = world.entity("Ada")
    page = world.document("page", [("AUTHORED_BY", ada)])
    world.observe("start", page)
    describe = profile.describe_entities

    def meanwhile(*args: object, **kwargs: object) -> object:
        world.observe("meanwhile", page, days=5)
        return describe(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(profile, "describe_entities", meanwhile)
        world.rebuild()
    world.supersede(f"{world.workspace}:meanwhile")  # as it was when the run began
    assert world.rebuild().written == 1
    assert world.profile(ada).observation_count == 1
    assert world.profile(ada).descriptors.last_seen_at == START
