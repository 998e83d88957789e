"""What becomes of our errors in a run: which are retried, after what wait, and what a person reads at the end."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from neural_memory_pipelines.defs import failures
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    InvalidEventError,
    NeuralMemoryError,
    TransientError,
)
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.stores.cache.redis import RedisCache
from neural_memory_pipelines.stores.vectors.protocol import VectorIndex
from tests.defs.running import failure_of, index_key, memory_of, metadata_by_asset, run_job, with_stores
from tests.steps.pipeline import ingest_folder, run_path

_FIRST_WAIT_SECONDS = 0.01


@dataclass(slots=True)
class FailingIndex:
    """A vector index that raises the scripted errors, one a call, and then works."""

    working: VectorIndex
    errors: list[NeuralMemoryError]
    calls: int = 0

    def ensure_index(self, index: str, *, dim: int) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        self.working.ensure_index(index, dim=dim)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.working, name)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_FIRST_WAIT_SECONDS", _FIRST_WAIT_SECONDS)


@pytest.fixture
def built(session: Session, workspace: WorkspaceId, tmp_path: Path) -> WorkspaceId:
    """A workspace of one page, indexed."""
    (tmp_path / "page.md").write_text("# Page\n\nSome words.\n")
    ingest_folder(session, workspace, tmp_path)
    run_path(session, workspace)
    return workspace


def _index(
    session: Session, instance: dg.DagsterInstance, workspace: WorkspaceId, errors: Sequence[NeuralMemoryError]
) -> tuple[dg.ExecuteInProcessResult, FailingIndex]:
    index = FailingIndex(session.stores.vectors, list(errors))
    failing = with_stores(session, vectors=index)
    key = index_key(session, instance, workspace)
    result = run_job("index_workspace", instance, key=key, assets=["chunk_index"], memory=memory_of(failing))
    return result, index


def _waits(result: dg.ExecuteInProcessResult) -> list[float]:
    events = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    return [float(event.step_retry_data.seconds_to_wait or 0) for event in events]


def test_transient_error_is_retried_until_it_is_over(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId
) -> None:
    result, index = _index(session, instance, built, [TransientError("away")] * 2)
    assert result.success
    assert index.calls == 3
    assert _waits(result) == [_FIRST_WAIT_SECONDS, 2 * _FIRST_WAIT_SECONDS]


def test_transient_error_that_stays_fails_the_run_and_says_what_it_was(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId
) -> None:
    result, index = _index(session, instance, built, [TransientError("the index is away")] * 9)
    assert not result.success
    assert index.calls == 5
    assert _waits(result) == [_FIRST_WAIT_SECONDS * 2**attempt for attempt in range(4)]
    assert failure_of(result) == "the index is away (tried 5 times)"


@pytest.mark.parametrize("asked_seconds", [0.0, 0.05])
def test_wait_that_the_service_asked_for_is_kept(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, asked_seconds: float
) -> None:
    error = TransientError("too many requests", retry_after_seconds=asked_seconds)
    result, _index_store = _index(session, instance, built, [error])
    assert result.success
    assert _waits(result) == [asked_seconds]


@pytest.mark.parametrize(
    "error",
    [ConfigurationError("PINECONE_API_KEY is wrong"), InvalidEventError("x: no"), ContractError("lost a write")],
)
def test_permanent_and_contract_errors_are_not_retried(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, error: NeuralMemoryError
) -> None:
    result, index = _index(session, instance, built, [error] * 9)
    assert not result.success
    assert index.calls == 1
    assert _waits(result) == []
    assert failure_of(result) == str(error)


def test_check_maps_failures_as_assets_do(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(index: str, namespace: str) -> Iterator[str]:
        asked.append(namespace)
        raise TransientError("away") if len(asked) == 1 else ContractError("no such namespace")

    index = FailingIndex(session.stores.vectors, [])
    monkeypatch.setattr(FailingIndex, "list_ids", lambda self, *names: fail(*names), raising=False)
    failing = with_stores(session, vectors=index)
    key = index_key(session, instance, built)
    result = run_job("index_workspace", instance, key=key, assets=["chunk_index"], memory=memory_of(failing))
    assert not result.success
    failed = {event.step_key for event in result.get_step_failure_events()}
    assert failed == {"chunk_index_checks"}
    assert _waits(result) == [_FIRST_WAIT_SECONDS]


def test_redis_that_is_down_costs_the_cache_and_nothing_else(
    session: Session, instance: dg.DagsterInstance, built: WorkspaceId
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = RedisCache(f"redis://127.0.0.1:{unused.getsockname()[1]}")
        failing = with_stores(session, cache=away)
        key = index_key(session, instance, built)
        result = run_job("index_workspace", instance, key=key, memory=memory_of(failing))
    assert result.success
    assert _waits(result) == []
    ((_, cache),) = [item for item in metadata_by_asset(result).items() if item[0][0] == "knowledge_cache"]
    assert "caches are cold" in cache["notes"]
    assert cache["written"] == 0
