"""`neural-memory up`, `down`, `doctor`, `migrate`, `reset` and `env`: the stores and the UI."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable
from typing import Annotated

import typer

from neural_memory_pipelines.cli import serving
from neural_memory_pipelines.cli.opening import dagster_environment, ready_stores
from neural_memory_pipelines.cli.output import out, print_json, print_table
from neural_memory_pipelines.errors import NeuralMemoryError, PermanentError, TransientError
from neural_memory_pipelines.local.session import Session, embedded_parts, resolve_endpoints, stack_of
from neural_memory_pipelines.settings import Settings, load_settings
from neural_memory_pipelines.stores.postgres.engine import login_of, ping
from neural_memory_pipelines.stores.postgres.migrate import migrate as migrate_database
from neural_memory_pipelines.stores.postgres.migrate import schema_state


def up() -> None:
    """Serve the Dagster UI on the stores until Ctrl-C."""
    settings = load_settings()
    with serving.only_up(settings):
        ready = ready_stores()
        stop = _Stop()
        try:
            out.print("starting Dagster ...")
            record = serving.serve(ready)
            out.print(f"Dagster UI: {record.url}  (sensors and schedules are on; Ctrl-C stops it)")
            while not stop.asked and serving.still_serving(record):
                time.sleep(0.5)
            if not stop.asked:
                raise TransientError(f"Dagster ended by itself: see {settings.home.resolve() / 'logs' / 'dagster.log'}")
        finally:
            out.print("stopping ...")
            serving.end(settings)
            if ready.started:
                stack_of(settings).stop()


def down() -> None:
    """Stop the embedded stores, and a running `up`."""
    settings = load_settings()
    stopped = (["up"] if serving.stop_up(settings) else []) + stack_of(settings).stop()
    out.print(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def reset(yes: Annotated[bool, typer.Option("--yes", help="Really remove all data.")] = False) -> None:
    """Remove the embedded stores with all their data."""
    settings = load_settings()
    if not yes:
        raise PermanentError(f"this removes {settings.home.resolve()} with all data: add --yes if you mean it")
    serving.stop_up(settings)
    stack_of(settings).reset()
    out.print(f"removed {settings.home.resolve()}")


def migrate() -> None:
    """Bring the database to the newest schema."""
    settings = load_settings()
    stack_of(settings).start(postgres=embedded_parts(settings)[0], valkey=False)
    endpoints = resolve_endpoints(settings)
    before, after = migrate_database(endpoints.database_admin_url, pipeline_user=login_of(endpoints.database_url))
    out.print(f"already at {after.head}" if before.at_head else f"migrated from {before.current} to {after.current}")


def env() -> None:
    """Print what Dagster's own commands need: eval "$(neural-memory env)", then `dagster dev -w workspace.yaml`."""
    for name, value in dagster_environment(ready_stores()).items():
        out.print(f"export {name}={shlex.quote(value)}", markup=False)


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell of each store whether it is embedded or remote, and whether it answers. Exits 1 if one does not."""
    settings = load_settings()
    rows = _examine(settings)
    if json:
        print_json(rows)
    else:
        print_table("stores", rows)
    if not all(row["answers"] for row in rows):
        raise typer.Exit(1)


def _examine(settings: Settings) -> list[dict[str, object]]:
    stack = stack_of(settings)
    stack.start(postgres=embedded_parts(settings)[0], valkey=embedded_parts(settings)[1])
    session = Session(settings, resolve_endpoints(settings))
    stores, endpoints = session.stores, session.endpoints

    def schema() -> str:
        state = schema_state(endpoints.database_admin_url)
        return f"at head ({state.head})" if state.at_head else f"at {state.current}, head is {state.head}: migrate"

    probes: list[tuple[str, bool, Callable[[], str]]] = [
        ("postgres", settings.database_url is None, stores.database.check),
        ("migrations", settings.database_url is None, schema),
        ("dagster storage", settings.dagster_postgres_url is None, lambda: ping(endpoints.dagster_postgres_url)),
        ("objects", True, stores.objects.check),
        ("vectors", settings.database_url is None, stores.vectors.check),
        ("cache", settings.effective_redis_url is None, stores.cache.check),
        (
            "embedder",
            settings.embedding_model.startswith(("local/", "hash/")),
            lambda: session.new_workspace_version.name,
        ),
    ]
    try:
        return [_probe(name, is_embedded, ask) for name, is_embedded, ask in probes]
    finally:
        session.close()


def _probe(name: str, is_embedded: bool, ask: Callable[[], str]) -> dict[str, object]:
    try:
        says, answers = ask(), True
    except NeuralMemoryError as error:
        says, answers = str(error), False
    return {"store": name, "kind": "embedded" if is_embedded else "remote", "answers": answers, "says": says}


class _Stop:
    """Notes that a person or the system asks us to end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
