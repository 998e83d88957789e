"""The settings name the destination, and `doctor` tells whether it answers."""

from __future__ import annotations

from typing import Any

import pytest

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.reports import open_report_destination
from neural_memory_pipelines.settings import load_settings
from tests.cli.conftest import Run

from .braintrust_server import BraintrustServer
from .conftest import Chosen
from .runs import made_run


def rows_of(outcome: Any) -> dict[str, dict[str, Any]]:
    return {row["store"]: row for row in outcome.json}


def test_without_a_key_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINTRUST_API_KEY", raising=False)
    assert open_report_destination(load_settings()) is None


def test_the_settings_name_the_account(braintrust_chosen: Chosen, workspace: Any) -> None:
    server = braintrust_chosen(NEURAL_MEMORY_BRAINTRUST_PROJECT="evaluations", BRAINTRUST_ORG_NAME="harbor-labs")
    settings = load_settings()
    assert server.api_key not in f"{settings} {settings!r} {settings.model_dump_json()}"
    destination = open_report_destination(settings)
    assert destination is not None
    destination.send(workspace, made_run())
    assert [project["name"] for project in server.account.projects.values()] == ["evaluations"]


@pytest.mark.parametrize("name", ["BRAINTRUST_API_URL", "BRAINTRUST_APP_URL"])
def test_a_url_that_is_none_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "braintrust.example")
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_doctor_tells_whether_it_answers(
    run: Run, braintrust_chosen: Chosen, braintrust: BraintrustServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRAINTRUST_API_KEY", raising=False)
    assert "braintrust" not in rows_of(run("doctor", "--json"))
    braintrust_chosen()
    outcome = run("doctor", "--json")
    row = rows_of(outcome)["braintrust"]
    assert (outcome.code, row["kind"], row["answers"]) == (0, "remote", True)
    assert row["says"].endswith("project neural-memory (made with the first report)")
    for key, says in (("sk-wrong", "BRAINTRUST_API_KEY"), ("no key", "BRAINTRUST_API_KEY cannot be a key")):
        monkeypatch.setenv("BRAINTRUST_API_KEY", key)
        outcome = run("doctor", "--json")
        row = rows_of(outcome)["braintrust"]
        assert (outcome.code, row["answers"]) == (1, False)
        assert says in row["says"]
        assert key not in outcome.out + outcome.err
    braintrust_chosen(BRAINTRUST_APP_URL="http://127.0.0.1:1")
    assert "no answer" in rows_of(run("doctor", "--json"))["braintrust"]["says"]
    assert braintrust.account.projects == {}
