"""What every service promises that is told of runs of evaluation.

No implementation lives here.
"""

from __future__ import annotations

from typing import Protocol

from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.ids import WorkspaceId


class ReportDestination(Protocol):
    """Takes reports of runs. It is called by senders of reports alone, never by what evaluates."""

    @property
    def name(self) -> str:
        """What its reports are kept under."""
        ...

    def send(self, workspace: WorkspaceId, run: EvalRun) -> str:
        """Send a run. The same run sent twice is there once.

        Returns:
            Where a person can look at it; the service has all of it by then.

        Raises:
            TransientError: it does not answer, or says no for now; some of the run may be there.
            ConfigurationError: it refuses us: no report will get through before a setting is mended.
            PermanentError: it refuses this run.
            ContractError: it answered something else than it documents, or did not keep all of the run.
        """
        ...

    def check(self) -> str:
        """Ask whether it answers and lets us in; changes nothing. Raises what `send` does.

        Returns:
            What it is, without secrets.
        """
        ...
