"""A builder in a process of its own, which kills itself (SIGKILL) at a chosen write to a store."""

from __future__ import annotations

import multiprocessing
import signal

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.services import Endpoints
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.steps import embed
from tests.steps.killing import Moment, Switch, counted_session

from .migrating import build

# A fresh process, and no fork: the reader's threads and the servers' would be caught in the middle of something.
_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE_SECONDS = 120


def build_until_killed(
    session: Session, workspace: WorkspaceId, version: str, *, at: int, moment: Moment, texts_at_once: int
) -> bool:
    """Build a version in another process, which is killed just before or after its `at`-th write.

    Returns:
        Whether it was killed; False if it came to its end before.
    """
    arguments = (session.settings, session.endpoints, workspace, version, Switch(at, moment), texts_at_once)
    process = _SPAWN.Process(target=_build, args=arguments)
    process.start()
    process.join(_PATIENCE_SECONDS)
    code = process.exitcode
    process.close()
    assert code in {0, -signal.SIGKILL}, f"the builder ended with {code}"
    return code != 0


def _build(
    settings: Settings, endpoints: Endpoints, workspace: WorkspaceId, version: str, switch: Switch, texts_at_once: int
) -> None:
    embed._TEXTS_PER_TRANSACTION = texts_at_once
    own = counted_session(Session(settings, endpoints), endpoints.objects_dir, switch)
    build(own, workspace, own.version(version))
