"""The job `consolidate_workspace`: nights of a small workspace, what they make, and what they show."""

from __future__ import annotations

import re
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs.partitions import add_partitions, workspace_version_key
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.stores.postgres.consolidation_settings import change_setting
from tests.defs.pictures import picture_in
from tests.defs.running import checks_by_name, index_key, metadata_by_asset, run_job
from tests.defs.versions import build, propose
from tests.steps.pipeline import run_path
from tests.steps.topic_world import TopicWorld

_CHAINS = (
    ("observation_embeddings", "observation_clusters", "summaries", "summary_embeddings", "summary_index"),
    ("observation_embeddings", "observation_index", "hot_observations"),
    ("summary_embeddings", "profiles", "profile_index", "hot_observations", "consolidation_night"),
    ("chunk_embeddings", "chunk_index", "consolidation_night"),
    ("knowledge_cache", "consolidation_night"),
)
_SECRET = "lantern"
_HOSTILE = "[click](https://evil.example) <img src=x onerror=alert(1)> $a$ **Ada**"


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> TopicWorld:
    """Two themes, one of them Ada's, something that is like neither, and what few may read."""
    run_path(session, workspace)
    world = TopicWorld(session.stores, workspace, session.active_version(workspace))
    world.document("hers", [("AUTHORED_BY", world.entity("Ada"))])
    world.say("ferries", *range(8), document="hers", embedded=False)
    world.say("gulls", *range(7), embedded=False)
    world.say("lone", 1, embedded=False)
    world.say("lanterns", *range(5), document="hers", privacy="private", embedded=False)
    return world


def _run(instance: dg.DagsterInstance, world: TopicWorld, version: EmbeddingVersion) -> dg.ExecuteInProcessResult:
    add_partitions(instance, [world.workspace], [version.name])
    key = workspace_version_key(world.workspace, version.name)
    result = run_job("consolidate_workspace", instance, key=key)
    assert result.success, [event.step_failure_data.error.to_string() for event in result.get_step_failure_events()]  # type: ignore[union-attr]  # a failure has an error
    return result


def _shown(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {asset: values for (asset, _), values in metadata_by_asset(result).items()}


def _rows(table: Any) -> list[dict[str, Any]]:
    return [record.data for record in table.records]


def _made(world: TopicWorld) -> dict[str, list[str]]:
    """Read what nights make; that a night took place is noted in any case."""
    return {name: rows for name, rows in world.dump().items() if name != "standing"}


def test_a_night_makes_everything_in_order_and_shows_it(
    session: Session, instance: dg.DagsterInstance, told: TopicWorld
) -> None:
    result = _run(instance, told, told.version)
    order = [event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key]
    assert set(order) == {asset for chain in _CHAINS for asset in chain}
    assert len(order) == len(set(order))
    for chain in _CHAINS:
        assert sorted(chain, key=order.index) == list(chain)
    checks = checks_by_name(result)
    assert {name: check.description for name, check in checks.items() if not check.passed} == {}
    assert {"profiles.no_profile_drifted", "summary_index.index_parity", "profile_index.index_parity"} <= set(checks)
    assert {partition for _, partition in metadata_by_asset(result)} == {
        str(index_key(session, instance, told.workspace))
    }

    shown = _shown(result)
    _check_topics(told, shown["observation_clusters"])
    _check_summaries(told, shown["summaries"])
    (profile,) = _rows(shown["profiles"]["profiles"])
    assert (profile["entity"], profile["observations"], profile["drift"]) == ("Ada", 8, 0.0)
    assert shown["summary_index"]["vectors_indexed"] == shown["summaries"]["written"] == 3
    assert shown["consolidation_night"]["seen"] == 16
    everything = f"{metadata_by_asset(result)} {[(check.description, check.metadata) for check in checks.values()]}"
    # Ids of this test's observations are made of their texts, those of real ones of hashes.
    said = re.sub(rf"{told.workspace}:[^'\"]*|base64,[^)]*", "", everything)
    assert _SECRET not in said
    assert _SECRET not in str(_made(told))


def _check_topics(world: TopicWorld, shown: dict[str, Any]) -> None:
    topics = _rows(shown["topics_by_size"])
    assert [(row["size"], row["trend"]) for row in topics] == [(8, "new"), (7, "new")]
    assert {row["id"] for row in topics} == world.topics().keys()
    assert "ferry" in topics[0]["keywords"]
    assert "gull" in topics[1]["keywords"]
    assert sorted((row["event"], row["size"]) for row in _rows(shown["lately"])) == [("birth", 7), ("birth", 8)]
    assert (shown["dagster/row_count"], shown["in_topics"], shown["entity_windows"]) == (2, 15, 1)
    assert (shown["seen"], shown["pending"]) == (16, 1)
    picture = picture_in(shown["map"])
    assert min(picture.width, picture.height) > 300
    assert picture.colors > 20


def _check_summaries(world: TopicWorld, shown: dict[str, Any]) -> None:
    assert (shown["seen"], shown["written"], shown["dagster/row_count"], shown["unsupported_sentences"]) == (3, 3, 3, 0)
    rows = world.execute("SELECT summary_id, evidence FROM memory_summaries")
    assert len(rows) == 3
    for row in rows:
        assert row.summary_id in shown["written_now"]
    assert "Ada, 2 Mar to 8 Mar 2026" in shown["written_now"]
    covered = re.findall(r"Covers \d.*", shown["written_now"].replace("\\", ""))
    assert len(covered) == 3
    pattern = (
        r"Covers (7|8) observations, \d+% of them cited; sources: github \1; types: issue \1; months: 2026-03 \1\."
    )
    assert all(re.fullmatch(pattern, line) for line in covered)


def test_a_second_night_writes_nothing_and_draws_nothing_and_a_third_shows_the_drift(
    session: Session, instance: dg.DagsterInstance, told: TopicWorld
) -> None:
    _run(instance, told, told.version)
    before = _made(told)
    shown = _shown(_run(instance, told, told.version))
    assert {
        name: (values["written"], values["deleted"]) for name, values in shown.items() if "written" in values
    } == dict.fromkeys(shown, (0, 0))
    assert _made(told) == before
    assert not {"map", "written_now", "drift"} & {name for values in shown.values() for name in values}
    assert "topics_by_size" in shown["observation_clusters"]
    assert "profiles" in shown["profiles"]

    with session.stores.database.transaction(told.workspace) as tx:
        change_setting(tx, "drift_cosine", "0.02")
    told.say("gulls", *range(20, 40), days=3, document="hers", embedded=False)
    result = _run(instance, told, told.version)
    failed = {name: check for name, check in checks_by_name(result).items() if not check.passed}
    assert set(failed) == {"profiles.no_profile_drifted"}
    check = failed["profiles.no_profile_drifted"]
    assert (check.severity, check.description) == (dg.AssetCheckSeverity.WARN, "1 profiles drifted: Ada")
    shown = _shown(result)
    assert picture_in(shown["profiles"]["drift"]).alternative == "drift of profiles over time"
    (mover,) = _rows(shown["profiles"]["top_movers"])
    assert (mover["entity"], shown["profiles"]["flagged"]) == ("Ada", 1)
    assert mover["drift"] == pytest.approx(shown["profiles"]["largest_drift"], abs=1e-4)
    assert mover["drift"] > 0.02
    assert "map" in shown["observation_clusters"]
    assert "rewritten" in shown["summaries"]["written_now"]


def test_beside_the_served_version_topics_have_nothing_to_do_and_indexes_have(
    session: Session, instance: dg.DagsterInstance, told: TopicWorld
) -> None:
    _run(instance, told, told.version)
    before = told.dump()
    version = propose(session, told.workspace)
    build(session, told.workspace, version)
    shown = _shown(_run(instance, told, version))
    for asset in ("observation_clusters", "summaries", "consolidation_night"):
        said = f"made at {told.version.name}, which serves the workspace; nothing to do at {version.name}"
        assert shown[asset] == {"notes": said}
    assert told.dump() == before
    assert shown["summary_index"]["vectors_indexed"] == 3
    assert (shown["profiles"]["written"], shown["profile_index"]["vectors_indexed"] > 0) == (1, True)
    indexed = {
        each.name: Scope(told.workspace, each, Family.SUMMARIES, told.stores).indexed_ids()
        for each in (told.version, version)
    }
    assert indexed[version.name] == indexed[told.version.name]
    assert len(indexed[version.name]) == 3


def test_what_sources_say_is_shown_as_it_is_written(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> None:
    run_path(session, workspace)
    world = TopicWorld(session.stores, workspace, session.active_version(workspace))
    world.document("hers", [("AUTHORED_BY", world.entity(_HOSTILE))])
    for number in range(4):
        world.observe(f"ferry-{number}", f"{workspace}:hers", days=number / 24, embedded=False)
    world.execute(
        "UPDATE memory_observations SET text = replace(:said, 'N', right(observation_id, 1))",
        said="We moor ferry N at <b>pier</b> `five` for $5 or $6, see [the plan](https://evil.example/N) & more.",
    )
    world.execute("UPDATE knowledge_documents SET url = 'https://tracker.example/1'")
    shown = _shown(_run(instance, world, world.version))
    written = shown["summaries"]["written_now"]
    assert r"\[click\](https://evil.example) \<img src=x onerror=alert(1)\> $a$ \*\*Ada\*\*, 2 Mar" in written
    assert r"ferry 0 at \<b\>" in written or r"ferry 0 at pier" in written
    cited = world.execute("SELECT jsonb_array_elements_text(evidence) AS id FROM memory_summaries")
    links = re.findall(r"(?<!\\)\[([^\]]*)(?<!\\)\]\(([^)]*)\)", written)
    assert sorted(links) == sorted((f"`{row.id}`", "https://tracker.example/1") for row in cited)
    assert not re.search(r"(?<!\\)<\w", written)
    assert picture_in(shown["observation_clusters"]["map"]).colors > 5
    assert picture_in(shown["profiles"]["drift"]).colors > 5
    assert _rows(shown["profiles"]["profiles"])[0]["entity"] == _HOSTILE
