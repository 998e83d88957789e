"""The embedded PostgreSQL server: its command line, its answer, its set-up. Tables belong to the migrations."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import psycopg

from neural_memory_pipelines.errors import ConfigurationError, TransientError
from neural_memory_pipelines.local import processes
from neural_memory_pipelines.local.binaries import postgres_programs
from neural_memory_pipelines.local.cluster import INSIDE_DIRECTORY, OWNER_ROLE, Cluster
from neural_memory_pipelines.local.daemon import Daemon
from neural_memory_pipelines.local.home import Home
from neural_memory_pipelines.local.ports import LOOPBACK
from neural_memory_pipelines.local.processes import Account
from neural_memory_pipelines.local.roles import ensure_roles_and_databases
from neural_memory_pipelines.local.state import StateFile

_SETTINGS = (
    f"listen_addresses={LOOPBACK}",
    "autovacuum=on",
    "dynamic_shared_memory_type=mmap",  # containers often have 8 to 64 MB of /dev/shm, too little for an HNSW build
    "effective_cache_size=512MB",
    "fsync=on",
    "jit=off",
    "log_line_prefix=%m [%p] %u@%d ",
    "log_timezone=UTC",
    "maintenance_work_mem=128MB",
    "max_connections=100",
    "max_wal_size=512MB",
    "shared_buffers=512MB",
    "timezone=UTC",
    "work_mem=8MB",
)


class PostgresServer(Daemon):
    """PostgreSQL with pgvector, on a cluster of its own."""

    name = "postgres"
    port_variable = "NEURAL_MEMORY_POSTGRES_PORT"
    stop_signals = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0))
    abandon_signals = ((signal.SIGQUIT, 20.0),)

    def __init__(self, home: Home, memory: StateFile) -> None:
        super().__init__(home, memory)
        self._cluster_name = f"neural-memory-{home.token}"

    @property
    def pid_file(self) -> Path:
        """See `Daemon`."""
        return self._cluster().data / "postmaster.pid"

    @property
    def port(self) -> int | None:
        """See `Daemon`."""
        state = self.memory.read()
        return state.postgres_port if state is not None else None

    def remember_port(self, port: int) -> None:
        """See `Daemon`."""
        self.memory.save(replace(self.memory.require(), postgres_port=port))

    def recognize(self, argv: list[str]) -> bool:
        """See `Daemon`."""
        return len(argv) > 1 and Path(argv[0]).name == "postgres" and f"cluster_name={self._cluster_name}" in argv

    def prepare(self) -> tuple[list[str], Path, Account | None]:
        """See `Daemon`."""
        state, cluster, account = self.memory.require(), self._cluster(), processes.server_account()
        cluster.make_directory()
        programs = postgres_programs(cluster.directory, account)
        cluster.initialize(programs, account, password=state.owner_password, log=self.log)
        cluster.clear_remains()
        argv = [str(programs / "postgres"), "-D", str(cluster.data), "-p", str(state.postgres_port), "-k", ""]
        for setting in (f"cluster_name={self._cluster_name}", *_SETTINGS):
            argv += ["-c", setting]
        return argv, cluster.data, account

    def ask_version(self, pid: int) -> str | None:
        """See `Daemon`."""
        if processes.read_pid(self.pid_file) != pid:
            return None
        try:
            with self._connect() as connection:
                row = connection.execute(
                    "SELECT current_setting('data_directory'), current_setting('server_version')"
                ).fetchone()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ConfigurationError(
                    f"postgres of {self.home.path} refuses the password in {self.home.state_file}: restore the file "
                    "that belongs to this cluster, or run `neural-memory reset` to start anew"
                ) from None
            return None
        if row is None or row[0] != str(self._cluster().data):
            return None
        return str(row[1])

    def start(self, configured_port: int | None) -> None:
        """See `Daemon`; afterwards all roles and databases are there."""
        super().start(configured_port)
        state = self.memory.require()
        try:
            with self._connect() as connection:
                ensure_roles_and_databases(
                    connection, pipeline_password=state.pipeline_password, dagster_password=state.dagster_password
                )
        except psycopg.Error as error:
            raise TransientError(f"postgres of {self.home.path} cannot be set up: {error}; see {self.log}") from error

    def _cluster(self) -> Cluster:
        state = self.memory.read()
        directory = state.cluster_directory if state is not None else INSIDE_DIRECTORY
        return Cluster(self.home.path / directory, self._cluster_name)

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        state = self.memory.require()
        return psycopg.connect(
            host=LOOPBACK,
            port=state.postgres_port,
            user=OWNER_ROLE,
            password=state.owner_password,
            dbname="postgres",
            sslmode="disable",
            connect_timeout=3,
            autocommit=True,
        )
