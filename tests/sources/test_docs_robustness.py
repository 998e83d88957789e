"""Docs events of any shape, real proposals and a real handbook: read, skipped or refused by name, never worse."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docs_events import CHANGED_AT, docs_event, read, stated
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, Changes, Skip, SourceDraft
from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.domain.observing import TEXT_LIMIT_CHARS
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources import docs

_AUTHOR = {"name": "Ada", "email": "ada@example.org"}
_RST = "PEP: 8\nTitle: x\nAuthor: Ada <[redacted:email]>\nStatus: Final\nReplaces: 7\n\nAbstract\n===\n\n:pep:`9`\n"
_FRONT = """\
---
title: x
authors: [{name: Ada}]
owner: '@acme/x'
supersedes: [1, x.md]
tags: [a]
---
# T

## Decision

Yes.
"""
_FILES = [
    {"status": "added", "path": "rfcs/0003-x.md", "content": _FRONT, "changedAt": CHANGED_AT, "author": _AUTHOR},
    {"status": "modified", "path": "p/pep-0008.rst", "content": _RST, "changedAt": CHANGED_AT, "authors": [_AUTHOR]},
    {"status": "renamed", "path": "b.md", "previousPath": "a.md", "content": "See [c](c.md)", "changedAt": CHANGED_AT},
    {"status": "added", "path": "CODEOWNERS", "content": "* @ada\n", "changedAt": CHANGED_AT, "url": "https://x.org/c"},
    {"status": "removed", "path": "gone.md", "changedAt": CHANGED_AT},
]
PAYLOADS: dict[str, dict[str, Any]] = {
    docs.PUSHED: {
        "store": "handbook",
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": "a" * 40,
        "deliveryId": "d",
        "forced": False,
        "repository": "acme/handbook",
        "files": _FILES,
    },
    docs.UPSERTED: {"store": "handbook", "revision": 1, **_FILES[0]},
    docs.REMOVED: {"store": "handbook", "path": "a.md", "revision": 1},
}


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All places of a JSON value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def mutated(payload: dict[str, Any], path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """A copy in which one place holds another value, or none if it is `...`."""
    changed = copy.deepcopy(payload)
    target: Any = changed
    for key in path[:-1]:
        target = target[key]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return changed


def check(draft: SourceDraft) -> None:
    """What must hold of any draft."""
    assert draft.title.strip()
    assert draft.body.strip()
    assert len(draft.content_hash()) == 64
    for link in draft.links:
        assert (link.target is None) != (link.origin is None) or draft.type == "codeowners"
        assert bool(link.field) != (0 <= link.start < link.end <= len(draft.body))
        own = {f"docs:{draft.source_id}".lower(), *draft.handles}
        assert not own & {node.handle for node in (link.target, link.origin) if node}
    for observation in draft.observations:
        assert len(observation.text) <= TEXT_LIMIT_CHARS
        assert len(observation.title or "") <= TITLE_LIMIT_CHARS
        assert len(observation.summary or "") <= SUMMARY_LIMIT_CHARS
        assert observation.subject_refs[0] == draft.source_id
    assert "ada@example.org" not in repr(draft)


def run(action: str, payload: dict[str, Any]) -> None:
    event = docs_event(action, payload)
    docs.subject(event)
    try:
        parsed = docs.parse(event)
    except InvalidEventError as error:
        refusal = str(error)
    else:
        for draft in parsed.drafts if isinstance(parsed, Changes) else ():
            check(draft)
        assert docs.parse(event) == parsed
        return
    assert refusal.startswith("payload")


_odd = st.one_of(
    st.sampled_from(
        [..., None, True, 0, -1, 10**40, 1.5, float("nan"), "", "\0", "x" * 10_000, "\ud800", [], {}, [[]]]
    ),
    st.sampled_from(["../x", "/x", "a//b", "a" * 5_000 + ".rst", "0" * 40, "CODEOWNERS", "docs/9999999.md", "\u202e"]),
    st.sampled_from(["removed", "renamed", "2024-13-01", "9999-12-31T23:59:59-14:00", "eve@example.org", "@", "<>"]),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=20)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_odd_payloads_are_read_or_refused(data: st.DataObject) -> None:
    action = data.draw(st.sampled_from([*PAYLOADS]))
    payload = PAYLOADS[action]
    for _ in range(data.draw(st.integers(1, 2))):
        remaining = [*places(payload)]
        if remaining:
            payload = mutated(payload, data.draw(st.sampled_from(remaining)), data.draw(_odd))
    run(action, payload)


def test_a_payload_nested_deeply_is_refused_by_name() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    for action, payload in PAYLOADS.items():
        for key in payload:
            run(action, payload | {key: deep})


@pytest.mark.parametrize(
    "front", ["a: &a [x, x]\nb: &b [*a, *a]\nsupersedes: [*b, *b]", "? [a]\n: b", "related: {x: {}}"]
)
def test_odd_front_matter_is_read(front: str) -> None:
    check(read(f"---\n{front}\n---\nwords"))


@pytest.mark.parametrize("path", ["big.md", "big.rst"])
@pytest.mark.parametrize("text", ["word " * 400_000, "x" * 2_000_000, "# h\n\n" * 50_000, "\u202e\u200b" * 100_000])
def test_huge_files_are_read(path: str, text: str) -> None:
    started = time.process_time()
    check(read(text, path))
    assert time.process_time() - started < 30


def drafts_of(folder: Path, pattern: str, *, store: str) -> tuple[dict[str, SourceDraft], list[Skip]]:
    drafts: dict[str, SourceDraft] = {}
    skips: list[Skip] = []
    for file in sorted(folder.glob(pattern)):
        path = file.relative_to(folder).as_posix()
        payload = {"store": store, "path": path, "content": file.read_text(), "changedAt": CHANGED_AT}
        parsed = docs.parse(docs_event(docs.UPSERTED, payload))
        if isinstance(parsed, Skip):
            skips.append(parsed)
            continue
        (drafts[path],) = parsed.drafts
        check(drafts[path])
    return drafts, skips


def test_real_proposals(shared_data: Path) -> None:
    drafts, skips = drafts_of(shared_data / "peps", "pep-0[023]*[05]*.rst", store="peps")
    assert skips == []
    assert len(drafts) > 60
    assert all(draft.author for draft in drafts.values())
    assert not [path for path, draft in drafts.items() if "rst_error" in draft.metadata]
    assert sum(bool(draft.observations) for draft in drafts.values()) > 0.7 * len(drafts)
    related = {
        path: [(kind, handle) for kind, handle, field in stated(draft) if field.startswith("frontmatter.re")]
        for path, draft in drafts.items()
    }
    assert related["pep-0315.rst"] == []
    assert related["pep-0205.rst"] == []
    assert related["pep-0258.rst"][:2] == [
        ("REQUIRES", "docs:peps/pep-0256.rst"),
        ("REQUIRES", "docs:peps/pep-0257.rst"),
    ]
    superseded = stated(drafts["pep-0005.rst"], EdgeType.SUPERSEDES)
    assert superseded == [("SUPERSEDES", "docs:peps/pep-0387.rst ->", "frontmatter.superseded_by")]
    assert drafts["pep-0257.rst"].title == "PEP 257: Docstring Conventions"
    assert "docs:peps/pep-257" in drafts["pep-0257.rst"].handles


def test_a_real_handbook(shared_data: Path) -> None:
    drafts, skips = drafts_of(shared_data / "handbook_18f", "pages/**/*.md", store="handbook")
    assert len(drafts) > 230
    assert len(skips) < 10
    assert not [path for path, draft in drafts.items() if "frontmatter_error" in draft.metadata]
