"""GitHub payloads as they come: real ones, sample ones and damaged ones."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from github_payloads import (
    API,
    HTML,
    Payload,
    a_comment,
    a_pull_request,
    an_issue,
    changes_of,
    comment_payload,
    event,
    webhook,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import Changes, Skip
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import envelope_fields, kind_of, parse

REPOSITORY_ROOT = Path(__file__).parents[2]
WEBHOOKS = REPOSITORY_ROOT.parent / "shared" / "data" / "github_webhooks"
HARBOR = REPOSITORY_ROOT / "samples" / "harbor" / "github.jsonl"
_ResultT = TypeVar("_ResultT")


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(found for step, below in steps for found in _paths(below, (*path, step)))]
        if path
        else [found for step, below in steps for found in _paths(below, (step,))]
    )


_ISSUE_AS_PULL = an_issue(pull_request={"merged_at": None})
_TRANSFER = {"new_issue": an_issue(), "new_repository": {"full_name": "acme/warehouse"}}
_SEEDS: list[tuple[str, Payload]] = [
    ("issues.opened", webhook(action="opened", issue=an_issue())),
    ("issues.transferred", webhook(action="transferred", issue=an_issue(), changes=_TRANSFER)),
    ("pull_request.closed", webhook(action="closed", pull_request=a_pull_request())),
    ("issue_comment.created", comment_payload("Decision: #5")),
    ("issue_comment.deleted", comment_payload("x")),
    ("issues.observed", an_issue()),
    ("pull_request.observed", _ISSUE_AS_PULL),
    ("pull_request.observed", a_pull_request()),
    ("issue_comment.observed", a_comment()),
]
_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=30),
    st.sampled_from([f"{HTML}/issues/5", f"{API}/issues/{'9' * 5000}", "https://[", "9999-12-31T23:59:59-14:00"]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
)


@st.composite
def mutated_events(draw: st.DrawFn) -> tuple[str, Payload]:
    action, seed = draw(st.sampled_from(_SEEDS))
    payload = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(_paths(payload)))
        holder: Any = payload
        for step in above:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = draw(_JUNK)
        else:
            del holder[last]
    return action, payload


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_events())
def test_nothing_but_invalid_event_errors_comes_out_of_a_damaged_payload(case: tuple[str, Payload]) -> None:
    action, payload = case
    outcome = or_refusal(lambda: parse(event(action, payload)))
    fields = or_refusal(lambda: envelope_fields(payload))
    for result in (outcome, fields):
        if isinstance(result, InvalidEventError):
            assert str(result).startswith("payload")
    if isinstance(outcome, Changes):
        assert outcome.drafts or outcome.deletions
        assert all(len(draft.content_hash()) == 64 for draft in outcome.drafts)


def or_refusal(call: Callable[[], _ResultT]) -> _ResultT | InvalidEventError:
    try:
        return call()
    except InvalidEventError as error:
        return error


# --- real payloads


def _outcome_name(outcome: Changes | Skip) -> str:
    if isinstance(outcome, Skip):
        return f"skip: {outcome.reason}"
    return "+".join([*(draft.type for draft in outcome.drafts), *("deletion" for _ in outcome.deletions)])


@pytest.mark.skipif(not WEBHOOKS.is_dir(), reason="GitHub's example webhooks are not beside this repository")
def test_githubs_own_example_webhooks() -> None:
    counts: dict[str, Counter[str]] = {}
    for file in sorted(WEBHOOKS.glob("*/*.json")):
        payload, kind = json.loads(file.read_bytes()), file.parent.name
        outcome = parse(event(f"{kind}.{payload.get('action', '')}", payload))
        counts.setdefault(kind, Counter())[_outcome_name(outcome)] += 1
        assert kind_of(payload) in {kind, None}
        if kind_of(payload) in {"issues", "pull_request", "issue_comment"}:
            assert envelope_fields(payload).action == f"{kind}.{payload['action']}"
    assert counts.pop("pull_request") == {"pull_request": 28}
    # Skipped: pinned and unpinned (cut short), four of pull requests. The transferred one is also a document.
    assert counts.pop("issues") == {"issue": 20, "deletion": 1, "issue+deletion": 1, "skip: unsupported-event": 6}
    assert counts.pop("issue_comment") == {"comment+issue": 6, "deletion": 2}
    others = sum(counts.values(), Counter[str]())
    assert others == {"skip: unsupported-event": 209}


@pytest.mark.skipif(not HARBOR.is_file(), reason="the sample workspace is not there")
def test_every_line_of_the_sample_workspace_changes_something() -> None:
    lines = [json.loads(line) for line in HARBOR.read_text(encoding="utf-8").splitlines()]
    assert lines
    for line in lines:
        changes = changes_of(line["action"], line["payload"])
        assert changes.drafts
        assert envelope_fields(line["payload"]).action == line["action"]
