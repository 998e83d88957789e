"""Requests held against the vendor's published OpenAPI. The documents are read from disk and stay where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import ValidationError, validators  # type: ignore[import-untyped]  # its stubs are a package apart
from openapi_schema_validator import OAS30WriteValidator

Schema = dict[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_PLAIN_NUMBER = {"type": "number", "format": "float"}


def _items(validator: Any, items: Schema, instance: Any, schema: Schema) -> Iterable[ValidationError]:
    """Check `items`; lists of plain numbers, which are most of a request, at a hundredth of the general cost."""
    if items == _PLAIN_NUMBER and isinstance(instance, list) and all(type(item) in {int, float} for item in instance):
        return ()
    errors: Iterable[ValidationError] = OAS30WriteValidator.VALIDATORS["items"](validator, items, instance, schema)
    return errors


_Validator: Any = validators.extend(OAS30WriteValidator, {"items": _items})


@dataclass(frozen=True, slots=True)
class _Operation:
    """One method on one path of a document."""

    method: str
    path: re.Pattern[str]
    parameters: Sequence[Schema]
    body: Any
    body_is_required: bool
    answers: Mapping[str, Any]


class Specification:
    """One OpenAPI document, read for its requests."""

    def __init__(self, path: Path) -> None:
        document = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        _repair(document)
        self._components = document["components"]
        self._operations = [
            self._read(method, template, item[method])
            for template, item in document["paths"].items()
            for method in _METHODS
            if method in item
        ]

    def violations(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        body: object,
    ) -> list[str]:
        """Return what a request gets wrong, one sentence a fault; none when it validates.

        Args:
            method: HTTP method.
            path: percent-encoded path, as below the host.
            headers: the headers of the request; names in lower case.
            query: names and values in order.
            body: parsed JSON, or None without a body.
        """
        operation = self._find(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        faults = [fault for one in operation.parameters for fault in _parameter_faults(one, headers, query)]
        if operation.body is not None and (body is not None or operation.body_is_required):
            faults += [_sentence("body", error) for error in operation.body.iter_errors(body)]
        return [f"{method} {path}: {fault}" for fault in faults]

    def answer_violations(self, method: str, path: str, *, status: int, body: object) -> list[str]:
        """Return what an answer to an operation of the document gets wrong, one sentence a fault."""
        operation = self._find(method, path)
        if operation is None:
            return [f"{method} {path}: no such operation"]
        answers = operation.answers
        validator = answers.get(str(status), answers.get(f"{status // 100}XX"))
        if validator is None:
            return [f"{method} {path}: no answer {status}"]
        return [f"{method} {path}: {_sentence(str(status), error)}" for error in validator.iter_errors(body)]

    def _find(self, method: str, path: str) -> _Operation | None:
        return next((one for one in self._operations if one.method == method and one.path.fullmatch(path)), None)

    def _read(self, method: str, template: str, operation: Schema) -> _Operation:
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))
        request = operation.get("requestBody", {})
        return _Operation(
            method.upper(),
            pattern,
            operation.get("parameters", []),
            self._validator(request),
            request.get("required", False),
            {status: self._validator(answer) for status, answer in operation["responses"].items()},
        )

    def _validator(self, message: Schema) -> Any:
        """Return the validator of a request's or an answer's JSON; None if it has none."""
        schema = message.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return None
        # The components ride along, so that references inside the document resolve; beside a bare one they would not.
        return _Validator({"allOf": [schema], "components": self._components})


def _parameter_faults(parameter: Schema, headers: Mapping[str, str], query: Sequence[tuple[str, str]]) -> list[str]:
    name, place, schema = parameter["name"], parameter["in"], parameter["schema"]
    if place == "path":
        return []  # one segment, or the path would not have matched
    if place == "header":
        given = [headers[name.lower()]] if name.lower() in headers else []
    else:
        given = [value for key, value in query if key == name]
    if not given:
        return [f"{place} parameter {name} is required"] if parameter.get("required") else []
    value = given if schema["type"] == "array" else _cast(given[-1], schema["type"])
    return [_sentence(f"{place} parameter {name}", error) for error in _Validator(schema).iter_errors(value)]


def _cast(text: str, kind: str) -> object:
    return int(text) if kind == "integer" and re.fullmatch(r"-?\d+", text) else text


def _sentence(where: str, error: ValidationError) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    # A message begins with the whole value and ends with what is wrong.
    message = error.message if len(error.message) <= 300 else f"{error.message[:100]} ... {error.message[-200:]}"
    return f"{where}{place}: {message}"


def _repair(node: Any) -> None:
    """Write three habits of the document in the words of JSON Schema, which would pass over them.

    Lists carry `minLength` and `maxLength` where items are counted, `x-enum` is the list of possible values, and
    `required` stands on single values.
    """
    if isinstance(node, dict):
        _repair_schema(node)
    if isinstance(node, (dict, list)):
        for item in node.values() if isinstance(node, dict) else node:
            _repair(item)


def _repair_schema(node: Schema) -> None:
    renamed = {"x-enum": "enum"}
    if node.get("type") == "array":
        renamed |= {"minLength": "minItems", "maxLength": "maxItems"}
    for wrong in renamed.keys() & node.keys():
        node[renamed[wrong]] = node.pop(wrong)
    if node.get("type") in {"string", "array", "integer", "number"}:
        node.pop("required", None)
