"""Workspaces for benchmarks of retrieval: built through the whole pipeline, as the command does, or found built.

What is asked of them is decided in the benchmarks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from judged_sets import JudgedSet

from neural_memory_pipelines.cli.building import build_all
from neural_memory_pipelines.cli.demo import demo
from neural_memory_pipelines.cli.opening import Ready, ready_stores
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session, stack_of
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.stores.postgres.workspaces import list_workspaces

MINILM = "local/minilm-l6-v2"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@contextmanager
def stores_in(home: Path | None, *, model: str) -> Iterator[Ready]:
    """Start embedded stores, in a home that is kept, or in a temporary one that is removed at the end."""
    os.environ["NEURAL_MEMORY_EMBEDDING_MODEL"] = model
    if home is not None:
        os.environ["NEURAL_MEMORY_HOME"] = str(home)
        yield ready_stores()
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURAL_MEMORY_HOME"] = f"{folder}/home"
        try:
            yield ready_stores()
        finally:
            stack_of(load_settings()).reset()


def build_pages(ready: Ready, judged: JudgedSet) -> WorkspaceId:
    """Ingest the pages of a set and build them, unless its workspace is there already."""
    workspace = WorkspaceId(judged.name)
    with tempfile.TemporaryDirectory() as folder:
        judged.write(Path(folder))
        build_folder(ready, workspace, Path(folder))
    return workspace


def build_folder(ready: Ready, workspace: WorkspaceId, folder: Path) -> None:
    """Ingest a folder and build it, unless its workspace is there already.

    Raises:
        RuntimeError: the build failed; its runs say why.
    """
    session = Session(ready.settings, ready.endpoints)
    try:
        if workspace in list_workspaces(session.stores.database):
            return
        ingest_docs(
            folder, workspace=workspace, organization_id="bench", objects=session.stores.objects, store=str(workspace)
        )
    finally:
        session.close()
    failed = [result.workspace for result in build_all(ready, workspace) if not result.succeeded]
    if failed:
        raise RuntimeError(f"building {failed} failed")


def build_sample(ready: Ready) -> WorkspaceId:
    """Build and consolidate the sample workspace as `make run` does, unless it is there already."""
    workspace = WorkspaceId("harbor")
    session = Session(ready.settings, ready.endpoints)
    is_there = workspace in list_workspaces(session.stores.database)
    session.close()
    if not is_there:
        demo()
    return workspace
