"""The graph is what the snapshot says: a change of it is a diff that a reviewer sees."""

from __future__ import annotations

import difflib

import dagster as dg
import yaml

from tests.defs.graph_snapshot import SNAPSHOT, UPDATE, describe_graph, spell


def test_graph_is_as_recorded(definitions: dg.Definitions) -> None:
    recorded = SNAPSHOT.read_text(encoding="utf-8")
    found = spell(describe_graph(definitions))
    diff = "".join(difflib.unified_diff(recorded.splitlines(True), found.splitlines(True), "recorded", "found"))
    assert not diff, f"the graph changed; if that is meant, run `{UPDATE}` and commit {SNAPSHOT.name}:\n{diff}"


def test_snapshot_notices_what_operators_would() -> None:
    definitions = dg.Definitions(assets=[dg.AssetSpec("seen", deps=["elsewhere"], owners=["team:somebody"])])
    described = yaml.safe_load(spell(describe_graph(definitions)))
    assert described["assets"]["seen"]["deps"] == {"elsewhere": "same partition"}
    assert described["assets"]["seen"]["owners"] == ["team:somebody"]


def test_definitions_are_loadable(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
