"""Describes the whole Dagster graph as plain data, and keeps that description in `graph.snapshot.yaml`.

After an intended change of the graph: `python -m tests.defs.graph_snapshot`, then review the file's diff.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.definitions.run_status_sensor_definition import RunStatusSensorDefinition

from neural_memory_pipelines.defs.build import build_definitions

SNAPSHOT = Path(__file__).with_name("graph.snapshot.yaml")
UPDATE = "python -m tests.defs.graph_snapshot"

_HEADER = f"# The Dagster graph. Written by `{UPDATE}`; a change here is a change that operators see.\n"


def describe_graph(definitions: dg.Definitions) -> dict[str, Any]:
    """Describe all that operators and other code rely on: names, edges, partitions, limits, triggers."""
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    return {
        "assets": {key.to_user_string(): _asset(graph.get(key)) for key in sorted(graph.get_all_asset_keys())},
        "checks": {
            f"{key.asset_key.to_user_string()}.{key.name}": _check(graph.get(key))
            for key in sorted(graph.asset_check_keys, key=str)
        },
        "jobs": {
            job.name: _job(job)
            for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
            if not job.name.startswith("__")
        },
        "sensors": {sensor.name: _sensor(sensor) for sensor in sorted(repository.sensor_defs, key=lambda s: s.name)},
        "schedules": {item.name: _schedule(item) for item in sorted(repository.schedule_defs, key=lambda s: s.name)},
        "resources": sorted(definitions.resources or {}),
    }


def spell(description: dict[str, Any]) -> str:
    """Write a description as YAML."""
    return _HEADER + yaml.safe_dump(description, sort_keys=False, default_flow_style=None, width=120)


def _asset(node: Any) -> dict[str, Any]:
    mappings = node.partition_mappings
    return {
        "deps": {
            key.to_user_string(): _mapping(mappings.get(key))
            for key in sorted(node.parent_keys, key=lambda key: key.to_user_string())
        },
        "group": node.group_name,
        "kinds": sorted(node.kinds or ()),
        "owners": sorted(node.owners),
        "code_version": node.code_version,
        "partitions": _partitions(node.partitions_def),
        "pools": sorted(node.pools or ()),
        "backfill": str(node.backfill_policy),
        "automation": str(node.automation_condition) if node.automation_condition else None,
    }


def _check(node: Any) -> dict[str, Any]:
    return {"blocking": node.blocking, "partitions": _partitions(node.partitions_def)}


def _job(job: dg.JobDefinition) -> dict[str, Any]:
    graph = job.asset_layer.asset_graph
    return {
        "assets": sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys),
        "checks": sorted(f"{key.asset_key.to_user_string()}.{key.name}" for key in graph.asset_check_keys),
        "partitions": _partitions(job.partitions_def),
        "executor": job.executor_def.name,
    }


def _sensor(sensor: dg.SensorDefinition) -> dict[str, Any]:
    monitored = sensor._monitored_jobs if isinstance(sensor, RunStatusSensorDefinition) else []
    return {
        "kind": type(sensor).__name__,
        "monitors": sorted(job.name for job in monitored),
        "requests": sorted(target.job_name for target in sensor.targets),
        "interval_seconds": sensor.minimum_interval_seconds,
        "default_status": sensor.default_status.value,
    }


def _schedule(schedule: dg.ScheduleDefinition) -> dict[str, Any]:
    return {
        "requests": schedule.job_name,
        "cron": schedule.cron_schedule,
        "timezone": schedule.execution_timezone,
        "default_status": schedule.default_status.value,
    }


def _partitions(partitions: dg.PartitionsDefinition[Any] | None) -> str:
    if isinstance(partitions, dg.MultiPartitionsDefinition):
        return " x ".join(_partitions(dimension.partitions_def) for dimension in partitions.partitions_defs)
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        return f"dynamic {partitions.name}"
    return str(partitions)


def _mapping(mapping: dg.PartitionMapping | None) -> str:
    if isinstance(mapping, dg.MultiToSingleDimensionPartitionMapping):
        return f"the {mapping.partition_dimension_name} of the key"
    return str(mapping) if mapping else "same partition"


if __name__ == "__main__":
    SNAPSHOT.write_text(spell(describe_graph(build_definitions())), encoding="utf-8")
