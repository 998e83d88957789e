"""What a Braintrust holds: one organization's projects, their experiments, the rows of these. Knows no HTTP."""

from __future__ import annotations

import itertools
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ORG_NAME = "harbor-labs"

Json = dict[str, Any]

_transactions = itertools.count(1_000_192_656)


@dataclass
class Experiment:
    """One experiment, with its rows by id."""

    told: Json
    rows: dict[str, Json] = field(default_factory=dict)


class RefusedError(Exception):
    """A request that the API refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Account:
    """What one key can see."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.org_id = str(uuid.uuid4())
        self.projects: dict[str, Json] = {}
        self.experiments: dict[str, Experiment] = {}

    def project(self, body: Json) -> Json:
        """Find a project by its name, or make it: an existing one comes back as it is."""
        if body.get("org_name") not in {None, ORG_NAME}:
            raise RefusedError(403, f"no access to organization {body['org_name']}")
        for project in self.projects.values():
            if project["name"] == body["name"]:
                return project
        made: Json = {"id": str(uuid.uuid4()), "org_id": self.org_id, "name": body["name"], "created": _now()}
        self.projects[made["id"]] = made
        return made

    def projects_named(self, name: str | None) -> list[Json]:
        """List projects."""
        return [project for project in self.projects.values() if name in {None, project["name"]}]

    def experiment(self, body: Json) -> Json:
        """Find an experiment by its name, or make it; `ensure_new` makes another one beside it."""
        if body["project_id"] not in self.projects:
            raise RefusedError(400, "project_id: no such project")
        name = body.get("name") or str(uuid.uuid4())
        same = [it.told for it in self.experiments.values() if it.told["name"] == name]
        same = [told for told in same if told["project_id"] == body["project_id"]]
        if same and not body.get("ensure_new"):
            return same[0]
        kept: Json = {key: body[key] for key in ("project_id", "description", "metadata", "tags") if key in body}
        told = {
            "id": str(uuid.uuid4()),
            "name": f"{name}-{uuid.uuid4().hex[:8]}" if same else name,
            "public": bool(body.get("public")),
            "created": _now(),
            **kept,
        }
        self.experiments[told["id"]] = Experiment(told)
        return told

    def find(self, experiment_id: str) -> Experiment:
        """Find an experiment by its id."""
        if experiment_id not in self.experiments:
            raise RefusedError(404, f"no experiment {experiment_id}")
        return self.experiments[experiment_id]

    def insert(self, experiment_id: str, events: list[Json], *, forgets: int = 0) -> Json:
        """Write rows: a row with the id of another replaces it, unless it is to be merged."""
        experiment, transaction = self.find(experiment_id), str(next(_transactions))
        kept = events[: len(events) - forgets]
        ids = [event.get("id") or str(uuid.uuid4()) for event in kept]
        for row_id, event in zip(ids, kept, strict=True):
            before = experiment.rows.get(row_id, {}) if event.get("_is_merge") else {}
            experiment.rows[row_id] = {
                "created": _now(),
                "span_id": str(uuid.uuid4()),
                "root_span_id": str(uuid.uuid4()),
                **before,
                **event,
                "id": row_id,
                "_xact_id": transaction,
                "experiment_id": experiment_id,
                "project_id": experiment.told["project_id"],
            }
        return {"row_ids": ids}

    def summary(self, experiment_id: str, *, app_url: str) -> Json:
        """Say where an experiment is shown."""
        told = self.find(experiment_id).told
        project = self.projects[told["project_id"]]["name"]
        url = f"{app_url}/app/{ORG_NAME}/p/{project}"
        shown = f"{url}/experiments/{told['id']}"
        return {
            "project_name": project,
            "experiment_name": told["name"],
            "project_url": url,
            "experiment_url": shown,
        }


def _now() -> str:
    return datetime.now(UTC).isoformat()
