"""Redaction on real payloads and texts: what was judged by eye stays as it was judged (docs/redaction.md)."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact, redact_payload

_UNTOUCHED = ("id", "node_id", "sha", "login", "created_at", "updated_at", "number", "email", "ref", "before", "after")


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)


def _counts(texts: Iterator[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(redact(text, RedactionPolicy.ALL).counts)
    return dict(counts)


def _payloads(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.json"))]


def test_github_payloads_hold_addresses_and_one_signed_link(shared_data: Path) -> None:
    payloads = _payloads(shared_data / "github_webhooks")
    counts = _counts(text for payload in payloads for text in _strings(payload))
    assert counts == {"email": 65, "aws-key": 1, "secret": 1}


def test_ids_of_github_payloads_stay(shared_data: Path) -> None:
    def untouched(value: Any) -> list[Any]:
        found: list[Any] = []
        pending = [value]
        while pending:
            each = pending.pop()
            if isinstance(each, dict):
                found += [each[key] for key in _UNTOUCHED if key in each and not isinstance(each[key], dict | list)]
                pending.extend(each.values())
            elif isinstance(each, list):
                pending.extend(each)
        return found

    for payload in _payloads(shared_data / "github_webhooks"):
        assert untouched(redact_payload(payload, RedactionPolicy.ALL)[0]) == untouched(payload)


def test_the_slack_export_holds_a_file_token_alone(shared_data: Path) -> None:
    export = next((shared_data / "slack_export").rglob("*.zip"))
    with zipfile.ZipFile(export) as archive:
        files = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")]
    assert _counts(text for content in files for text in _strings(content)) == {"slack-token": 8}


def test_notion_pages_hold_addresses_alone(shared_data: Path) -> None:
    cassettes = [yaml.safe_load(path.read_text()) for path in (shared_data / "notion_cassettes").rglob("*.yaml")]
    assert _counts(text for cassette in cassettes for text in _strings(cassette)) == {"email": 5}


def test_the_handbook_holds_contacts_and_links_with_tokens(shared_data: Path) -> None:
    pages = sorted((shared_data / "handbook_18f").rglob("*.md"))
    counts = _counts(page.read_text(encoding="utf-8") for page in pages)
    assert counts == {"email": 328, "phone": 29, "secret": 3, "jwt": 2}


def test_the_proposals_hold_addresses_alone(shared_data: Path) -> None:
    counts = _counts(page.read_text(encoding="utf-8") for page in sorted((shared_data / "peps").glob("*.rst"))[::5])
    assert set(counts) == {"email"}
