"""Documents are near what a question names by one edge or two, less by way of hubs, and never by what is hidden."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.retrieval.answers import UsedEdge
from neural_memory_pipelines.retrieval.graph_bias import Seed, graph_bias, neighbours
from neural_memory_pipelines.stores.bundle import Stores
from tests.steps.profile_world import START

from .graph_world import GraphWorld


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId) -> GraphWorld:
    return GraphWorld(stores, workspace)


LOOSE = 0.3


def _through(degree: int) -> float:
    return LOOSE**2 * 0.6 / math.log2(2 + degree)


def test_one_edge_carries_the_weight_of_its_seed_whichever_way_it_points(world: GraphWorld) -> None:
    world.documents("question", "answer", "other")
    edge = world.edge("RESOLVES", "answer", "question", quote="Fixes #12", confidence=0.9)
    from_question = world.bias({"question": 0.5}, ["answer", "other", "question"])
    assert from_question.keys() == {"answer"}
    assert from_question["answer"].value == pytest.approx(0.45)
    used = UsedEdge("RESOLVES", "ANSWER", "QUESTION", 1, edge, "Fixes #12")
    assert from_question["answer"].edges == (used,)
    assert world.bias({"answer": 1.0}, ["question"])["question"].edges == (used,)


def test_two_edges_carry_less_the_more_the_node_between_is_tied_to(world: GraphWorld) -> None:
    names = [f"d{number}" for number in range(40)]
    world.documents("seed", "beside", *names)
    world.entities("ada", "ben")
    first = world.edge("ASSIGNED_TO", "seed", "ben", target_kind="person")
    second = world.edge("ASSIGNED_TO", "beside", "ben", target_kind="person")
    for name in ["seed", *names]:
        world.edge("AUTHORED_BY", name, "ada", target_kind="person")
    found = world.bias({"seed": 1.0}, ["beside", *names])
    assert found["beside"].value == pytest.approx(_through(2))
    assert "d7" not in found  # too weak to be shown
    assert found["beside"].edges == (
        UsedEdge("ASSIGNED_TO", "SEED", "Ben", 1, first, "field parent"),
        UsedEdge("ASSIGNED_TO", "BESIDE", "Ben", 2, second, "field parent"),
    )


def test_a_hub_is_not_walked_through_yet_named_it_is_near_all_that_points_at_it(world: GraphWorld) -> None:
    names = [f"d{number}" for number in range(130)]
    world.documents(*names)
    world.entities("shop", kind="repository")
    for name in names:
        world.edge("PART_OF", name, "shop", target_kind="repository")
    assert world.bias({"d0": 1.0}, names) == {}
    found = world.bias({"shop": 1.0}, names[:20])
    assert found.keys() == set(names[:20])
    assert {bias.value for bias in found.values()} == {1.0}
    assert world.neighbours("shop", limit=200) == []
    world.documents("note")
    world.mention("note", "shop", "in the shop")
    assert [edge.because for edge in world.bias({"shop": 1.0}, ["note"])["note"].edges] == ["in the shop"]


def test_more_paths_bring_nearer_and_never_beyond_1(world: GraphWorld) -> None:
    seeds = [f"s{number}" for number in range(12)]
    world.documents("answer", *seeds)
    for seed in seeds:
        world.edge("RESOLVES", seed, "answer", quote="see #1")
    values = [world.bias(dict.fromkeys(seeds[:count], 0.3), ["answer"])["answer"].value for count in (1, 2, 12)]
    assert values == pytest.approx([0.3, 1 - 0.7**2, 1 - 0.7**12])
    assert world.bias(dict.fromkeys(seeds, 1.0), ["answer"])["answer"].value == 1.0


def test_of_the_paths_from_one_seed_the_strongest_counts(world: GraphWorld) -> None:
    world.documents("seed", "answer", "between")
    world.edge("REFERENCES", "seed", "answer", quote="weak")
    world.edge("RESOLVES", "seed", "answer", quote="strong", confidence=0.8)
    world.edge("REFERENCES", "seed", "between")
    world.edge("REFERENCES", "between", "answer")
    bias = world.bias({"seed": 1.0}, ["answer"])["answer"]
    assert bias.value == pytest.approx(0.8)
    assert [edge.because for edge in bias.edges] == ["strong"]


def test_a_document_is_not_near_itself(world: GraphWorld) -> None:
    world.documents("seed", "other")
    world.entities("ada")
    world.edge("AUTHORED_BY", "seed", "ada", target_kind="person")
    assert world.bias({"seed": 1.0}, ["seed"]) == {}
    world.edge("AUTHORED_BY", "other", "ada", target_kind="person")
    assert world.bias({"seed": 1.0, "other": 0.8}, ["seed"])["seed"].value == pytest.approx(0.8 * _through(2))


@pytest.mark.parametrize(("type_", "value"), [("RESOLVES", 1.0), ("SUPERSEDES", 1.0), ("REFERENCES", LOOSE)])
def test_what_settles_or_replaces_is_nearer_than_what_is_mentioned(type_: str, value: float, world: GraphWorld) -> None:
    world.documents("seed", "answer")
    world.edge(type_, "seed", "answer")
    assert world.bias({"seed": 1.0}, ["answer"])["answer"].value == pytest.approx(value)


def test_who_is_mentioned_is_tied(world: GraphWorld) -> None:
    world.documents("note")
    world.entities("ada")
    world.mention("note", "ada", "@ada please look")
    bias = world.bias({"ada": 1.0}, ["note"])["note"]
    assert bias.value == 1.0
    assert [(edge.type, edge.origin, edge.target, edge.because) for edge in bias.edges] == [
        ("MENTIONS", "NOTE", "Ada", "@ada please look")
    ]


@pytest.mark.parametrize("hidden", ["document", "evidence", "between"])
def test_what_is_private_does_not_exist_unless_asked_for(hidden: str, world: GraphWorld) -> None:
    world.documents("seed")
    world.documents("answer", privacy="private" if hidden == "document" else "org")
    world.documents("between", privacy="private" if hidden == "between" else "org")
    world.documents("secret", privacy="private")
    stated = ("secret",) if hidden == "evidence" else None
    world.edge("REFERENCES", "seed", "between", stated_in=stated)
    world.edge("REFERENCES", "between", "answer", stated_in=stated)
    world.edge("RESOLVES", "seed", "answer", stated_in=("secret",))
    assert world.bias({"seed": 1.0}, ["answer"]) == {}
    assert world.bias({"seed": 1.0}, ["answer"], include_private=True)["answer"].value == 1.0
    assert "answer" not in world.neighbours("seed")
    assert "answer" in world.neighbours("seed", include_private=True)


def test_an_edge_that_is_stated_in_public_too_is_told_by_the_public_words(world: GraphWorld) -> None:
    world.documents("seed", "answer")
    world.documents("secret", privacy="private")
    edge = world.edge("REFERENCES", "seed", "answer", stated_in=("secret", "seed"), quote="as said")
    world.execute(
        "UPDATE relationship_evidence SET quote = 'between us' WHERE document_id = :id", id=world.id("secret")
    )
    shown = world.bias({"seed": 1.0}, ["answer"])["answer"].edges
    assert [(used.relationship_id, used.because) for used in shown] == [(edge, "as said")]
    every = world.bias({"seed": 1.0}, ["answer"], include_private=True)["answer"].edges
    assert [used.because for used in every] == ["between us"]


def test_what_is_deleted_or_retired_ties_nothing(world: GraphWorld) -> None:
    world.documents("seed", "answer", "told")
    world.documents("gone", deleted=True)
    world.edge("REFERENCES", "seed", "gone")
    world.edge("REFERENCES", "gone", "answer")
    world.edge("REFERENCES", "seed", "answer", retired=True)
    world.edge("BLOCKED_BY", "seed", "told", stated_in=("gone",))
    world.edge("PART_OF", "seed", "told", stated_in=())
    for include_private in (False, True):
        assert world.bias({"seed": 1.0}, ["answer", "gone", "told"], include_private=include_private) == {}
        assert world.neighbours("seed", include_private=include_private) == []


def test_neighbours_are_the_surest_and_then_the_latest(world: GraphWorld) -> None:
    world.documents("old")
    world.documents("new", at=START + timedelta(days=9))
    world.documents("unsure", at=START + timedelta(days=90))
    world.entities("ada")
    for name, confidence in (("old", 1.0), ("new", 1.0), ("unsure", 0.6)):
        world.edge("AUTHORED_BY", name, "ada", target_kind="person", confidence=confidence)
    assert world.neighbours("ada") == ["new", "old", "unsure"]
    assert world.neighbours("ada", limit=1) == ["new"]
    assert world.neighbours("ada", "new") == ["old", "unsure"]


def test_seeds_without_weight_and_unknown_ones_say_nothing(world: GraphWorld) -> None:
    world.documents("seed", "answer")
    world.edge("REFERENCES", "seed", "answer")
    assert world.bias({"seed": 0.0, "nobody": 1.0}, ["answer"]) == {}
    assert world.bias({}, ["answer"]) == {}
    assert world.bias({"seed": 1.0}, []) == {}
    assert world.neighbours() == []


def test_another_workspace_sees_no_edge(world: GraphWorld) -> None:
    world.documents("seed", "answer")
    world.edge("REFERENCES", "seed", "answer")
    seed, answer = Seed("document", world.id("seed")), world.id("answer")
    with world.stores.database.transaction(WorkspaceId(f"{world.workspace}-other")) as tx:
        assert graph_bias(tx, [seed], [answer], include_private=True) == {}
        assert neighbours(tx, [seed], limit=10, include_private=True) == []
    with world.stores.database.transaction(world.workspace) as tx:
        assert graph_bias(tx, [seed], [answer], include_private=True).keys() == {answer}
