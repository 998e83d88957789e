"""A workspace with a few pages, served at the hashed model, and a session that knows more models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from tests.stores.s3_server import s3_server

from .migrating import TOPICS, bring_up_to_date, pages, tell
from .models import TrialSession, turned

__all__ = ["s3_server"]


@dataclass(frozen=True)
class Memory:
    """A workspace that is served, and how tests reach it."""

    session: TrialSession
    workspace: WorkspaceId
    folder: Path

    @property
    def served(self) -> EmbeddingVersion:
        """The version at which it is served."""
        return self.session.active_version(self.workspace)

    @property
    def candidate(self) -> EmbeddingVersion:
        """A version as good as that of the hashed model; not proposed yet."""
        return turned(self.session.new_workspace_version)

    def tell_more(self, *topics: str) -> None:
        """Let new events come in, and reach every version that they should."""
        tell(self.session, self.workspace, self.folder, pages(*TOPICS[:4], *topics))
        bring_up_to_date(self.session, self.workspace)


@pytest.fixture
def trial(session: Session) -> Iterator[TrialSession]:
    """A session that knows the models of the tests."""
    with closing(TrialSession.beside(session)) as trial:
        yield trial


@pytest.fixture
def memory(trial: TrialSession, workspace: WorkspaceId, tmp_path: Path) -> Memory:
    """Four pages, served at the hashed model."""
    made = Memory(trial, workspace, tmp_path / "docs")
    made.tell_more()
    trial.spies[made.served.model].embedded.clear()
    return made
