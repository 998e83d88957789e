"""A small memory that is evaluated: four pages, and a question for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session

from .memories import TOPICS, Memory


@pytest.fixture
def memory(session: Session, workspace: WorkspaceId, tmp_path: Path) -> Memory:
    """Four pages, without questions."""
    made = Memory(session, workspace, tmp_path / "docs")
    made.tell(*TOPICS)
    return made


@pytest.fixture
def questioned(memory: Memory) -> Memory:
    """Four pages, and a question for each."""
    memory.keep(*(memory.question(topic) for topic in TOPICS))
    return memory
