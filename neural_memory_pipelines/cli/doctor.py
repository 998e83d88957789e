"""`neural-memory doctor`: what each store is, and whether it answers.

It looks and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import checked_settings
from neural_memory_pipelines.cli.output import print_json, print_table
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import ConfigurationError, NeuralMemoryError
from neural_memory_pipelines.local.reports import open_report_destination
from neural_memory_pipelines.local.session import Session, embedded_parts, resolve_endpoints, stack_of
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.models.embedders.registry import embedder_spec
from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.stores.postgres.engine import ping
from neural_memory_pipelines.stores.postgres.migrate import schema_state

_COHERE = "cohere"
_COHERE_ASKED = "cohere/embed-v4.0"


@dataclass(frozen=True, slots=True)
class _Probe:
    """A question to one store. `problem` is why its embedded server did not start."""

    store: str
    is_embedded: bool
    ask: Callable[[], str]
    problem: str | None = None


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Tell of each store whether it is embedded or remote, where, and whether it answers. Exits 1 if one does not."""
    rows = _examine(checked_settings())
    if json:
        print_json(rows)
    else:
        print_table("stores", rows)
    if not all(row["answers"] for row in rows):
        raise typer.Exit(1)


def _examine(settings: Settings) -> list[dict[str, object]]:
    postgres, valkey = embedded_parts(settings)
    stack = stack_of(settings)
    stack.start(postgres=False, valkey=False)  # a home that is not ours ends the command here
    postgres_problem = _start(lambda: stack.start(postgres=postgres, valkey=False))
    valkey_problem = _start(lambda: stack.start(postgres=False, valkey=valkey))
    session = Session(settings, resolve_endpoints(settings))
    try:
        return [_answer(probe) for probe in _probes(session, postgres_problem, valkey_problem)]
    finally:
        session.close()


def _start(start: Callable[[], None]) -> str | None:
    try:
        start()
    except NeuralMemoryError as error:
        return str(error)
    return None


def _answers_as_embedder(session: Session, version: EmbeddingVersion) -> str:
    """Have a service embed one word, which costs next to nothing and needs a key that is right."""
    started = time.perf_counter()
    session.embedder(version).embed(["hello"], role=InputRole.SEARCH_QUERY)
    return f"{version.model}, dimension {version.dim}, answered in {time.perf_counter() - started:.1f} s"


def _model_probes(session: Session) -> list[_Probe]:
    settings, version = session.settings, session.new_workspace_version
    if version.provider == _COHERE:
        return [_Probe("embedder", False, lambda: _answers_as_embedder(session, version))]
    probes = [_Probe("embedder", True, lambda: version.name)]
    if settings.cohere_api_key is not None:  # versions of some workspaces may need it
        asked = EmbeddingVersion(model=_COHERE_ASKED, dim=embedder_spec(_COHERE_ASKED).dim, chunking=version.chunking)
        probes.append(_Probe(_COHERE, False, lambda: _answers_as_embedder(session, asked)))
    return probes


def _report_probes(settings: Settings) -> list[_Probe]:
    """Ask the service that is told of evaluations, where one is set; nothing embedded stands in for it."""
    if settings.braintrust_api_key is None:
        return []
    return [_Probe("braintrust", False, lambda: _answers_as_destination(settings))]


def _answers_as_destination(settings: Settings) -> str:
    destination = open_report_destination(settings)  # here, where a key that cannot be one becomes an answer
    assert destination is not None
    return destination.check()


def _probes(session: Session, postgres_problem: str | None, valkey_problem: str | None) -> list[_Probe]:
    settings, stores, endpoints = session.settings, session.stores, session.endpoints
    is_ours = settings.database_url is None
    problem = postgres_problem if is_ours else None
    has_pgvector = settings.pinecone_api_key is None
    has_own_dagster = settings.dagster_postgres_url is None
    return [
        _Probe("postgres", is_ours, lambda: ping(endpoints.database_url), problem),
        _Probe("migrations", is_ours, lambda: _schema(endpoints.database_admin_url), problem),
        _Probe(
            "dagster storage",
            has_own_dagster,
            lambda: ping(endpoints.dagster_postgres_url),
            postgres_problem if has_own_dagster else None,
        ),
        _Probe("objects", settings.s3_bucket is None, stores.objects.check),
        _Probe("vectors", is_ours and has_pgvector, stores.vectors.check, problem if has_pgvector else None),
        _Probe("cache", settings.effective_redis_url is None, stores.cache.check, valkey_problem),
        *_model_probes(session),
        *_report_probes(settings),
    ]


def _schema(admin_url: str) -> str:
    state = schema_state(admin_url)
    if not state.at_head:
        where = f"at revision {state.current}" if state.current else "empty"
        raise ConfigurationError(f"{where}, the newest revision is {state.head}: run `neural-memory migrate`")
    return f"at head ({state.head})"


def _answer(probe: _Probe) -> dict[str, object]:
    try:
        if probe.problem is not None:
            says, answers = probe.problem.split("\n", 1)[0], False
        else:
            says, answers = probe.ask(), True
    except NeuralMemoryError as error:
        says, answers = " ".join(str(error).split()), False
    return {
        "store": probe.store,
        "kind": "embedded" if probe.is_embedded else "remote",
        "answers": answers,
        "says": says,
    }
