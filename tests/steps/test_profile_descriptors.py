"""What a profile says of an entity: on the sample workspace, and case by case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.consolidation import DEFAULT_CONSOLIDATION
from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.identities import decide_identity
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.profiles import find_entity, list_profiles, nearest_profiles
from neural_memory_pipelines.stores.postgres.workspaces import register_version
from tests.conftest import SAMPLES

from .pipeline import ingest_folder, run_path
from .profile_world import NIGHT, START, ProfileWorld


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> ProfileWorld:
    register_version(stores.database, version)
    return ProfileWorld(stores, workspace, version)


def _sample_lines(workspace: WorkspaceId) -> Iterator[bytes]:
    for file in sorted(SAMPLES.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            yield json.dumps({**json.loads(line), "workspaceId": workspace}).encode()


def _found(world: ProfileWorld, name: str) -> EntityId:
    with world.stores.database.transaction(world.workspace) as tx:
        return EntityId(find_entity(tx, name).entity_id)


def test_the_profile_of_an_owner_in_the_sample_names_the_components(session: Session, world: ProfileWorld) -> None:
    ingest_folder(session, world.workspace, SAMPLES / "docs")
    put_lines(session.stores.objects, world.workspace, list(_sample_lines(world.workspace)))
    run_path(session, world.workspace)
    assert world.rebuild().written > 10
    pipeline = "/docs/architecture/webhook-pipeline.md"
    owned = {pipeline, "/docs/runbooks/release.md", "/docs/runbooks/webhook-replay.md"}

    login = world.profile(_found(world, "@SDevries"))
    assert {item.name for item in login.descriptors.components if item.owns} == owned
    assert {"receiver", "dispatcher"} < set(login.descriptors.keywords)
    assert [item.name for item in login.descriptors.repositories] == ["harbor-labs/payments"]
    assert {item.name for item in login.descriptors.collaborators} >= {"mlindqvist", "tibarra", "ytanabe"}
    assert "authored pull_request" in [act.said for act in login.descriptors.contributions]
    lead = world.profile(_found(world, "mlindqvist")).descriptors
    assert lead.components[-1].name == "*", "what stands for everything comes last"

    for account in ("docs-login:sanne de vries", "linear:b4fb8a3d-d20b-4022-a023-85e59ede12f4"):
        decide_identity(
            world.workspace, "merge", names=("github-login:sdevries", account), decided_by="eve", reason="known",
            stores=session.stores,
        )  # fmt: skip
    assert world.rebuild().deleted == 1
    owned |= {"receiver", "dispatcher"}
    sanne = world.profile(_found(world, "Sanne de Vries"))
    assert _found(world, "sdevries") == sanne.entity_id
    assert {item.name for item in sanne.descriptors.components if item.owns} == owned
    assert [item.name for item in sanne.descriptors.projects] == ["Durable webhooks"]
    assert sanne.observation_count > login.observation_count

    with session.stores.database.transaction(world.workspace) as tx:
        assert list_profiles(tx, world.version, 2)[0].name == "harbor-labs/payments"
        near = nearest_profiles(tx, world.version, sanne.entity_id, limit=3)
    assert near[0].name == "harbor-labs/payments"
    assert near[0].similarity_cosine > near[1].similarity_cosine > near[2].similarity_cosine


def test_who_comments_takes_part_in_the_work_and_is_counted_once_a_work(world: ProfileWorld) -> None:
    ada, ben, cyd = world.entity("Ada"), world.entity("Ben"), world.entity("Cyd")
    shop, berths = world.entity("shop", kind="repository"), world.entity("berths", kind="component")
    world.observe("one", world.document("i1", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ada), ("PART_OF", shop)]))
    world.document("i1/1", [("AUTHORED_BY", ben)], kind="comment", parent="i1")
    world.document("i1/2", [("AUTHORED_BY", ben)], kind="comment", parent="i1")
    world.document("i2", [("AUTHORED_BY", ada), ("ASSIGNED_TO", ben), ("TOUCHES_COMPONENT", berths)])
    world.document("i3", [("AUTHORED_BY", ada), ("REVIEWED_BY", cyd)], kind="pull_request")
    world.document("i4", [("AUTHORED_BY", ada), ("REVIEWED_BY", cyd)], kind="pull_request", privacy="private")
    world.rebuild()
    said = world.profile(ada).descriptors
    assert [(item.name, item.works) for item in said.collaborators] == [("Ben", 2), ("Cyd", 1)]
    assert [(act.said, act.documents) for act in said.contributions] == [
        ("authored issue", 2), ("assigned issue", 1), ("authored pull_request", 1),
    ]  # fmt: skip
    assert [(item.name, item.owns, item.works) for item in said.components] == [("berths", False, 1)]
    assert [item.name for item in world.profile(shop).descriptors.collaborators] == ["Ada", "Ben"]

    world.entity("Benjamin")
    world.execute("UPDATE entities SET name = 'Benjamin Byron' WHERE entity_id = :id", id=ben)
    assert world.rebuild().written == 2
    assert world.profile(ada).descriptors.collaborators[0].name == "Benjamin Byron"


def test_what_only_a_private_document_says_of_ownership_is_not_told(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    world.observe("one", world.document("shown", [("AUTHORED_BY", ada)]))
    secret, known = world.entity("secret", kind="component"), world.entity("known", kind="component")
    hidden = world.document("hidden", privacy="private")
    for component, source in ((secret, hidden), (known, f"{world.workspace}:shown")):
        _state(world, world.tie("OWNED_BY", component, ada), source)
    world.observe("two", world.document("touches", [("TOUCHES_COMPONENT", known)]))
    world.rebuild()
    assert [(item.name, item.owns) for item in world.profile(ada).descriptors.components] == [("known", True)]
    assert [item.name for item in world.profile(known).descriptors.owners] == ["Ada"]

    world.document("hidden", privacy="org")
    assert world.rebuild().written == 1
    assert [item.name for item in world.profile(ada).descriptors.components] == ["known", "secret"]


def _state(world: ProfileWorld, edge: str, document: str) -> None:
    world.execute(
        "INSERT INTO relationship_evidence (workspace_id, relationship_id, link_id, document_id, start_char, end_char, "
        "quote, field, weight, since) VALUES (:workspace, :edge, :edge, :document, 0, 0, '', '', 1, :at)",
        edge=edge, document=document, at=START,
    )  # fmt: skip


def test_hours_are_those_of_the_workspace_and_a_mere_date_has_none(world: ProfileWorld) -> None:
    ada = world.entity("Ada")
    page = world.document("page", [("AUTHORED_BY", ada)])
    world.observe("at half past nine", page)
    world.observe("in summer", page, days=120)
    world.observe("on a date", page, days=14.5 / 24)
    world.rebuild()
    hours = world.profile(ada).descriptors.active_hours
    assert {hour: count for hour, count in enumerate(hours) if count} == {9: 2}

    berlin = replace(DEFAULT_CONSOLIDATION, timezone="Europe/Berlin")
    assert world.rebuild(settings=berlin, now=NIGHT).written == 1
    said = world.profile(ada).descriptors
    assert {hour: count for hour, count in enumerate(said.active_hours) if count} == {10: 1, 11: 1}
    assert (said.timezone, said.first_seen_at) == ("Europe/Berlin", START)
    assert said.last_seen_at == START + timedelta(days=120)


def test_an_entity_is_found_by_what_it_is_called_if_that_is_clear(world: ProfileWorld) -> None:
    team, project = world.entity("Harbor", kind="team"), world.entity("harbor-project", kind="project")
    ada, account = world.entity("Ada"), world.entity("ada-account")
    world.entity("ada-account", merged_into=ada)
    with world.stores.database.transaction(world.workspace) as tx:
        tx.connection.execute(text("UPDATE entities SET name = 'harbor' WHERE entity_id = :id"), {"id": project})
        tx.connection.execute(text("UPDATE entities SET key = 'linear:har' WHERE entity_id = :id"), {"id": team})
        tx.connection.execute(
            text("INSERT INTO entity_aliases VALUES (:workspace, 'login', 'github-login:countess', :id, true, now())"),
            {"workspace": world.workspace, "id": account},
        )
    for name in (ada, "ada", "ADA-account", "countess", " @Countess", "github-login:countess"):
        assert _found(world, name) == ada
    assert _found(world, "LINEAR:har") == team
    with pytest.raises(PermanentError, match=r"any of .*linear:har \(team Harbor\)"):
        _found(world, "HARBOR")
    with pytest.raises(NotFoundError, match="answers to 'nobody'"):
        _found(world, "nobody")
