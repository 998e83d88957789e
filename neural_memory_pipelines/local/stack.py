"""The embedded stack as its callers see it: start, endpoints, services, stop, reset.

How a server is started is known to the modules beside this one.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local import processes
from neural_memory_pipelines.local.cluster import INSIDE_DIRECTORY, OWNER_ROLE, choose_directory, outside_directory
from neural_memory_pipelines.local.daemon import Daemon
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.ports import LOOPBACK, check_port, pick_free_port
from neural_memory_pipelines.local.postgres import PostgresServer
from neural_memory_pipelines.local.roles import DAGSTER_DATABASE, DAGSTER_ROLE, PIPELINE_DATABASE, PIPELINE_ROLE
from neural_memory_pipelines.local.services import Endpoints, ServiceStatus
from neural_memory_pipelines.local.state import State, StateFile
from neural_memory_pipelines.local.valkey import ValkeyServer

__all__ = ["EmbeddedStack", "Endpoints", "ServiceStatus"]


class EmbeddedStack:
    """PostgreSQL with pgvector, Valkey and a directory of objects, under one home directory.

    The servers run in the background and outlive the command that started them. Every method looks at what runs now;
    an instance holds no connection and may be made anew in each command.

    Args:
        home: the home directory, resolved to an absolute path.
        postgres_port: the port that PostgreSQL must use (NEURAL_MEMORY_POSTGRES_PORT); None for a free one.
        valkey_port: the port that Valkey must use (NEURAL_MEMORY_VALKEY_PORT); None for a free one.

    Raises:
        ConfigurationError: a port is not in 1..65535.
    """

    def __init__(self, home: Path, *, postgres_port: int | None = None, valkey_port: int | None = None) -> None:
        check_port(postgres_port, PostgresServer.port_variable)
        check_port(valkey_port, ValkeyServer.port_variable)
        self._home = Home(home)
        self._postgres_port = postgres_port
        self._valkey_port = valkey_port

    @property
    def home(self) -> Path:
        """The absolute path of the home directory."""
        return self._home.path

    def start(self, *, postgres: bool = True, valkey: bool = True) -> None:
        """Start what does not run, and wait until it answers. With neither, only make the home.

        Raises:
            ConfigurationError: a configured port is taken; the home is not ours; a server cannot be set up here.
            TransientError: a server does not come up; the message holds the end of its log.
        """
        with self._home.claimed():
            memory = StateFile(self._home.state_file)
            state = memory.read()
            if state is None:
                memory.save(self._new_state())
            else:
                self._require_own_cluster(state)
            if postgres:
                PostgresServer(self._home, memory).start(self._postgres_port)
            if valkey:
                ValkeyServer(self._home, memory).start(self._valkey_port)

    def endpoints(self) -> Endpoints:
        """Tell where the stores are reached. Whether they run is not asked.

        Raises:
            NotFoundError: nothing was ever started in this home.
            ConfigurationError: the home belongs to another user, or its state is damaged.
        """
        self._home.require_same_user()
        state = StateFile(self._home.state_file).require()

        def url(driver: str, role: str, password: str, database: str) -> str:
            # Without sslmode, a PGSSLMODE that was set for another database would apply to this one.
            address = f"{LOOPBACK}:{state.postgres_port}"
            return f"postgresql+{driver}://{role}:{password}@{address}/{database}?sslmode=disable"

        return Endpoints(
            database_url=url("psycopg", PIPELINE_ROLE, state.pipeline_password, PIPELINE_DATABASE),
            database_admin_url=url("psycopg", OWNER_ROLE, state.owner_password, PIPELINE_DATABASE),
            dagster_postgres_url=url("psycopg2", DAGSTER_ROLE, state.dagster_password, DAGSTER_DATABASE),
            redis_url=f"redis://:{state.valkey_password}@{LOOPBACK}:{state.valkey_port}/0",
            objects_dir=self._home.objects,
        )

    def services(self) -> list[ServiceStatus]:
        """Describe each server as it is now.

        Raises:
            ConfigurationError: the home belongs to another user, or its state is damaged.
        """
        self._home.require_same_user()
        return [server.status() for server in self._servers()]

    def stop(self) -> list[str]:
        """Stop the servers, also those whose pid file or home is lost.

        Returns:
            The names of the servers that ran.
        """
        self._home.require_same_user()
        with self._home.locked() if self._home.is_claimed else contextlib.nullcontext():
            # Valkey first: the cache may be gone while the database still answers, not the other way round.
            return [server.name for server in reversed(self._servers()) if server.stop()]

    def reset(self) -> None:
        """Stop the servers and remove the home with all data, and what it holds outside. A missing home is no error.

        Raises:
            ConfigurationError: the directory was not made by this package, or belongs to another user.
        """
        self._home.require_same_user()
        if not self._home.path.exists():
            self._abandon_all()
            return
        with self._home.locked():
            self._abandon_all()
            self._home.remove()

    def _abandon_all(self) -> None:
        for server in self._servers():
            server.abandon()
        outside = outside_directory(self._home)
        if outside.exists():
            shutil.rmtree(outside)

    def _servers(self) -> list[Daemon]:
        memory = StateFile(self._home.state_file)
        return [PostgresServer(self._home, memory), ValkeyServer(self._home, memory)]

    def _new_state(self) -> State:
        inside = self._home.path / INSIDE_DIRECTORY
        for directory in (inside, outside_directory(self._home)):
            if (directory / "data").exists():
                raise ConfigurationError(
                    f"{directory} holds a database, but its passwords in {self._home.state_file} are gone: "
                    "restore that file from a backup, or run `neural-memory reset` to remove the database"
                )
        directory = choose_directory(self._home, processes.server_account())
        return State(
            cluster_directory=INSIDE_DIRECTORY if directory == inside else str(directory),
            postgres_port=self._postgres_port or pick_free_port(),
            valkey_port=self._valkey_port or pick_free_port(),
        )

    def _require_own_cluster(self, state: State) -> None:
        directory = self._home.path / state.cluster_directory
        if directory not in (self._home.path / INSIDE_DIRECTORY, outside_directory(self._home)):
            raise ConfigurationError(
                f"the database of {self._home.path} lies in {directory}, which belongs to the path that this home had "
                "before it was moved or copied: move it back, or run `neural-memory reset` here to start anew"
            )
