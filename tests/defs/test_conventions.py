"""Conventions that hold for every asset, check and module, and what loading the code location must not do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import neural_memory_pipelines

PACKAGE = Path(neural_memory_pipelines.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

_FUNCTION_LINES = 50
_MODULE_LINES = 400

_LOAD_WITHOUT_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise AssertionError(f"loading the definitions opened a connection: {arguments[1:]}")

socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
from neural_memory_pipelines.definitions import defs

names = sorted(key.to_user_string() for key in defs.get_repository_def().asset_graph.get_all_asset_keys())
print(" ".join(names))
"""


def test_every_asset_tells_who_what_and_which_code(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        for fact in ("owners", "kinds", "description", "code_version"):
            assert getattr(asset, fact), f"{key.to_user_string()} has no {fact}"
        assert asset.group_name != "default", f"{key.to_user_string()} is in no group"


def test_every_asset_depends_on_assets_of_the_graph(definitions: dg.Definitions) -> None:
    # Dagster makes an external asset of any dependency that nobody defines: a typing error goes unnoticed.
    graph = definitions.get_repository_def().asset_graph
    external = [key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).is_external]
    assert external == [], "assets that others depend on and nobody materializes"


def test_every_check_is_described(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    assert graph.asset_check_keys
    bare = [str(key) for key in graph.asset_check_keys if not graph.get_check_spec(key).description]
    assert bare == []


def test_backfills_run_each_partition_by_itself(definitions: dg.Definitions) -> None:
    # With a policy, runs of a backfill have tags of ranges in place of their partition: limits by partition miss them,
    # and Dagster keeps the answers of checks without their partition.
    graph = definitions.get_repository_def().asset_graph
    assert {graph.get(key).backfill_policy for key in graph.get_all_asset_keys()} == {None}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_has_a_charter_and_keeps_its_size(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    charter = ast.get_docstring(tree) or ""
    if len(tree.body) > 1:
        lines = [line for line in charter.splitlines() if line.strip()]
        sentences = re.findall(r"[.!?](?:\s|$)", charter)
        assert max(len(lines), len(sentences)) >= 2, "say what lives here and what must not, in two lines or sentences"
    else:
        assert charter, "an empty package says at least what it holds"
    assert len(source.splitlines()) <= _MODULE_LINES
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= _FUNCTION_LINES]
    assert long == [], f"functions of more than {_FUNCTION_LINES} lines"


def test_definitions_load_without_network_and_without_environment(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", _LOAD_WITHOUT_NETWORK], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert "raw_artifacts" in loaded.stdout.split()
    assert list(tmp_path.iterdir()) == [], "loading the definitions made files"
