"""Reports to Braintrust, through the REST client of its SDK: an experiment per run, a row per question.

The SDK's own `Experiment` is not used: its background logger gives rows up after a few tries and tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from braintrust.api import (
    BraintrustClient,
    BraintrustHTTPError,
    BraintrustJSONDecodeError,
    BraintrustTransportError,
)

from neural_memory_pipelines.domain.evaluation import EvalRun
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import (
    ConfigurationError,
    ContractError,
    NeuralMemoryError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.stores.postgres.eval_reports import BRAINTRUST
from neural_memory_pipelines.stores.reports.bounded import Deadline, within
from neural_memory_pipelines.stores.reports.braintrust_rows import (
    Row,
    batches_of,
    experiment_metadata,
    experiment_name,
    rows_of,
)

_Answer = TypeVar("_Answer")

_DEFAULT_APP_URL = "https://www.braintrust.dev"
_MOST_ROWS = 500
_MOST_BYTES = 3_000_000  # half of what the service takes in one request
_MOST_CHARACTERS_SHOWN = 200
_TRANSIENT = frozenset({408, 425, 429})

_KEY_REFUSED = (ConfigurationError, "the key is refused; set BRAINTRUST_API_KEY to one that may write experiments")
_MEANINGS: dict[int, tuple[type[NeuralMemoryError], str]] = {
    401: _KEY_REFUSED,
    403: _KEY_REFUSED,
    404: (ConfigurationError, "there is no such thing; check BRAINTRUST_API_URL and BRAINTRUST_APP_URL"),
}


@dataclass(frozen=True, slots=True)
class BraintrustAccess:
    """An account of Braintrust. `api_url` None: the one that `app_url` names for the organization."""

    api_key: str = field(repr=False)
    project: str
    api_url: str | None = None
    app_url: str | None = None
    org_name: str | None = None


class BraintrustReports:
    """A project of Braintrust. Thread-safe; connects when it is used; tries each call once: who sends decides on more.

    Args:
        access: the account.
        timeout_seconds: the longest that one report may take in all.

    Raises:
        ConfigurationError: the key cannot be one.
    """

    name = BRAINTRUST

    def __init__(self, access: BraintrustAccess, *, timeout_seconds: float = 30.0) -> None:
        key = access.api_key
        # Checked here, because the HTTP library would quote a key that cannot stand in a header.
        if not (key and key.isascii() and key.isprintable()) or " " in key:
            raise ConfigurationError(
                "BRAINTRUST_API_KEY cannot be a key: it is empty, or has blanks or control characters"
            )
        self._access = access
        self._timeout_seconds = timeout_seconds
        self._address = urlsplit(access.api_url or access.app_url or _DEFAULT_APP_URL).netloc.rpartition("@")[2]

    def __repr__(self) -> str:
        return f"BraintrustReports({self._address}, project {self._access.project!r})"

    def send(self, workspace: WorkspaceId, run: EvalRun) -> str:
        """Send a run; see `ReportDestination.send`.

        An experiment of the same name is taken as it is and rows of the same ids are replaced, so that the same run
        sent twice is there once.
        """
        return self._within(lambda calls: _send(calls, self._access, workspace, run), "sending a report")

    def check(self) -> str:
        """Ask whether Braintrust answers and takes the key; see `ReportDestination.check`."""
        return self._within(lambda calls: _look(calls, self._access, self._address), "looking for the project")

    def _within(self, work: Callable[[_Calls], str], purpose: str) -> str:
        def run(deadline: Deadline) -> str:
            with _client(self._access) as client:
                calls = _Calls(client, deadline, where=f"Braintrust at {self._address}", secret=self._access.api_key)
                if self._access.api_url is None:
                    calls.log_in(self._access.org_name)
                return work(calls)

        return within(self._timeout_seconds, run, where=f"Braintrust at {self._address}: {purpose}")


class _Calls:
    """Makes calls of the SDK, one after the other, with their errors in our words."""

    def __init__(self, client: BraintrustClient, deadline: Deadline, *, where: str, secret: str) -> None:
        self.api = client.openapi
        self._auth = client.auth
        self._deadline = deadline
        self.where = where
        self._secret = secret

    def log_in(self, org_name: str | None) -> None:
        """Find out which API the organization's data are behind."""
        try:
            self.call(lambda: self._auth.login(org_name=org_name), "to log in")
        except ValueError as error:
            raise ConfigurationError(
                f"{self.where}: {error}; check BRAINTRUST_ORG_NAME and the organizations of BRAINTRUST_API_KEY"
            ) from None

    def call(self, request: Callable[[], _Answer], purpose: str) -> _Answer:
        """Make one call, unless the time is up. No error has a cause: it would carry the whole answer."""
        where = f"{self.where}: {purpose} failed"
        self._deadline.check(where)
        try:
            return request()
        except BraintrustHTTPError as error:
            raise _translate(error, where, said=self._said(error.response_body)) from None
        except BraintrustTransportError as error:
            raise TransientError(f"{where}, no answer ({type(error.__cause__).__name__})") from None
        except BraintrustJSONDecodeError:
            raise ContractError(f"{where}, the answer is not JSON; check BRAINTRUST_API_URL") from None

    def read(self, answer: object, name: str, purpose: str) -> str:
        """Read a text of an answer."""
        value = answer.get(name) if isinstance(answer, Mapping) else None
        if not isinstance(value, str) or not value:
            raise ContractError(f"{self.where}: {purpose} failed, the answer has no {name}")
        return value

    def _said(self, body: str) -> str:
        text = " ".join(body.replace(self._secret, "***").split())
        return "".join(filter(str.isprintable, text))[:_MOST_CHARACTERS_SHOWN]


def _send(calls: _Calls, access: BraintrustAccess, workspace: WorkspaceId, run: EvalRun) -> str:
    experiments = calls.api.experiments
    body: dict[str, Any] = {
        "project_id": _project_id(calls, access),
        "name": experiment_name(workspace, run),
        "metadata": experiment_metadata(workspace, run),
        "tags": [run.suite.value],
        "public": False,
        "ensure_new": False,
    }
    purpose = "to register an experiment"
    made = calls.call(lambda: experiments.post_experiment(body=cast("Any", body)), purpose)
    experiment_id = calls.read(made, "id", purpose)
    # Asked for first: a report counts as sent with its last row.
    purpose = "to find the page of an experiment"
    shown = calls.call(lambda: experiments.get_experiment_id_summarize(experiment_id, summarize_scores=False), purpose)
    url = calls.read(shown, "experiment_url", purpose)
    for batch in batches_of(rows_of(run), most_rows=_MOST_ROWS, most_bytes=_MOST_BYTES):
        _insert(calls, experiment_id, batch)
    return url


def _project_id(calls: _Calls, access: BraintrustAccess) -> str:
    """Find the project, or have it made."""
    purpose = f"to find the project {access.project!r}"
    body: dict[str, Any] = {"name": access.project} | ({"org_name": access.org_name} if access.org_name else {})
    found = calls.call(lambda: calls.api.projects.post_project(body=cast("Any", body)), purpose)
    return calls.read(found, "id", purpose)


def _insert(calls: _Calls, experiment_id: str, batch: Sequence[Row]) -> None:
    """Write rows, and hold the service to its word that it has each of them."""
    purpose = f"to write {len(batch)} rows"
    body = cast("Any", {"events": list(batch)})
    answer: object = calls.call(
        lambda: calls.api.experiments.post_experiment_id_insert(experiment_id, body=body), purpose
    )
    kept = answer.get("row_ids") if isinstance(answer, Mapping) else None
    missing = {row["id"] for row in batch}.difference(kept if isinstance(kept, list) else ())
    if missing:
        raise ContractError(f"{calls.where}: {purpose} failed, the answer names {len(missing)} of them not as written")


def _look(calls: _Calls, access: BraintrustAccess, address: str) -> str:
    found: object = calls.call(
        lambda: calls.api.projects.get_project(project_name=access.project, org_name=access.org_name, limit=1),
        f"to look for the project {access.project!r}",
    )
    is_there = isinstance(found, Mapping) and bool(found.get("objects"))
    return f"Braintrust at {address}, project {access.project}" + ("" if is_there else " (made with the first report)")


def _client(access: BraintrustAccess) -> BraintrustClient:
    return BraintrustClient(
        api_key=access.api_key,
        app_url=access.app_url or _DEFAULT_APP_URL,  # named always: the SDK would read a variable of its own
        api_url=access.api_url,
        enable_sdk_retries=False,
    )


def _translate(error: BraintrustHTTPError, where: str, *, said: str) -> NeuralMemoryError:
    """Say in our words what a status means.

    Source: the vendor's OpenAPI (400, 401, 403, 429 with Retry-After, 500), and the statuses that its SDK retries.
    """
    status = error.status_code
    where = f"{where} with status {status} ({said})"
    if status in _TRANSIENT or status >= 500:
        return TransientError(where, retry_after_seconds=error.retry_after)
    if status < 400:
        return ContractError(f"{where}: no answer that is documented")
    kind, advice = _MEANINGS.get(status, (PermanentError, "refused"))
    return kind(f"{where}: {advice}")
