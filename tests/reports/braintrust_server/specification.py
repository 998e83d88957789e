"""Bodies held against the vendor's published OpenAPI. The document is read from disk and stays where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator, oas30_format_checker

_REQUESTS = {
    "projects": "CreateProject",
    "experiments": "CreateExperiment",
    "insert": "InsertExperimentEventRequest",
    "fetch": "FetchEventsRequest",
}
_ANSWERS = {
    "projects": "Project",
    "experiments": "Experiment",
    "insert": "InsertEventsResponse",
    "fetch": "FetchExperimentEventsResponse",
    "summarize": "SummarizeExperimentResponse",
}


class Specification:
    """The schemas of the bodies that the server takes and gives, by operation."""

    def __init__(self, path: Path) -> None:
        document = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        components = document["components"]

        def validator(kind: Any, name: str) -> Any:
            # The components ride along, so that references inside the document resolve.
            schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": components}
            return kind(schema, format_checker=oas30_format_checker)

        self._requests = {key: validator(OAS30WriteValidator, name) for key, name in _REQUESTS.items()}
        self._answers = {key: validator(OAS30ReadValidator, name) for key, name in _ANSWERS.items()}

    def request_faults(self, operation: str, body: object) -> list[str]:
        """Return what a request gets wrong, one sentence a fault; none when it validates."""
        return _faults(self._requests, operation, body)

    def answer_faults(self, operation: str, body: object) -> list[str]:
        """Return what an answer of this server gets wrong."""
        return _faults(self._answers, operation, body)


def _faults(validators: dict[str, Any], operation: str, body: object) -> list[str]:
    validator = validators.get(operation)
    if validator is None:
        return []
    return [f"{operation} {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]
