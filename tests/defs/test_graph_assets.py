"""The assets of the graph: what they count and show, a picture when something changed, and the columns of tables."""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs.metadata import table_metadata
from neural_memory_pipelines.defs.pictures import graph_picture
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.graph import EdgeRow
from neural_memory_pipelines.stores.postgres.tables import metadata as tables
from tests.defs.running import metadata_by_asset, run_job
from tests.steps.dumps import rows
from tests.steps.samples import envelope, issue

_TABLES = {
    "raw_artifacts": "source_events",
    "documents": "knowledge_documents",
    "chunks": "knowledge_chunks",
    "observations": "memory_observations",
    "entities": "entities",
    "relationships": "relationships",
}
_IMAGE = re.compile(r"!\[[^\]]+\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)")


@pytest.fixture
def told(session: Session, workspace: WorkspaceId) -> WorkspaceId:
    """A workspace with two issues, one of which names the other."""
    ben = {"login": "ben", "id": 8, "type": "User"}
    linked = {**issue(1, body="See #2."), "assignees": [ben]}
    lines = [envelope(workspace, key="1", payload=linked), envelope(workspace, key="2", payload=issue(2))]
    put_lines(session.stores.objects, workspace, lines)
    return workspace


def _run(instance: dg.DagsterInstance, workspace: WorkspaceId) -> dict[str, dict[str, Any]]:
    instance.add_dynamic_partitions("workspace", [workspace])
    result = run_job("ingest_workspace", instance, key=workspace)
    assert result.success
    return {asset: values for (asset, partition), values in metadata_by_asset(result).items() if partition == workspace}


def _pixels(markdown: str) -> tuple[int, int, int]:
    """Decode a picture: its width and height, and how many different bytes its lines hold."""
    found = _IMAGE.fullmatch(markdown)
    assert found, markdown[:100]
    data = base64.b64decode(found[1], validate=True)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, packed, size = 8, b"", (0, 0)
    while position < len(data):
        length, kind = int.from_bytes(data[position : position + 4]), data[position + 4 : position + 8]
        content = data[position + 8 : position + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(data[position + 8 + length : position + 12 + length])
        if kind == b"IHDR":
            size = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
        packed += content if kind == b"IDAT" else b""
        position += 12 + length
    pixels = zlib.decompress(packed)
    assert len(pixels) == size[1] * (1 + 4 * size[0])  # a filter byte a line, four bytes a pixel
    return *size, len(set(pixels))


def test_entities_count_each_kind_and_show_persons_with_their_accounts(
    session: Session, instance: dg.DagsterInstance, told: WorkspaceId
) -> None:
    values = _run(instance, told)["entities"]
    kinds = {record.data["kind"]: record.data["count"] for record in values["by_kind"].records}
    in_tables = dict(rows(session, told, "SELECT kind, count(*) FROM entities WHERE merged_into IS NULL GROUP BY kind"))
    assert kinds == in_tables
    assert values["dagster/row_count"] == sum(in_tables.values()) == values["seen"] == values["written"]
    shown = {record.data["person"]: record.data["accounts"] for record in values["examples"].records}
    assert shown == {"ada": "github:7", "ben": "github:8"}


def test_relationships_count_edges_and_show_the_words_that_state_them(
    session: Session, instance: dg.DagsterInstance, told: WorkspaceId
) -> None:
    values = _run(instance, told)["relationships"]
    live = dict(rows(session, told, "SELECT type, count(*) FROM relationships WHERE until IS NULL GROUP BY type"))
    assert {record.data["kind"]: record.data["count"] for record in values["by_kind"].records} == live
    assert values["dagster/row_count"] == values["seen"] == values["written"] == sum(live.values())
    (edge,) = (record.data for record in values["examples"].records if record.data["edge"] == "REFERENCES")
    assert edge == {
        "from": "Carts vanish at midnight (1)",
        "edge": "REFERENCES",
        "to": "Carts vanish at midnight (2)",
        "evidence": "#2",
    }


def test_the_graph_is_drawn_when_it_changed_and_not_otherwise(
    session: Session, instance: dg.DagsterInstance, told: WorkspaceId
) -> None:
    width, height, shades = _pixels(_run(instance, told)["relationships"]["graph"])
    assert min(width, height) > 300
    assert shades > 20

    again = _run(instance, told)["relationships"]
    assert (again["written"], again["deleted"]) == (0, 0)
    assert "graph" not in again

    later = "2026-03-09T10:00:00Z"
    changed = envelope(told, key="3", occurredAt=later, payload=issue(1, body="See nothing.", updated=later))
    put_lines(session.stores.objects, told, [changed])
    values = _run(instance, told)["relationships"]
    assert "graph" in values
    assert "retired" in values["notes"]


def test_a_workspace_without_edges_has_no_picture(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId
) -> None:
    values = _run(instance, workspace)
    assert "graph" not in values["relationships"]
    assert [values[asset]["dagster/row_count"] for asset in ("entities", "relationships")] == [0, 0]


def test_the_neighbours_are_counted_and_an_example_is_shown(
    session: Session, instance: dg.DagsterInstance, told: WorkspaceId
) -> None:
    values = _run(instance, told)["graph_adjacency_cache"]
    assert values["seen"] == values["written"] > 0
    key = values["examples"].records[0].data["key"]
    assert key.startswith("graph:")
    assert f":{told}:" in key
    assert session.stores.cache.get_many([key])


@pytest.mark.parametrize(
    "names", ["$x$ $", r"pay $\frac{ now$ or \$", "cash $5 or $10", "日本語 🙂 \u202e", "", "a\nb" * 50]
)
def test_any_names_can_be_drawn(names: str) -> None:
    edge = EdgeRow("RESOLVES", "document", "d1", names, "person", "p1", names, 1.0, "x")
    assert _pixels(graph_picture([edge, edge]))[2] > 5


def test_a_large_graph_is_drawn_by_its_best_connected_part() -> None:
    edges = [
        EdgeRow(
            "REFERENCES", "document", f"d{n}", f"Document {n}", "document", f"d{n % 7}", f"Document {n % 7}", 1.0, ""
        )
        for n in range(7, 5_000)
    ]
    assert _pixels(graph_picture(edges))[0] > 300


@pytest.mark.parametrize(("asset", "table"), _TABLES.items())
def test_an_asset_of_a_table_describes_its_columns(definitions: dg.Definitions, asset: str, table: str) -> None:
    values = definitions.resolve_asset_graph().get(dg.AssetKey(asset)).metadata
    schema: Any = values["dagster/column_schema"]
    columns = schema.columns
    expected = tables.tables[table].columns
    assert [column.name for column in columns] == [column.name for column in expected]
    nullable = {column.name for column in columns if column.constraints.nullable}
    assert nullable == {column.name for column in expected if column.nullable}
    assert {column.name: column.description for column in columns if column.description} == {
        column.name: column.comment for column in expected if column.comment
    }
    assert table_metadata(table)["dagster/table_name"] == table
