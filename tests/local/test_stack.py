"""One running stack: what it offers, what it hides, and that what was written stays."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.services import ServiceStatus
from neural_memory_pipelines.local.stack import EmbeddedStack

Connect = Callable[[str], psycopg.Connection[tuple[object, ...]]]
Valkey = Callable[[EmbeddedStack], redis.Redis]


def _pids(stack: EmbeddedStack) -> dict[str, int]:
    services = stack.services()
    assert all(service.running for service in services)
    return {service.name: service.pid for service in services if service.pid is not None}


def _passwords(stack: EmbeddedStack) -> list[str]:
    state = json.loads((stack.home / "state.json").read_text())
    return [value for name, value in state.items() if name.endswith("_password")]


def _write(stack: EmbeddedStack, connect: Connect, valkey: Valkey, value: str) -> None:
    connection = connect(stack.endpoints().database_admin_url)
    connection.execute("CREATE TABLE IF NOT EXISTS kept (value text PRIMARY KEY)")
    connection.execute("INSERT INTO kept VALUES (%s)", (value,))
    valkey(stack).set(f"kept:{value}", value)


def _is_kept(stack: EmbeddedStack, connect: Connect, valkey: Valkey, value: str) -> bool:
    row = connect(stack.endpoints().database_admin_url).execute("SELECT 1 FROM kept WHERE value = %s", (value,))
    return row.fetchone() is not None and valkey(stack).get(f"kept:{value}") == value


def test_a_second_start_changes_nothing(stack: EmbeddedStack) -> None:
    pids, endpoints = _pids(stack), stack.endpoints()
    EmbeddedStack(stack.home).start()
    assert _pids(stack) == pids
    assert stack.endpoints() == endpoints
    assert endpoints.objects_dir.is_dir()
    assert endpoints.objects_dir.is_absolute()


def test_services_tell_address_and_version(stack: EmbeddedStack) -> None:
    postgres, valkey = stack.services()
    assert (postgres.name, postgres.version) == ("postgres", "18.6")
    assert (valkey.name, str(valkey.version).split(".", 1)[0]) == ("valkey", "9")
    assert f"@{postgres.address}/" in stack.endpoints().database_url
    assert f"@{valkey.address}/" in stack.endpoints().redis_url


def test_servers_listen_on_the_loopback_address_alone(stack: EmbeddedStack, connect: Connect) -> None:
    for port in _ports(stack.services()).values():
        socket.create_connection(("127.0.0.1", port), timeout=3).close()
        # A server that listens on every address would answer here too.
        with pytest.raises(OSError, match=r"refused|assign"):
            socket.create_connection(("127.0.0.2", port), timeout=3)
    settings = connect(stack.endpoints().database_admin_url).execute("SHOW unix_socket_directories")
    assert settings.fetchone() == ("",)


def test_schemes_of_the_urls(stack: EmbeddedStack) -> None:
    endpoints = stack.endpoints()
    assert endpoints.database_url.startswith("postgresql+psycopg://neural_memory_pipeline:")
    assert endpoints.database_admin_url.startswith("postgresql+psycopg://neural_memory_owner:")
    assert endpoints.dagster_postgres_url.startswith("postgresql+psycopg2://neural_memory_dagster:")


def test_pgvector_finds_the_nearest_by_cosine(stack: EmbeddedStack, connect: Connect) -> None:
    connection = connect(stack.endpoints().database_admin_url)
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute("CREATE TEMPORARY TABLE item (name text, direction vector(2))")
    connection.execute("INSERT INTO item VALUES ('east', '[1,0]'), ('north', '[0,1]'), ('northeast', '[0.7,0.7]')")
    rows = connection.execute("SELECT name FROM item ORDER BY direction <=> '[0.6,1]' LIMIT 2").fetchall()
    assert rows == [("northeast",), ("north",)]


def test_the_pipeline_role_has_no_power(stack: EmbeddedStack, connect: Connect) -> None:
    connection = connect(stack.endpoints().database_url)
    row = connection.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row == (False, False, False, False)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE public.mine (id int)")


def test_each_role_keeps_to_its_database(stack: EmbeddedStack, connect: Connect) -> None:
    endpoints = stack.endpoints()
    owner = connect(endpoints.dagster_postgres_url).execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    assert owner.fetchone() == ("neural_memory_dagster",)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(endpoints.database_url.replace("/neural_memory?", "/dagster?"))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(endpoints.dagster_postgres_url.replace("/dagster?", "/neural_memory?"))


def test_a_wrong_password_is_refused(stack: EmbeddedStack, connect: Connect, valkey: Valkey) -> None:
    password = _passwords(stack)[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(stack.endpoints().database_admin_url.replace(password, "wrong"))
    stranger = redis.Redis.from_url(stack.endpoints().redis_url.split("@")[1].join(("redis://", "")))
    with pytest.raises(redis.AuthenticationError):
        stranger.get("anything")


def test_passwords_stay_hidden(stack: EmbeddedStack) -> None:
    arguments = " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in _pids(stack).values())
    logs = "".join(log.read_text() for log in (stack.home / "logs").iterdir())
    passwords = _passwords(stack)
    assert len(set(passwords)) == 4
    for password in passwords:
        assert password not in repr(stack.endpoints())
        assert password not in arguments + logs
    for name in ("state.json", "valkey/valkey.conf"):
        assert (stack.home / name).stat().st_mode & 0o777 == 0o600


def test_what_was_written_survives_stop_and_start(stack: EmbeddedStack, connect: Connect, valkey: Valkey) -> None:
    endpoints = stack.endpoints()
    _write(stack, connect, valkey, "stopped")
    assert set(stack.stop()) == {"postgres", "valkey"}
    assert [(s.running, s.pid) for s in stack.services()] == [(False, None), (False, None)]
    assert stack.stop() == []
    stack.start()
    assert stack.endpoints() == endpoints
    assert _is_kept(stack, connect, valkey, "stopped")


def test_what_was_written_survives_sigkill(stack: EmbeddedStack, connect: Connect, valkey: Valkey) -> None:
    _write(stack, connect, valkey, "killed")
    before = _pids(stack)
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    stack.start()
    assert not set(before.values()) & set(_pids(stack).values())
    assert _is_kept(stack, connect, valkey, "killed")


def test_one_of_two_is_started_alone(stack: EmbeddedStack) -> None:
    stack.stop()
    stack.start(postgres=False)
    assert [service.running for service in stack.services()] == [False, True]
    stack.start()
    assert [service.running for service in stack.services()] == [True, True]


def test_stop_finds_servers_whose_pid_files_are_lost(stack: EmbeddedStack) -> None:
    before = _pids(stack)
    _postmaster_pid_file(stack).unlink()
    (stack.home / "valkey" / "valkey.pid").unlink()
    assert set(stack.stop()) == {"postgres", "valkey"}
    assert not any(psutil.pid_exists(pid) and _is_running(pid) for pid in before.values())
    stack.start()


def test_a_running_server_is_not_moved_to_a_configured_port(stack: EmbeddedStack) -> None:
    other = EmbeddedStack(stack.home, postgres_port=15001)
    with pytest.raises(ConfigurationError, match=r"NEURAL_MEMORY_POSTGRES_PORT=15001, .* `neural-memory down`"):
        other.start()


def test_a_taken_remembered_port_is_replaced(stack: EmbeddedStack) -> None:
    before = _ports(stack.services())
    stack.stop()
    with socket.create_server(("127.0.0.1", before["postgres"])), socket.create_server(("127.0.0.1", before["valkey"])):
        stack.start()
        after = _ports(stack.services())
    assert not set(before.values()) & set(after.values())
    assert f":{after['postgres']}/" in stack.endpoints().database_url
    stack.stop()
    stack.start()
    assert _ports(stack.services()) == after


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_taken_configured_port_is_a_clear_error(stack: EmbeddedStack, name: str) -> None:
    stack.stop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        configured = EmbeddedStack(stack.home, **{f"{name}_port": port})
        with pytest.raises(ConfigurationError, match=f"NEURAL_MEMORY_{name.upper()}_PORT={port}.*stop it, choose"):
            configured.start()
    configured.start()
    assert _ports(configured.services())[name] == port


def _ports(services: list[ServiceStatus]) -> dict[str, int]:
    return {service.name: int(str(service.address).rsplit(":", 1)[1]) for service in services}


def _postmaster_pid_file(stack: EmbeddedStack) -> Path:
    state = json.loads((stack.home / "state.json").read_text())
    return Path(stack.home / state["cluster_directory"] / "data" / "postmaster.pid")


def _is_running(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
