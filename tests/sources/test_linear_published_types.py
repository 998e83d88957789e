"""Linear payloads against the types that Linear publishes: fields, and a webhook of each type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import ObjectTypeDefinitionNode, TypeNode, UnionTypeDefinitionNode
from graphql import parse as parse_schema
from linear_payloads import (
    LATER,
    Payload,
    a_comment,
    a_project,
    a_relation,
    an_api_comment,
    an_api_issue,
    an_issue,
    an_update,
    event,
    webhook,
)

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.sources.linear import envelope_fields, parse


@cache
def _schema(folder: Path) -> Mapping[str, ObjectTypeDefinitionNode | UnionTypeDefinitionNode]:
    text = (folder / "linear" / "packages" / "sdk" / "src" / "schema.graphql").read_text(encoding="utf-8")
    kinds = (ObjectTypeDefinitionNode, UnionTypeDefinitionNode)
    return {node.name.value: node for node in parse_schema(text).definitions if isinstance(node, kinds)}


def _fields(folder: Path, type_: str) -> dict[str, TypeNode]:
    node = _schema(folder)[type_]
    assert isinstance(node, ObjectTypeDefinitionNode)
    return {field.name.value: field.type for field in node.fields}


def _named(type_: TypeNode) -> str:
    return type_.name.value if type_.kind == "named_type" else _named(type_.type)


def _unknown_fields(folder: Path, type_: str, value: Payload) -> list[str]:
    """List the paths of fields that a type does not have, through all objects below."""
    found: list[str] = []
    for name, inner in value.items():
        fields = _fields(folder, type_)
        if name not in fields:
            found.append(f"{type_}.{name}")
            continue
        below = inner if isinstance(inner, list) else [inner]
        known = isinstance(_schema(folder).get(_named(fields[name])), ObjectTypeDefinitionNode)
        for item in below:
            if known and isinstance(item, dict):
                found += _unknown_fields(folder, _named(fields[name]), item)
    return found


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("EntityWebhookPayload", dict.fromkeys(webhook("Issue", {}), 1) | {"updatedFrom": {}}),
        ("UserActorWebhookPayload", webhook("Issue", {})["actor"]),
        ("IssueWebhookPayload", an_issue()),
        ("CommentWebhookPayload", a_comment()),
        ("ProjectWebhookPayload", a_project()),
        ("ProjectUpdateWebhookPayload", an_update()),
        ("Issue", an_api_issue(comments={"nodes": [an_api_comment("x")]}, relations={"nodes": [a_relation("blocks")]})),
    ],
)
def test_the_payloads_of_these_tests_have_published_fields_alone(shared_data: Path, type_: str, value: Payload) -> None:
    assert _unknown_fields(shared_data, type_, value) == []


_SCALARS: dict[str, Any] = {"Float": 2.0, "Int": 2, "Boolean": False, "JSONObject": {}, "DateTime": LATER}
_TEXTS = {
    "previousIdentifiers": "SHOP-4",
    "identifier": "SHOP-5",
    "url": "https://linear.app/acme/issue/SHOP-5/carts",
    "id": "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "email": "ada@acme.example",
    "type": "started",
}


def _value(folder: Path, name: str, type_: TypeNode) -> Any:
    """Make a value of a published type, every field set."""
    if type_.kind in {"non_null_type", "list_type"}:
        inner = _value(folder, name, type_.type)
        return [inner] if type_.kind == "list_type" else inner
    kind = _named(type_)
    if isinstance(_schema(folder).get(kind), ObjectTypeDefinitionNode):
        return _built(folder, kind)
    return _SCALARS[kind] if kind in _SCALARS else _text(name)


def _text(name: str) -> str:
    if name.endswith("At"):
        return LATER
    if name.endswith(("Id", "Ids")):
        return "0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0002"
    return _TEXTS.get(name, f"some {name}")


def _built(folder: Path, type_: str) -> Payload:
    return {name: _value(folder, name, field) for name, field in _fields(folder, type_).items()}


_SUPPORTED = {
    "Issue": "SHOP-5",
    "Comment": "SHOP-5/comment/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "Project": "project/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
    "ProjectUpdate": "project-update/0c1e8d38-2b1a-4a5e-9a55-1f0f3a5d0001",
}


def _published_events(folder: Path) -> dict[str, Payload]:
    """Make a webhook of each published type of data, every field set, by the name of its type."""
    union = _schema(folder)["DataWebhookPayload"]
    assert isinstance(union, UnionTypeDefinitionNode)
    names = [member.name.value for member in union.types]
    return {
        name.removesuffix("WebhookPayload"): webhook(name.removesuffix("WebhookPayload"), _built(folder, name))
        for name in names
    }


def test_every_published_webhook_ends_as_a_document_or_is_skipped(shared_data: Path) -> None:
    published = _published_events(shared_data)
    assert len(published) >= 20
    assert _SUPPORTED.keys() <= published.keys()
    for name, payload in published.items():
        fields = envelope_fields(payload)
        assert fields.action == f"{name}.update"
        for key in ("archivedAt", "trashed"):
            payload["data"].pop(key, None)
        outcome = parse(event(fields.action, payload))
        if name in _SUPPORTED:
            assert isinstance(outcome, Changes)
            assert [draft.source_id for draft in outcome.drafts] == [_SUPPORTED[name]]
            assert "acme.example" not in repr(outcome.drafts)
        else:
            assert outcome == Skip(SkipReason.UNSUPPORTED_EVENT, detail=fields.action)


def test_every_published_webhook_of_something_archived_is_a_deletion(shared_data: Path) -> None:
    for name, payload in _published_events(shared_data).items():
        if name in _SUPPORTED:
            by_hand = {**payload, "data": {**payload["data"], "autoArchivedAt": None, "trashed": None}}
            outcome = parse(event(f"{name}.update", by_hand))
            assert isinstance(outcome, Changes)
            assert [gone.source_id for gone in outcome.deletions] == [_SUPPORTED[name]]


def test_what_linear_archives_by_itself_is_kept(shared_data: Path) -> None:
    payload = _published_events(shared_data)["Issue"]
    kept = {**payload, "data": {**payload["data"], "trashed": None}}
    outcome = parse(event("Issue.update", kept))
    assert isinstance(outcome, Changes)
    assert ([draft.source_id for draft in outcome.drafts], outcome.deletions) == (["SHOP-5"], ())
