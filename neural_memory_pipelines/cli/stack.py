"""`neural-memory up`, `down`, `migrate`, `reset` and `env`: the stores and the UI.

How servers are started is known to `local/` alone.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from neural_memory_pipelines.cli.building import close_runs_of_an_earlier_up
from neural_memory_pipelines.cli.opening import checked_settings, dagster_environment, ready_stores
from neural_memory_pipelines.cli.output import err, out
from neural_memory_pipelines.cli.serving import Dagster
from neural_memory_pipelines.cli.store_kinds import told
from neural_memory_pipelines.cli.up_place import UpPlace
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import embedded_parts, resolve_endpoints, stack_of
from neural_memory_pipelines.settings import Settings, load_settings
from neural_memory_pipelines.stores.postgres.engine import login_of
from neural_memory_pipelines.stores.postgres.migrate import migrate as migrate_database

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up() -> None:
    """Serve the Dagster UI on the stores until Ctrl-C, with sensors and schedules on.

    Stops all that it started, stores too. The port is NEURAL_MEMORY_UI_PORT; else 3000, or a free one.
    """
    settings = checked_settings()
    place = UpPlace(settings)
    with _ended_by_signals(), place.held(), _stores_stopped_again(settings, place):
        try:
            err.print("starting the stores ...")
            ready = ready_stores()
            err.print("starting Dagster ...")
            close_runs_of_an_earlier_up(ready)
            dagster = Dagster(ready, place.home)
            dagster.await_answer()
            place.write_down(dagster.url)
            out.print(f"Dagster UI: {dagster.url}  (sensors and schedules are on; Ctrl-C stops it)")
            dagster.watch()
        except KeyboardInterrupt:
            err.print("stopping ... (runs are given 20 seconds to end)")
        finally:
            place.end_processes()  # before the stores that they work on


def down() -> None:
    """Stop the embedded stores, and a running `up`."""
    settings = load_settings()
    stopped = (["up"] if UpPlace(settings).stop() else []) + stack_of(settings).stop()
    out.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def reset(yes: Annotated[bool, typer.Option("--yes", help="Really remove all data.")] = False) -> None:
    """Remove the embedded stores with all their data."""
    settings = load_settings()
    home = stack_of(settings).home
    if not yes:
        raise PermanentError(f"this removes {home} with all data: add --yes if you mean it")
    UpPlace(settings).stop()
    existed = home.exists()
    stack_of(settings).reset()
    out.print(f"removed {home}" if existed else f"there is no {home}")


def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = checked_settings()
    stack_of(settings).start(postgres=embedded_parts(settings)[0], valkey=False)
    endpoints = resolve_endpoints(settings)
    before, after = migrate_database(endpoints.database_admin_url, pipeline_user=login_of(endpoints.database_url))
    start = f"revision {before.current}" if before.current else "an empty database"
    out.print(f"already at {after.head}" if before.at_head else f"migrated from {start} to {after.current}")


def env() -> None:
    """Print what Dagster's own commands need: eval "$(neural-memory env)", then `dagster dev -w workspace.yaml`."""
    ready = ready_stores()
    err.print(f"# {told(ready.settings)}; what else is set is taken from this environment", markup=False)
    for name, value in dagster_environment(ready).items():
        out.print(f"export {name}={shlex.quote(value)}", markup=False)


@contextmanager
def _stores_stopped_again(settings: Settings, place: UpPlace) -> Iterator[None]:
    """Stop the embedded stores at the end, unless all of them ran before and were nobody's `up`."""
    stack = stack_of(settings)
    running = sum(service.running for service in stack.services())
    are_ours = place.claim_stores(are_running=running >= sum(embedded_parts(settings)))
    try:
        yield
    finally:
        if are_ours:
            stack.stop()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have the first signal that asks us to end raise KeyboardInterrupt; cleaning up is not interrupted by another."""
    asked = False

    def interrupt(*_: object) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
