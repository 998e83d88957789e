"""The resource that opens stores and models for a run. Loading definitions opens nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import PrivateAttr

from neural_memory_pipelines.local.session import Session, open_session
from neural_memory_pipelines.settings import load_settings
from neural_memory_pipelines.steps.report import Progress

_LOG_EVERY_SECONDS = 10.0

ProgressReporter = Callable[[str], Progress]
_reporters: list[ProgressReporter] = []


class MemoryResource(dg.ConfigurableResource["MemoryResource"]):
    """The stores and models that the environment variables name, open for the length of a run.

    With `s3`, the bucket that S3_BUCKET names is reached by that resource's client, with its credentials and endpoint.
    """

    s3: S3Resource | None = None

    _session: Session | None = PrivateAttr(default=None)

    @property
    def session(self) -> Session:
        """The open session; opened at first use."""
        if self._session is None:
            settings = load_settings()
            client = self.s3.get_client() if self.s3 is not None and settings.s3_bucket is not None else None
            self._session = open_session(settings, s3=client)
        return self._session

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Close the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None


@contextmanager
def report_progress_to(reporter: ProgressReporter) -> Iterator[None]:
    """Send the progress of all assets that run in this process to `reporter`, called with the asset's name."""
    _reporters.append(reporter)
    try:
        yield
    finally:
        _reporters.remove(reporter)


def progress_of(context: dg.AssetExecutionContext, name: str) -> Progress:
    """Choose where an asset's progress goes: to the reporter if there is one, else a log line now and then."""
    if _reporters:
        return _reporters[-1](name)
    return _ProgressLog(context, name)


class _ProgressLog:
    """Writes a log line now and then."""

    def __init__(self, context: dg.AssetExecutionContext, name: str) -> None:
        self._context = context
        self._name = name
        self._done = 0
        self._total: int | None = None
        self._logged_at = time.monotonic()

    def __call__(self, done: int, *, total: int | None = None) -> None:
        self._done += done
        self._total = total if total is not None else self._total
        if time.monotonic() - self._logged_at >= _LOG_EVERY_SECONDS:
            self._logged_at = time.monotonic()
            of_total = f" of {self._total}" if self._total else ""
            self._context.log.info(f"{self._name}: {self._done}{of_total} done")
