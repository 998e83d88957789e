"""Reports reach Braintrust whole and once, or end in an error of ours, in time and without the key."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from dataclasses import replace

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.stores.reports import braintrust as module
from neural_memory_pipelines.stores.reports.braintrust import BraintrustReports

from .braintrust_server import BraintrustServer, Fault
from .braintrust_server.faults import rate_limited
from .fixtures import access_to
from .runs import AT, made_run

HARBOR = WorkspaceId("harbor")


def test_an_experiment_holds_every_question_of_the_run(
    braintrust: BraintrustServer, destination: BraintrustReports
) -> None:
    run = made_run()
    url = destination.send(HARBOR, run)
    (experiment,) = braintrust.account.experiments.values()
    assert experiment.told["name"] == "harbor post-ingest-regression 2026-11-23T06:30:15Z run-1"
    assert url == f"{braintrust.url}/app/harbor-labs/p/memory/experiments/{experiment.told['id']}"
    said = experiment.told["metadata"]
    assert (said["workspace"], said["suite"]) == ("harbor", "post-ingest-regression")
    assert said["embedding_version"] == run.embedding_version
    assert said["documents"] == [{"document_id": "doc_1", "version": 3}]
    assert said["other_reasons"] == [{"night_at": "2026-11-23"}]
    assert said["retrieval"] == run.retrieval
    assert said["metrics"]["recall_at_10"] == run.metrics.recall_at_10

    first, second, third = experiment.rows.values()
    assert [row["scores"]["recall_at_5"] for row in (first, second, third)] == [1, 0, 0]
    assert [row["scores"]["recall_at_10"] for row in (first, second, third)] == [1, 1, 0]
    assert [round(row["scores"]["ndcg_at_10"], 4) for row in (first, second, third)] == [1, 0.3562, 0]
    assert [round(row["scores"]["reciprocal_rank"], 4) for row in (first, second, third)] == [1, 0.1667, 0]
    assert second["input"] == run.results[1].question
    assert second["expected"] == [{"source": "github", "source_id": "harbor/payments#1"}, {"evidence": "obs_1"}]
    assert second["output"][0] == {
        "kind": "chunk",
        "id": "chunk_1_1",
        "source": "github",
        "source_id": "harbor/payments#11",
        "score": 1.0,
    }
    assert second["metadata"] == {"question_id": "q001", "place": 6, "weight": 2.0}
    assert second["metrics"] == {"latency_ms": 13.5}
    assert second["tags"] == ["moves", "service-1"]


def test_a_run_sent_again_replaces_itself(braintrust: BraintrustServer, destination: BraintrustReports) -> None:
    first_url = destination.send(HARBOR, made_run())
    before = braintrust.experiments
    assert destination.send(HARBOR, made_run()) == first_url
    written_at = {"_xact_id"}
    (name,) = before
    assert list(braintrust.experiments) == [name]
    for row_id, row in braintrust.experiments[name].items():
        assert {k: row[k] for k in row.keys() - written_at} == {
            k: before[name][row_id][k] for k in row.keys() - written_at
        }
    assert len(braintrust.experiments[name]) == 3


def test_runs_and_workspaces_do_not_share_an_experiment(
    braintrust: BraintrustServer, destination: BraintrustReports
) -> None:
    for workspace, run_id in (("harbor", "a"), ("harbor", "b"), ("lighthouse", "a")):
        destination.send(WorkspaceId(workspace), made_run(run_id))
    assert len(braintrust.experiments) == 3
    assert len(braintrust.account.projects) == 1


def test_a_run_of_many_questions_goes_in_several_requests(
    braintrust: BraintrustServer, destination: BraintrustReports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ROWS", 100)
    destination.send(HARBOR, made_run(questions=250))
    inserted = [len(body["events"]) for _, path, body in braintrust.requests if path.endswith("/insert")]
    assert inserted == [100, 100, 50]
    monkeypatch.setattr(module, "_MOST_BYTES", 20_000)
    destination.send(HARBOR, made_run("by-bytes", questions=250))
    assert len([path for _, path, _ in braintrust.requests if path.endswith("/insert")]) > 10
    assert {len(rows) for rows in braintrust.experiments.values()} == {250}


def test_with_the_url_of_an_api_nobody_logs_in(braintrust: BraintrustServer) -> None:
    access = replace(access_to(braintrust), api_url=braintrust.url, app_url=None)
    BraintrustReports(access).send(HARBOR, made_run())
    assert len(braintrust.experiments) == 1
    assert [path for _, path, _ in braintrust.requests if "login" in path] == []


FAILURES: dict[str, tuple[Fault, str, type[NeuralMemoryError]]] = {
    "key refused at login": (Fault(status=401, message="Invalid API key"), "/login", ConfigurationError),
    "key refused": (Fault(status=401, message="Invalid API key"), "/v1/experiment", ConfigurationError),
    "no permission": (Fault(status=403, message="missing permission"), "/insert", ConfigurationError),
    "no such address": (Fault(status=404, message="Not Found"), "/v1/project", ConfigurationError),
    "refused": (Fault(status=400, message="bad row"), "/insert", PermanentError),
    "too often": (rate_limited("7"), "/insert", TransientError),
    "out of order": (Fault(status=500, message="oops"), "/insert", TransientError),
    "gateway": (Fault(status=502), "/login", TransientError),
    "cut off": (Fault(cut=True), "/insert", TransientError),
    "rows forgotten": (Fault(forgets_rows=1), "/insert", ContractError),
    "no JSON": (Fault(body=b"<html>sign in</html>"), "/v1/project", ContractError),
    "no id": (Fault(body=b"{}"), "/v1/experiment", ContractError),
    "no list of ids": (Fault(body=b'{"row_ids": 3}'), "/insert", ContractError),
    "a list": (Fault(body=b"[]"), "/insert", ContractError),
    "no organization": (Fault(body=b'{"org_info": []}'), "/login", ConfigurationError),
}


@pytest.mark.parametrize(("fault", "path", "kind"), FAILURES.values(), ids=FAILURES.keys())
def test_what_goes_wrong_is_an_error_of_ours(
    braintrust: BraintrustServer,
    destination: BraintrustReports,
    fault: Fault,
    path: str,
    kind: type[NeuralMemoryError],
) -> None:
    braintrust.faults.at(fault, path, times=1)
    with pytest.raises(NeuralMemoryError, match="Braintrust at 127") as caught:
        destination.send(HARBOR, made_run())
    assert type(caught.value) is kind
    if isinstance(caught.value, TransientError):
        assert caught.value.retry_after_seconds == (7 if fault.status == 429 else None)
    destination.send(HARBOR, made_run())  # and nothing of it stays
    assert [len(rows) for rows in braintrust.experiments.values()] == [3]


def test_an_organization_of_others_is_named(braintrust: BraintrustServer) -> None:
    access = replace(access_to(braintrust), org_name="elsewhere")
    with pytest.raises(ConfigurationError, match=r"elsewhere not found.*harbor-labs.*BRAINTRUST_ORG_NAME"):
        BraintrustReports(access).send(HARBOR, made_run())


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        access = access_to_port(taken.getsockname()[1])
        with pytest.raises(TransientError, match="no answer"):
            BraintrustReports(access).send(HARBOR, made_run())


def access_to_port(port: int) -> module.BraintrustAccess:
    return module.BraintrustAccess(api_key="k", project="p", app_url=f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("fault", [Fault(hangs=True), Fault(drips=True)], ids=["never answers", "never ends"])
@pytest.mark.parametrize("path", ["/login", "/insert"])
def test_a_server_that_does_not_come_to_an_end_is_left_in_time(
    braintrust: BraintrustServer, fault: Fault, path: str
) -> None:
    braintrust.faults.at(fault, path)
    started = time.monotonic()
    with pytest.raises(TransientError, match=r"not done within 0\.5 s"):
        BraintrustReports(access_to(braintrust), timeout_seconds=0.5).send(HARBOR, made_run())
    assert time.monotonic() - started < 3
    left = [thread for thread in threading.enumerate() if thread.name == "bounded-call"]
    assert all(thread.daemon for thread in left)  # none of them keeps a process from ending


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_without_quoting_it(key: str, braintrust: BraintrustServer) -> None:
    with pytest.raises(ConfigurationError, match="BRAINTRUST_API_KEY") as caught:
        BraintrustReports(replace(access_to(braintrust), api_key=key))
    assert not key or key not in str(caught.value)


def test_the_key_is_told_nowhere(braintrust: BraintrustServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-wrong-but-secret-9d1e"
    destination = BraintrustReports(access_to(braintrust, api_key=key))
    shown = [repr(destination), repr(access_to(braintrust, api_key=key))]
    for fault, path in (
        (Fault(status=401, message=f"no such key: {key}"), "/login"),
        (Fault(status=500, message=f"Bearer {key}\x00"), "/login"),
        (Fault(body=key.encode()), "/login"),
        (Fault(cut=True), "/login"),
    ):
        braintrust.faults.clear()
        braintrust.faults.at(fault, path)
        with pytest.raises(NeuralMemoryError) as caught:
            destination.send(HARBOR, made_run())
        shown.append("".join(traceback.format_exception(caught.value)))
    assert key not in "".join(shown) + caplog.text


def test_a_check_changes_nothing(braintrust: BraintrustServer, destination: BraintrustReports) -> None:
    address = braintrust.url.removeprefix("http://")
    assert destination.check() == f"Braintrust at {address}, project memory (made with the first report)"
    assert braintrust.account.projects == {}
    destination.send(HARBOR, made_run())
    assert destination.check() == f"Braintrust at {address}, project memory"
    with pytest.raises(ConfigurationError, match="BRAINTRUST_API_KEY"):
        BraintrustReports(access_to(braintrust, api_key="another")).check()


def test_times_are_those_of_the_run(braintrust: BraintrustServer, destination: BraintrustReports) -> None:
    destination.send(HARBOR, made_run())
    ((_, rows),) = braintrust.experiments.items()
    assert {row["created"] for row in rows.values()} == {AT.isoformat()}
