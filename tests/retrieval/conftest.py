"""A memory that the tests of the search read and leave as it is."""

from __future__ import annotations

import os

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from tests.retrieval.searched import World, all_lines


@pytest.fixture(scope="session")
def world(session: Session) -> World:
    """Pages, issues, comments and threads, searchable at the served version."""
    workspace = WorkspaceId(f"searched-{os.getpid()}")
    world = World(session, workspace)
    world.tell(all_lines(workspace))
    world.summarize("Storms", "We check all %")
    return world
