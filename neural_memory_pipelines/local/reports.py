"""Opens the service that is told of evaluations, where the settings name one. Nothing is sent here."""

from __future__ import annotations

from neural_memory_pipelines.settings import Settings
from neural_memory_pipelines.stores.reports.protocol import ReportDestination


def open_report_destination(settings: Settings) -> ReportDestination | None:
    """Open what is told of runs of evaluation; it connects when it is used.

    Returns:
        None where BRAINTRUST_API_KEY is not set: nobody is told then.

    Raises:
        ConfigurationError: the key cannot be one.
    """
    if settings.braintrust_api_key is None:
        return None
    from neural_memory_pipelines.stores.reports.braintrust import (  # noqa: PLC0415 - loads an SDK
        BraintrustAccess,
        BraintrustReports,
    )

    return BraintrustReports(
        BraintrustAccess(
            api_key=settings.braintrust_api_key.get_secret_value(),
            project=settings.braintrust_project,
            api_url=settings.braintrust_api_url,
            app_url=settings.braintrust_app_url,
            org_name=settings.braintrust_org_name,
        )
    )
