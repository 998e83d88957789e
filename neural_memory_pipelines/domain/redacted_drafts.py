"""Redacts what a source made of a payload: words that stood apart there and stand together here, names of properties.

Payloads are redacted before a source sees them (`redaction/payloads.py`); this is the last look before anything is
kept. Where there is nothing to find, which is nearly always, what comes out is what went in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import Changes, ObservationDraft, PartDraft, SourceDraft
from neural_memory_pipelines.domain.graph import LinkDraft, NodeRef
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact, redact_payload
from neural_memory_pipelines.domain.redaction.engine import ALL_FINDERS, TOKEN_FINDERS
from neural_memory_pipelines.domain.redaction.spans import Finder, Span, chosen_spans

_MAX_RUNS = 16
_SHORTEST_NUMBER = 10**11
_EMAIL_KEY = "email"
# What the texts are called where only the name of a key tells how to read them; see `redact_payload`.
_URL, _ID = "url", "id"
_BETWEEN = "\n\n\n"
_FINDERS: Mapping[RedactionPolicy, tuple[Finder, ...]] = {
    RedactionPolicy.OFF: (),
    RedactionPolicy.TOKENS: TOKEN_FINDERS,
    RedactionPolicy.ALL: ALL_FINDERS,
}


def redacted_changes(changes: Changes, policy: RedactionPolicy) -> Changes:
    """Redact the texts of all that an event changes. Ids and times stay, and links go on pointing at their words."""
    beside = (*_texts_of_accounts(changes.accounts), *_texts_of_parts(changes.parts))
    drafts = tuple(redacted_draft(draft, policy) for draft in changes.drafts)
    if _is_clean(beside, policy):
        return changes if drafts == changes.drafts else replace(changes, drafts=drafts)
    return replace(
        changes,
        drafts=drafts,
        parts=tuple(_part(part, policy) for part in changes.parts),
        accounts=tuple(_account(account, policy) for account in changes.accounts),
    )


def redacted_draft(draft: SourceDraft, policy: RedactionPolicy) -> SourceDraft:
    """Redact the texts of a draft; the spans of its links are those of the new body."""
    if _is_clean(_texts(draft), policy):
        return draft
    body, links = _body(draft, policy)
    return replace(
        draft,
        title=redact(draft.title, policy).text,
        body=body,
        summary=_optional(draft.summary, policy),
        state=_optional(draft.state, policy),
        url=_optional(draft.url, policy, key=_URL),
        author=_account(draft.author, policy) if draft.author else None,
        accounts=tuple(_account(account, policy) for account in draft.accounts),
        handles=tuple(_keyed(_URL, handle, policy) for handle in draft.handles),
        links=links,
        metadata=_json(draft.metadata, "", policy),
        observations=tuple(_observation(observation, policy) for observation in draft.observations),
    )


def _is_clean(texts: Iterable[str], policy: RedactionPolicy) -> bool:
    """Look through all texts at once, which is several times as quick as one by one."""
    finders = _FINDERS[policy]
    return not finders or not chosen_spans(_BETWEEN.join(texts), finders)


def _texts(draft: SourceDraft) -> Iterator[str]:
    yield from (draft.title, draft.body, draft.summary or "", draft.state or "", draft.url or "", *draft.handles)
    yield from _texts_of_json(draft.metadata, "")
    yield from _texts_of_accounts((*((draft.author,) if draft.author else ()), *draft.accounts))
    for link in draft.links:
        yield link.field
        for node in (link.origin, link.target):
            yield from (node.handle, node.name) if node else ()
    for observation in draft.observations:
        yield from (observation.text, observation.title or "", observation.summary or "")
        yield from (*observation.tags, *observation.subject_refs)


def _texts_of_accounts(accounts: Iterable[Account]) -> Iterator[str]:
    return (text for account in accounts for text in (account.name, account.handle or ""))


def _texts_of_parts(parts: Iterable[PartDraft]) -> Iterator[str]:
    return (text for part in parts for text in _texts_of_json(part.content, ""))


def _texts_of_json(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, str) or (isinstance(value, int) and value >= _SHORTEST_NUMBER):
        yield f"{key}: {value}"
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield name
            yield from _texts_of_json(below, name)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_of_json(item, key)


def _part(part: PartDraft, policy: RedactionPolicy) -> PartDraft:
    return replace(part, content=None if part.content is None else _json(part.content, "", policy))


def _account(account: Account, policy: RedactionPolicy) -> Account:
    return replace(account, name=redact(account.name, policy).text, handle=_optional(account.handle, policy, key=_ID))


def _observation(observation: ObservationDraft, policy: RedactionPolicy) -> ObservationDraft:
    return replace(
        observation,
        text=redact(observation.text, policy).text,
        title=_optional(observation.title, policy),
        summary=_optional(observation.summary, policy),
        tags=tuple(redact(tag, policy).text for tag in observation.tags),
        subject_refs=tuple(_keyed(_ID, name, policy) for name in observation.subject_refs),
    )


def _optional(text: str | None, policy: RedactionPolicy, *, key: str = "") -> str | None:
    return None if text is None else _keyed(key, text, policy)


def _keyed(key: str, text: str, policy: RedactionPolicy) -> str:
    """Redact a text by the rules of the key that it stands under; none is left for a source to hash any more."""
    if key.lower() == _EMAIL_KEY:
        return redact(text, policy).text
    redacted: str = redact_payload({key: text}, policy)[0][key]
    return redacted


def _json(value: Any, key: str, policy: RedactionPolicy) -> Any:
    """Redact the texts of a JSON value, the names within it, and numbers that a person would read as one of a card."""
    if isinstance(value, str):
        return _keyed(key, value, policy)
    if isinstance(value, Mapping):
        return {redact(name, policy).text: _json(below, name, policy) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item, key, policy) for item in value]
    if isinstance(value, int) and value >= _SHORTEST_NUMBER:
        return _number(value, key, policy)
    return value


def _number(value: int, key: str, policy: RedactionPolicy) -> Json:
    redacted = _keyed(key, str(value), policy)
    return value if redacted == str(value) else redacted


def _body(draft: SourceDraft, policy: RedactionPolicy) -> tuple[str, tuple[LinkDraft, ...]]:
    body, links = draft.body, draft.links
    for _ in range(_MAX_RUNS):
        spans = chosen_spans(body, _FINDERS[policy])
        if not spans:
            break
        body, links = _without(body, spans), _moved(links, spans)
    return body, tuple(_link(link, policy) for link in links)


def _without(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    position = 0
    for span in spans:
        parts += (text[position : span.start], _placeholder(span))
        position = span.end
    return "".join((*parts, text[position:]))


def _placeholder(span: Span) -> str:
    return f"[redacted:{span.kind}]"


def _moved(links: Sequence[LinkDraft], spans: Sequence[Span]) -> tuple[LinkDraft, ...]:
    """Move the places of links to where their words now stand; one that ends in a span takes in its placeholder."""
    starts = [span.start for span in spans]
    shifts = [0, *accumulate(len(_placeholder(span)) - (span.end - span.start) for span in spans)]

    def moved(position: int, *, is_end: bool) -> int:
        before = bisect_right(starts, position - 1)  # spans that begin before the position
        if before and position < spans[before - 1].end:
            return spans[before - 1].end + shifts[before] if is_end else spans[before - 1].start + shifts[before - 1]
        return position + shifts[before]

    return tuple(
        replace(link, start=moved(link.start, is_end=False), end=moved(link.end, is_end=True))
        if link.end > link.start
        else link
        for link in links
    )


def _link(link: LinkDraft, policy: RedactionPolicy) -> LinkDraft:
    return replace(
        link,
        target=_node(link.target, policy),
        origin=_node(link.origin, policy),
        field=redact(link.field, policy).text,
    )


def _node(node: NodeRef | None, policy: RedactionPolicy) -> NodeRef | None:
    if node is None:
        return None
    return replace(node, handle=_keyed(_URL, node.handle, policy), name=redact(node.name, policy).text)
