"""What each entity had to do with, by time: weeks while it is active, longer windows otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from neural_memory_pipelines.domain.ids import EntityId, WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.workspaces import register_version

from .profile_world import NIGHT
from .topic_world import TopicWorld

DAY = timedelta(days=1)


@pytest.fixture
def world(stores: Stores, workspace: WorkspaceId, version: EmbeddingVersion) -> TopicWorld:
    register_version(stores.database, version)
    return TopicWorld(stores, workspace, version)


def _page(world: TopicWorld, name: str, *entities: EntityId) -> str:
    """Tell of a page that these entities have to do with; gives its name."""
    world.document(name, [("AUTHORED_BY", entity) for entity in entities])
    return name


@pytest.fixture
def active(world: TopicWorld) -> TopicWorld:
    """Ada wrote four observations in the week of 2 March, and three in the weeks after it."""
    page = _page(world, "hers", world.entity("Ada"))
    world.say("ferries", *range(4), document=page)  # 2 March 2026 is a Monday
    for number, days in ((4, 11), (5, 16), (6, 18)):
        world.say("ferries", number, days=days, document=page)
    world.find()
    return world


def test_an_active_week_is_a_window_and_what_other_weeks_leave_a_longer_one(active: TopicWorld) -> None:
    assert active.windows() == {
        "Ada, 2 Mar to 8 Mar 2026": active.ids("ferries", *range(4)),
        "Ada, 12 Mar to 10 Apr 2026": active.ids("ferries", 4, 5, 6),
    }
    rows = active.execute("SELECT * FROM memory_clusters WHERE kind = 'entity' ORDER BY window_end - window_start")
    assert [(row.window_end - row.window_start).days for row in rows] == [7, 30]
    assert [(row.size, row.vector_sum, row.threshold_cosine) for row in rows] == [(4, None, None), (3, None, None)]
    assert all(row.window_start <= row.first_at <= row.last_at < row.window_end for row in rows)
    assert all("ferry" in " ".join(row.keywords) for row in rows)
    assert active.execute("SELECT DISTINCT similarity_cosine FROM cluster_members m JOIN memory_clusters c "
                          "USING (cluster_id) WHERE c.kind = 'entity'") == [(None,)]  # fmt: skip
    # What is of topics alone is not told of windows.
    assert {row[1] for row in active.events()} == active.topics().keys()


def test_only_windows_of_the_time_of_a_new_observation_change(active: TopicWorld) -> None:
    query = "SELECT label, changed_at FROM memory_clusters WHERE kind = 'entity'"
    active.say("ferries", 15, days=2, document="hers")
    report = active.find(now=NIGHT + DAY)
    assert dict(active.execute(query)) == {
        "Ada, 2 Mar to 8 Mar 2026": NIGHT + DAY,
        "Ada, 12 Mar to 10 Apr 2026": NIGHT,
    }
    assert (report.written, report.unchanged) == (2, 1), "the topic and a window"
    assert active.windows()["Ada, 2 Mar to 8 Mar 2026"] == active.ids("ferries", *range(4), 15)
    joined = active.execute(
        "SELECT count(*) FILTER (WHERE joined_at = :late), count(*) FROM cluster_members m "
        "JOIN memory_clusters c USING (cluster_id) WHERE c.label LIKE '%8 Mar%'", late=NIGHT + DAY,
    )  # fmt: skip
    assert joined == [(1, 5)]


def test_a_quiet_week_that_becomes_active_leaves_the_longer_window(active: TopicWorld) -> None:
    active.say("ferries", 7, days=15, document="hers")
    active.find(now=NIGHT + DAY)
    assert active.windows() == {
        "Ada, 2 Mar to 8 Mar 2026": active.ids("ferries", *range(4)),
        "Ada, 16 Mar to 22 Mar 2026": active.ids("ferries", 5, 6, 7),
    }
    assert active.execute("SELECT count(*) FROM memory_clusters WHERE died_at = :at", at=NIGHT + DAY) == [(1,)]


def test_windows_follow_the_settings(active: TopicWorld) -> None:
    active.find(now=NIGHT + DAY, least_members=4)
    assert active.windows() == {"Ada, 2 Mar to 8 Mar 2026": active.ids("ferries", *range(4))}
    active.find(now=NIGHT + 2 * DAY, active_window_days=21)
    assert set(active.windows()) == {"Ada, 16 Feb to 8 Mar 2026", "Ada, 9 Mar to 29 Mar 2026"}
    active.find(now=NIGHT + 3 * DAY)
    assert set(active.windows()) == {"Ada, 2 Mar to 8 Mar 2026", "Ada, 12 Mar to 10 Apr 2026"}


def test_accounts_of_one_person_share_a_window_and_others_do_not(world: TopicWorld) -> None:
    ada, ben = world.entity("Ada"), world.entity("Ben")
    login = world.entity("ada-login", merged_into=ada)
    goal = world.entity("Ship it", kind="goal")
    world.say("ferries", 0, 1, document=_page(world, "hers", ada, login, goal))
    world.say("ferries", 2, document=_page(world, "login's", login, ben, goal))
    world.say("ferries", 3, document=_page(world, "nobody's"))
    world.find()
    assert world.windows() == {"Ada, 2 Mar to 8 Mar 2026": world.ids("ferries", 0, 1, 2)}
    world.entity("ada-login")
    world.find(now=NIGHT + DAY)
    assert set(world.windows()) == {"ada-login, 2 Mar to 8 Mar 2026"}, "alone, she has but two"


def test_an_entity_that_loses_its_edges_loses_its_windows(active: TopicWorld) -> None:
    active.execute("UPDATE relationships SET until = now()")
    report = active.find(now=NIGHT + DAY)
    assert (active.windows(), report.deleted, len(active.topics())) == ({}, 2, 1)
    assert active.execute("SELECT count(*) FROM cluster_members m JOIN memory_clusters c USING (cluster_id) "
                          "WHERE c.kind = 'entity'") == [(0,)]  # fmt: skip
    active.execute("UPDATE relationships SET until = NULL")
    active.find(now=NIGHT + 2 * DAY)
    assert len(active.windows()) == 2
    born = active.execute("SELECT DISTINCT born_at, died_at FROM memory_clusters WHERE kind = 'entity'")
    assert born == [(NIGHT, None)], "they are the same as before"


def test_what_few_may_read_is_in_no_window(active: TopicWorld) -> None:
    active.hide(*active.ids("ferries", 0))
    active.say("gulls", *range(3), days=60, document="hers", privacy="private")
    active.find(now=NIGHT + DAY)
    assert active.windows()["Ada, 2 Mar to 8 Mar 2026"] == active.ids("ferries", 1, 2, 3)
    assert not any("gull" in str(rows) for rows in active.dump().values())
    active.execute("UPDATE knowledge_documents SET privacy = 'private'")
    active.find(now=NIGHT + 2 * DAY)
    assert (active.windows(), active.topics()) == ({}, {})


def test_a_new_name_reaches_a_window_when_its_members_change(active: TopicWorld) -> None:
    active.execute("UPDATE entities SET name = 'Ada Byron'")
    assert active.find(now=NIGHT + DAY).written == 0
    assert set(active.windows()) == {"Ada, 2 Mar to 8 Mar 2026", "Ada, 12 Mar to 10 Apr 2026"}
    active.say("ferries", 15, days=2, document="hers")
    active.find(now=NIGHT + 2 * DAY)
    assert set(active.windows()) == {"Ada Byron, 2 Mar to 8 Mar 2026", "Ada, 12 Mar to 10 Apr 2026"}
