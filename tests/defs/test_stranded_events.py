"""Events that were received and then not persisted are asked for, though they are in the inbox no more."""

from __future__ import annotations

import dagster as dg
import pytest

from neural_memory_pipelines.defs import sensors
from neural_memory_pipelines.defs.sensors import stranded_events
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.receive import receive_events
from tests.defs.running import memory_of
from tests.steps.samples import envelope


def _asked(session: Session, instance: dg.DagsterInstance) -> dict[str, str]:
    with dg.build_sensor_context(instance=instance, resources={"memory": memory_of(session)}) as context:
        result = stranded_events(context)
    if isinstance(result, dg.SkipReason):
        return {}
    return {str(request.partition_key): str(request.run_key) for request in result}


def test_what_was_received_and_not_persisted_is_asked_for_once_a_period(
    session: Session, workspace: WorkspaceId, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_lines(session.stores.objects, workspace, [envelope(workspace, key="k")])
    receive_events(
        workspace,
        stores=session.stores,
        new_workspace_version=session.new_workspace_version,
        organization_id="org",
    )
    with dg.DagsterInstance.ephemeral() as instance:
        assert workspace not in _asked(session, instance), "a run may be at it"
        monkeypatch.setattr(sensors, "ASK_AGAIN_SECONDS", 0.001)
        first = _asked(session, instance)
        assert workspace in first
        assert workspace in instance.get_dynamic_partitions("workspace")
        monkeypatch.setattr(sensors, "ASK_AGAIN_SECONDS", 10_000_000)
        assert workspace not in _asked(session, instance)
