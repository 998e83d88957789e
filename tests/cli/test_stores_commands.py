"""`doctor`, `migrate`, `env`, `down`, `reset`, and stores that are away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.local.stack import EmbeddedStack
from tests.cli.conftest import Run
from tests.models.cohere_server import CohereServer
from tests.stores.pinecone_server import PineconeServer
from tests.stores.s3_server import answering, refusal

NOBODY_LISTENS = "127.0.0.1:1"
SECRET = "s3kr1t"


@pytest.fixture
def empty_database(session: Session) -> Iterator[str]:
    """The URL of a database of its own, not migrated, as its owner."""
    admin = make_url(session.endpoints.database_admin_url).set(drivername="postgresql+psycopg")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE empty"))
    yield admin.set(database="empty", drivername="postgresql").render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE empty WITH (FORCE)"))
    engine.dispose()


def rows_of(outcome: Any) -> dict[str, dict[str, Any]]:
    return {row["store"]: row for row in outcome.json}


def test_doctor_tells_what_each_store_is(run: Run) -> None:
    outcome = run("doctor", "--json")
    assert outcome.code == 0
    rows = rows_of(outcome)
    assert set(rows) == {"postgres", "migrations", "dagster storage", "objects", "vectors", "cache", "embedder"}
    assert {row["kind"] for row in rows.values()} == {"embedded"}
    assert "127.0.0.1:" in rows["postgres"]["says"]
    assert "at head" in rows["migrations"]["says"]
    assert "postgres" in run("doctor").out


def test_doctor_shows_the_others_when_a_store_is_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@{NOBODY_LISTENS}/0")
    outcome = run("doctor", "--json")
    rows = rows_of(outcome)
    assert outcome.code == 1
    assert [name for name, row in rows.items() if not row["answers"]] == ["cache"]
    assert (rows["cache"]["kind"], NOBODY_LISTENS in rows["cache"]["says"]) == ("remote", True)
    assert SECRET not in outcome.out + outcome.err

    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@{NOBODY_LISTENS}/db")
    outcome = run("doctor", "--json")
    away = [name for name, row in rows_of(outcome).items() if not row["answers"]]
    assert (outcome.code, away) == (1, ["postgres", "migrations", "vectors", "cache"])
    assert SECRET not in outcome.out + outcome.err


def test_doctor_tells_why_an_embedded_store_does_not_start(
    run: Run, stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURAL_MEMORY_VALKEY_PORT", "1")
    outcome = run("doctor", "--json")
    rows = rows_of(outcome)
    assert outcome.code == 1
    assert [name for name, row in rows.items() if not row["answers"]] == ["cache"]
    assert "NEURAL_MEMORY_VALKEY_PORT" in rows["cache"]["says"]


def test_doctor_asks_the_services_that_are_set(
    run: Run, monkeypatch: pytest.MonkeyPatch, pinecone: PineconeServer, cohere: CohereServer
) -> None:
    for name, value in {
        "PINECONE_API_KEY": pinecone.api_key,
        "PINECONE_CONTROLLER_HOST": pinecone.url,
        "PINECONE_REGION": "eu-west-1",
        "COHERE_API_KEY": cohere.api_key,
        "CO_API_URL": cohere.url,
    }.items():
        monkeypatch.setenv(name, value)
    outcome = run("doctor", "--json")
    assert outcome.code == 0, outcome.out
    rows = rows_of(outcome)
    assert (rows["vectors"]["kind"], rows["vectors"]["says"]) == (
        "remote",
        "Pinecone serverless aws eu-west-1, 0 indexes",
    )
    assert rows["cohere"]["kind"] == "remote"
    assert rows["cohere"]["says"].startswith("cohere/embed-v4.0, dimension 1536, answered in ")
    for secret in (pinecone.api_key, cohere.api_key):
        assert secret not in outcome.out + outcome.err

    monkeypatch.setenv("NEURAL_MEMORY_EMBEDDING_MODEL", "cohere/embed-v5.0-fast")
    rows = rows_of(run("doctor", "--json"))
    assert "cohere" not in rows
    assert rows["embedder"]["says"].startswith("cohere/embed-v5.0-fast, dimension 2048, answered in ")
    told = run("env")
    assert "vectors: Pinecone, aws eu-west-1" in told.err
    assert "model of new workspaces: cohere/embed-v5.0-fast" in told.err
    assert cohere.api_key not in told.out + told.err
    assert "vectors: Pinecone, aws eu-west-1" in run("status").out


def test_doctor_tells_which_service_refuses_or_does_not_answer(
    run: Run, monkeypatch: pytest.MonkeyPatch, cohere: CohereServer
) -> None:
    with answering(403, refusal("InvalidAccessKeyId")) as s3:
        for name, value in {
            "S3_BUCKET": "artifacts",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "me",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL_S3": s3.endpoint_url,
            "PINECONE_API_KEY": SECRET,
            "PINECONE_CONTROLLER_HOST": f"http://{NOBODY_LISTENS}",
            "COHERE_API_KEY": f"{SECRET}-and-wrong",
            "CO_API_URL": cohere.url,
        }.items():
            monkeypatch.setenv(name, value)
        outcome = run("doctor", "--json")
    rows = rows_of(outcome)
    assert outcome.code == 1
    assert [name for name, row in rows.items() if not row["answers"]] == ["objects", "vectors", "cohere"]
    assert {rows[name]["kind"] for name in ("objects", "vectors", "cohere")} == {"remote"}
    assert "bucket artifacts" in rows["objects"]["says"]
    assert "AWS_ACCESS_KEY_ID" in rows["objects"]["says"]
    assert NOBODY_LISTENS in rows["vectors"]["says"]
    assert "COHERE_API_KEY" in rows["cohere"]["says"]
    assert SECRET not in outcome.out + outcome.err


def test_an_empty_database_is_told_so_and_migrated_on_demand(
    run: Run, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    outcome = run("doctor", "--json")
    rows = rows_of(outcome)
    assert outcome.code == 1
    assert [name for name, row in rows.items() if not row["answers"]] == ["migrations", "vectors"]
    assert "run `neural-memory migrate`" in rows["migrations"]["says"]
    for command in (["status"], ["search", "x", "-w", "x"], ["build"], ["ingest", "docs", ".", "-w", "x"]):
        refused = run(*command)
        assert refused.code == 2
        assert "the database of DATABASE_URL is empty" in refused.err
        assert "run `neural-memory migrate`" in refused.err
    assert "migrated from an empty database" in run("migrate").out
    assert "already at" in run("migrate").out
    assert run("doctor").code == 0
    assert {value["documents"] for value in run("status", "--json").json} <= {0}


@pytest.mark.parametrize(
    "command", [["status"], ["search", "x", "-w", "x"], ["build"], ["ingest", "events", "x"], ["migrate"], ["env"]]
)
def test_a_database_that_does_not_answer_exits_3_soon(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@{NOBODY_LISTENS}/db")
    started = time.monotonic()
    outcome = run(*command)
    assert outcome.code == 3
    assert outcome.err.startswith(f"error: Postgres at {NOBODY_LISTENS}/db: ")
    assert SECRET not in outcome.out + outcome.err
    assert time.monotonic() - started < 5


def test_dagsters_storage_that_does_not_answer_exits_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql://u:{SECRET}@{NOBODY_LISTENS}/dagster")
    run("ingest", "docs", str(Path(__file__).parents[2] / "samples" / "harbor" / "docs"), "-w", "away")
    outcome = run("build", "-w", "away")
    assert outcome.code == 3
    assert outcome.err.startswith(f"error: Dagster's storage: Postgres at {NOBODY_LISTENS}/dagster: ")
    assert SECRET not in outcome.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("NEURAL_MEMORY_INDEX_TOPOLOGY", "star"),
        ("DATABASE_URL", f"mysql://u:{SECRET}@h/db"),
        ("UPSTASH_REDIS_REST_TOKEN", SECRET),
        ("NEURAL_MEMORY_EMBEDDING_MODEL", "local/unknown"),
        ("NEURAL_MEMORY_HOME", "/etc"),
    ],
)
@pytest.mark.parametrize("command", [["status"], ["doctor"], ["up"], ["search", "x", "-w", "x"]])
def test_a_wrong_setting_exits_2_and_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    outcome = run(*command)
    assert outcome.code == 2
    assert name in outcome.err
    assert SECRET not in outcome.err


def test_env_can_be_evaluated_by_a_shell(run: Run, session: Session) -> None:
    lines = run("env").out.splitlines()
    assert {line.partition("=")[0] for line in lines} == {
        "export DAGSTER_HOME",
        "export DAGSTER_POSTGRES_URL",
        "export DAGSTER_DISABLE_TELEMETRY",
        "export NEURAL_MEMORY_HOME",
    }
    assert session.endpoints.dagster_postgres_url in "\n".join(lines)


def test_what_a_command_starts_is_found_by_down(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURAL_MEMORY_HOME", str(home))
    assert run("down").out == "nothing was running\n"
    assert not home.exists()
    assert "no workspace yet" in run("status").out
    assert "nothing to build" in run("build").out
    assert servers_of(home)
    assert run("down").out == "stopped valkey, postgres\n"
    assert servers_of(home) == []
    refused = run("reset")
    assert (refused.code, "--yes" in refused.err, home.exists()) == (2, True, True)
    assert run("reset", "--yes").out == f"removed {home}\n"
    assert not home.exists()
    assert run("reset", "--yes").code == 0


def servers_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join([*process.cmdline(), process.cwd()]):
                found.append(process)
        except psutil.Error:
            continue
    return found
