"""The Braintrust of the tests, tested: by plain HTTP, as the vendor's OpenAPI has it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .braintrust_server import BraintrustServer


@pytest.fixture
def http(braintrust: BraintrustServer) -> Any:
    with httpx.Client(base_url=braintrust.url, headers={"Authorization": f"Bearer {braintrust.api_key}"}) as client:
        yield client


@pytest.fixture
def experiment(http: httpx.Client) -> str:
    project = http.post("/v1/project", json={"name": "p"}).json()
    made = http.post("/v1/experiment", json={"project_id": project["id"], "name": "e"}).json()
    return f"/v1/experiment/{made['id']}"


def insert(http: httpx.Client, experiment: str, *events: dict[str, Any]) -> httpx.Response:
    return http.post(f"{experiment}/insert", json={"events": events})


def rows(http: httpx.Client, experiment: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.post(f"{experiment}/fetch", json={}).json()["events"]
    return found


def test_a_row_of_the_same_id_replaces_and_merges_only_when_told_so(http: httpx.Client, experiment: str) -> None:
    assert insert(http, experiment, {"id": "a", "input": 1, "tags": ["t"]}).json() == {"row_ids": ["a"]}
    insert(http, experiment, {"id": "a", "output": 2})
    (row,) = rows(http, experiment)
    assert ("input" in row, row["output"]) == (False, 2)
    insert(http, experiment, {"id": "a", "input": 3, "_is_merge": True})
    (row,) = rows(http, experiment)
    assert (row["input"], row["output"]) == (3, 2)


def test_names_find_what_is_there_unless_a_new_one_is_asked_for(http: httpx.Client, experiment: str) -> None:
    project = http.post("/v1/project", json={"name": "p"}).json()
    body = {"project_id": project["id"], "name": "e"}
    assert experiment.endswith(http.post("/v1/experiment", json=body).json()["id"])
    other = http.post("/v1/experiment", json=body | {"ensure_new": True}).json()
    assert not experiment.endswith(other["id"])
    assert other["name"].startswith("e-")


@pytest.mark.parametrize(
    "event",
    [
        {"scores": {"recall": 1.5}},
        {"scores": {"recall": "all"}},
        {"metrics": {"latency_ms": "12"}},
        {"tags": "t"},
        {"metadata": 3},
        {"span_attributes": {"type": "question"}},
    ],
    ids=str,
)
def test_what_the_vendor_does_not_document_is_refused(
    http: httpx.Client, experiment: str, braintrust: BraintrustServer, event: dict[str, Any]
) -> None:
    if not braintrust.validates_schema:
        pytest.skip("the vendor's OpenAPI is not beside this checkout (shared/specs/braintrust)")
    assert insert(http, experiment, {"id": "a"} | event).status_code == 400
    assert rows(http, experiment) == []
    assert braintrust.violations
    braintrust.violations.clear()  # they were meant


def test_only_the_key_is_let_in(http: httpx.Client, experiment: str) -> None:
    http.headers["Authorization"] = "Bearer another"
    assert insert(http, experiment, {"id": "a"}).status_code == 401
    del http.headers["Authorization"]
    assert http.post("/api/apikey/login").status_code == 401
