"""The definitions as they are deployed, run on the session's stores with an instance in memory."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from neural_memory_pipelines.defs.build import build_definitions


@pytest.fixture(scope="session")
def definitions() -> dg.Definitions:
    """The definitions of the code location."""
    return build_definitions()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def stored_instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's own storage in files: ticks that ask for dynamic partitions are evaluated as the daemon does."""
    # Its home stays out of the environment: programs that other tests start would keep their runs there.
    with dg.instance_for_test(set_dagster_home=False) as instance:
        yield instance
