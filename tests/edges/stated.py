"""What the pipeline says of the labelled files: redaction and the real parsers, without a store.

Handles of files of the same store are resolved as the store would resolve them; what is right is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.codeowners import Rules
from neural_memory_pipelines.domain.documents import Changes, SourceDraft
from neural_memory_pipelines.domain.events import SourceEvent
from neural_memory_pipelines.domain.graph import EdgeType, LinkDraft, NodeKind, NodeRef
from neural_memory_pipelines.domain.handles import document_handle
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact_payload
from neural_memory_pipelines.sources.registry import source_named, wrap_payload
from tests.edges.labelled import Edge

PEPS, HANDBOOK = "python-peps", "handbook"
REPOSITORIES = {PEPS: "python/peps", HANDBOOK: "18F/handbook"}
CHANGED_AT = datetime(2026, 11, 1, tzinfo=UTC)
_WORKSPACE = WorkspaceId("edges")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of a store: which there are, by each of their handles, and who owns them."""

    store: str
    handles: Mapping[str, str]
    rules: Rules = field(default_factory=Rules)

    def resolve(self, handle: str) -> str | None:
        """Spell a handle as the labels do; None for an address, and for a file of the store that is not there."""
        found = self.handles.get(handle)
        is_nothing_known = handle.startswith(("url:", f"docs:{self.store}/"))
        return found or (None if is_nothing_known else handle)


def docs_payload(store: str, path: str, content: str) -> dict[str, Any]:
    """Spell the payload of a docs event."""
    return {
        "store": store,
        "path": path,
        "content": content,
        "changedAt": CHANGED_AT.isoformat(),
        "repository": REPOSITORIES[store],
    }


def peps_shelf(data: Path) -> Shelf:
    """List the proposals. Each answers to its path alone: to parse all takes minutes."""
    paths = (f"peps/{file.name}" for file in (data / "peps").glob("*.rst"))
    return Shelf(PEPS, {handle: handle for handle in (document_handle("docs", f"{PEPS}/{path}") for path in paths)})


def handbook_shelf(data: Path) -> Shelf:
    """Read all pages of the handbook for their handles, and its CODEOWNERS."""
    root = data / "handbook_18f"
    handles: dict[str, str] = {}
    for file in sorted(root.rglob("*.md")):
        for draft in _docs_drafts(HANDBOOK, str(file.relative_to(root)), file):
            own = document_handle("docs", draft.source_id)
            handles |= dict.fromkeys((*draft.handles, own), own)
    (owners,) = _docs_drafts(HANDBOOK, "CODEOWNERS", root / "CODEOWNERS")
    rules = owners.metadata["codeowners"]
    assert isinstance(rules, list)
    return Shelf(HANDBOOK, handles, Rules.from_json(rules))


def pep_edges(data: Path, file: str, shelf: Shelf) -> dict[Edge, str]:
    """Read the edges of a proposal, each with the words or the field that state it."""
    (draft,) = _docs_drafts(PEPS, file, data / file)
    return dict(_edges(draft, Changes(drafts=(draft,)), shelf))


def handbook_edges(data: Path, file: str, shelf: Shelf) -> dict[Edge, str]:
    """Read the edges of a page, and its owners by the rule that decides about its path."""
    path = file.removeprefix("handbook_18f/")
    edges: dict[Edge, str] = {}
    for draft in _docs_drafts(HANDBOOK, path, data / file):
        edges |= _edges(draft, Changes(drafts=(draft,)), shelf)
    rule = shelf.rules.rule_of(path)
    for owner in rule.owners if rule else ():
        origin = document_handle("docs", f"{HANDBOOK}/{path}")
        edges[Edge(origin, EdgeType.OWNED_BY, f"team:{owner.removeprefix('@').lower()}")] = f"CODEOWNERS: {rule}"
    return edges


def github_edges(data: Path, file: str) -> dict[Edge, str]:
    """Read the edges of all documents that a webhook describes."""
    payload = json.loads((data / file).read_text(encoding="utf-8"))
    event = wrap_payload("github", payload, workspace_id=_WORKSPACE, organization_id="org")
    changes = _parsed(event)
    edges: dict[Edge, str] = {}
    for draft in changes.drafts:
        edges |= _edges(draft, changes, Shelf("", {}))
    return edges


def _docs_drafts(store: str, path: str, file: Path) -> tuple[SourceDraft, ...]:
    payload = docs_payload(store, path, file.read_text(encoding="utf-8"))
    event = SourceEvent(_WORKSPACE, "org", "docs", "docs.upserted", CHANGED_AT, path, payload)
    return _parsed(event).drafts


def _parsed(event: SourceEvent) -> Changes:
    redacted, _ = redact_payload(event.payload, RedactionPolicy.ALL)
    parsed = source_named(event.source).parse(
        SourceEvent(
            event.workspace_id,
            event.organization_id,
            event.source,
            event.action,
            event.occurred_at,
            event.idempotency_key,
            redacted,
        )
    )
    return parsed if isinstance(parsed, Changes) else Changes()


def _edges(draft: SourceDraft, changes: Changes, shelf: Shelf) -> Iterator[tuple[Edge, str]]:
    itself = document_handle(draft.source, draft.source_id)
    names = _names(changes)
    if draft.author:
        yield Edge(itself, EdgeType.AUTHORED_BY, names[draft.author.provider_id]), "author"
    if draft.parent:
        whole = document_handle(draft.source, draft.parent)
        yield Edge(itself, EdgeType.PART_OF, shelf.resolve(whole) or whole), "parent"
    for link in draft.links:
        origin = _spelled(link.origin, names, shelf) if link.origin else itself
        target = _spelled(link.target, names, shelf) if link.target else itself
        if origin and target:
            yield Edge(origin, link.type, target), _evidence(link, draft)


def _names(changes: Changes) -> dict[str, str]:
    accounts: list[Account] = [*changes.accounts]
    for draft in changes.drafts:
        accounts += [*draft.accounts, *([draft.author] if draft.author else [])]
    return {account.provider_id: f"person:{account.handle or account.name}".lower() for account in accounts}


def _spelled(node: NodeRef, names: Mapping[str, str], shelf: Shelf) -> str | None:
    if node.kind is NodeKind.DOCUMENT:
        return shelf.resolve(node.handle)
    if node.kind is NodeKind.PERSON:
        return names.get(node.handle, node.handle)
    return f"{node.kind}:{node.handle.partition(':')[2]}"


def _evidence(link: LinkDraft, draft: SourceDraft) -> str:
    return f"field:{link.field}" if link.field else draft.body[link.start : link.end]
