"""The real payloads and documents beside the checkout: put into the inbox as users would, and what became of them.

Read by the tests and by `benchmarks/real_input.py`; no text of theirs is kept here.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from graphql import UnionTypeDefinitionNode
from graphql import parse as parse_schema
from sqlalchemy import text

from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId, hash_json
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.sources.envelope import encode_envelope
from neural_memory_pipelines.sources.registry import wrap_payload
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.ingest import IngestReport, ingest_docs
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.slack_export import ingest_slack_export

from ..sources import linear_payloads as linear

ORGANIZATION = "org"
OCCURRED_AT = datetime(2026, 1, 1, tzinfo=UTC)

Reason = tuple[str, str]
"""What became of an event (persisted, unchanged, skipped, dead, refused) and why, without details; "" says nothing."""


@dataclass(slots=True)
class Put:
    """What was put into the inbox: how many events, and what was refused before, by reason."""

    events: int
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Real input of one kind. `put` takes the folder of all corpora, a session and a workspace."""

    name: str
    source: str
    put: Callable[[Path, Session, WorkspaceId], Put]


@dataclass(frozen=True, slots=True)
class Account:
    """What went in, and what became of it; the outcomes count as many events as went in."""

    put: int
    outcomes: Counter[Reason]
    documents: int
    chunks: int
    observations: int


def account_for(corpus: Corpus, folder: Path, session: Session, workspace: WorkspaceId) -> Account:
    """Put a corpus into a workspace, receive and persist it, and count what became of each event."""
    put = corpus.put(folder, session, workspace)
    version, stores = session.new_workspace_version, session.stores
    received = receive_events(workspace, stores=stores, new_workspace_version=version, organization_id=ORGANIZATION)
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.embedder(version))
    outcomes: Counter[Reason] = Counter({("refused", reason): count for reason, count in put.refused.items()})
    if received.unchanged:
        outcomes["unchanged", "the same payload again"] = received.unchanged
    with session.stores.database.transaction(workspace) as tx:
        for status, reason, count in tx.connection.execute(text(_OUTCOMES)):
            outcomes[status, reason] += count
        rows = tx.connection.execute(text(_ROWS)).one()
    return Account(put.events + put.refused.total(), outcomes, *rows)


_OUTCOMES = """
    SELECT status, CASE status WHEN 'skipped' THEN split_part(reason, ': ', 1) WHEN 'dead' THEN reason ELSE '' END,
           count(*)
    FROM source_events GROUP BY 1, 2
    UNION ALL
    SELECT 'dead', d.reason, count(*) FROM dead_letters d
    WHERE NOT EXISTS (SELECT FROM source_events e WHERE e.raw_key = d.raw_key) GROUP BY d.reason"""
_ROWS = """SELECT
    (SELECT count(*) FROM knowledge_documents WHERE deleted_at IS NULL),
    (SELECT count(*) FROM knowledge_chunks WHERE superseded_at IS NULL),
    (SELECT count(*) FROM memory_observations WHERE superseded_at IS NULL)"""


def _put_events(session: Session, workspace: WorkspaceId, events: Iterable[SourceEvent]) -> Put:
    return Put(put_lines(session.stores.objects, workspace, map(encode_envelope, events)))


def _wrapped(source: str, payload: Any, workspace: WorkspaceId, *, action: str) -> SourceEvent:
    """Put a payload into an envelope: the one that it calls for itself, else one by its action."""
    try:
        return wrap_payload(source, payload, workspace_id=workspace, organization_id=ORGANIZATION)
    except InvalidEventError:
        key = f"{source}:{hash_json([action, payload])}"
        return SourceEvent(workspace, ORGANIZATION, source, action, OCCURRED_AT, key, payload)


def _github_webhooks(folder: Path, session: Session, workspace: WorkspaceId) -> Put:
    def events() -> Iterator[SourceEvent]:
        for file in sorted((folder / "github_webhooks").glob("*/*.json")):
            payload = json.loads(file.read_bytes())
            verb = payload.get("action")
            action = f"{file.parent.name}.{verb}" if verb else file.parent.name
            yield _wrapped("github", payload, workspace, action=action)

    return _put_events(session, workspace, events())


def _notion_bodies(folder: Path, session: Session, workspace: WorkspaceId) -> Put:
    refused: Counter[str] = Counter()

    def events() -> Iterator[SourceEvent]:
        for side, body in _recorded_bodies(folder / "notion_cassettes"):
            try:
                payload = json.loads(body)
            except ValueError:
                payload = None
            if isinstance(payload, dict):
                yield _wrapped("notion", payload, workspace, action=f"{payload.get('object', side)}.observed")
            else:
                refused["not a JSON object"] += 1

    return Put(_put_events(session, workspace, events()).events, refused)


def _recorded_bodies(folder: Path) -> Iterator[tuple[str, str | bytes]]:
    for file in sorted(folder.rglob("*.yaml")):
        for exchange in yaml.load(file.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]:
            for side in ("request", "response"):
                body = exchange[side].get("body")
                raw = body.get("string") if isinstance(body, dict) else body
                if raw:
                    yield side, raw


def _linear_types(folder: Path, session: Session, workspace: WorkspaceId) -> Put:
    schema = (folder / "linear" / "packages" / "sdk" / "src" / "schema.graphql").read_text(encoding="utf-8")
    union = next(
        node
        for node in parse_schema(schema, no_location=True).definitions
        if isinstance(node, UnionTypeDefinitionNode) and node.name.value == "DataWebhookPayload"
    )
    published = [member.name.value.removesuffix("WebhookPayload") for member in union.types]
    other = {"id": linear.OTHER_ID, "createdAt": linear.CREATED, "updatedAt": linear.UPDATED}
    known = {
        "Issue": linear.an_issue(),
        "Comment": linear.a_comment(),
        "Project": linear.a_project(),
        "ProjectUpdate": linear.an_update(),
    }
    later = {name: data | {"updatedAt": linear.LATER} for name, data in known.items()}
    removed = {name: data | {"id": linear.OTHER_ID} for name, data in known.items()}
    removed["Issue"]["identifier"] = "SHOP-9"
    payloads = [
        *(linear.webhook(name, known.get(name, other), action="create") for name in published),
        *(linear.webhook(name, later.get(name, other), action="update") for name in published),
        *(linear.webhook(name, removed.get(name, other), action="remove") for name in published),
        linear.an_api_issue(comments={"nodes": [linear.an_api_comment("We keep carts for a week.")]}),
    ]
    return _put_events(
        session, workspace, (_wrapped("linear", payload, workspace, action="Unknown.observed") for payload in payloads)
    )


def _slack_export(folder: Path, session: Session, workspace: WorkspaceId) -> Put:
    place = folder / "slack_export" / "tests" / "testarchive.zip"
    report = ingest_slack_export(
        place, workspace=workspace, organization_id=ORGANIZATION, objects=session.stores.objects
    )
    return _put_of(report)


def docs_corpus(name: str, *, include: str | None = None) -> Corpus:
    """Make a corpus of a folder of documents, or of those files in it whose names a glob includes."""

    def put(folder: Path, session: Session, workspace: WorkspaceId) -> Put:
        place = folder / name
        if include is not None:
            place = _copied(place, include, into=session.settings.home / f"chosen-{workspace}" / name)
        report = ingest_docs(place, workspace=workspace, organization_id=ORGANIZATION, objects=session.stores.objects)
        return _put_of(report)

    return Corpus(name, "docs", put)


def _copied(folder: Path, include: str, *, into: Path) -> Path:
    for file in folder.glob(include):
        (into / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, into / file.relative_to(folder))
    return into


def _put_of(report: IngestReport) -> Put:
    return Put(report.put, Counter(fault.rpartition(": ")[2] for fault in report.faults))


CORPORA = (
    Corpus("github_webhooks", "github", _github_webhooks),
    Corpus("notion_cassettes", "notion", _notion_bodies),
    Corpus("slack_export", "slack", _slack_export),
    Corpus("linear types", "linear", _linear_types),
    docs_corpus("handbook_18f"),
    docs_corpus("peps"),
)
