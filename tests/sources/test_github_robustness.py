"""GitHub payloads as they come: real ones, sample ones and damaged ones."""

from __future__ import annotations

import copy
import functools
import json
import time
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
    a_commit,
    a_discussion,
    a_discussion_comment,
    a_pull_request,
    a_push,
    a_pushed_commit,
    a_release,
    a_review,
    a_review_comment,
    an_issue,
    changes_of,
    comment_payload,
    event,
    sha,
    webhook,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.documents import Changes, Skip, SourceDraft
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import envelope_fields, kind_of, parse, subject

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
_ORIGIN = {"old_issue": an_issue(number=2), "old_repository": {"full_name": "acme/old"}}
_SOURCE = {"type": "issue", "issue": an_issue(number=9)}
_TIMELINE = [
    {"event": "cross-referenced", "source": _SOURCE},
    {"event": "closed", "commit_id": sha("a"), "commit_url": f"{API}/commits/{sha('a')}"},
    a_comment() | {"event": "commented"},
    {"event": "line-commented", "comments": [a_review_comment()]},
    a_review() | {"event": "reviewed"},
]
_SEEDS: list[tuple[str, Payload]] = [
    ("issues.opened", webhook(action="opened", issue=an_issue(), changes=_ORIGIN)),
    ("issues.transferred", webhook(action="transferred", issue=an_issue(), changes=_TRANSFER)),
    ("pull_request.closed", webhook(action="closed", pull_request=a_pull_request())),
    ("issue_comment.created", comment_payload("Decision: #5")),
    ("issue_comment.deleted", comment_payload("x")),
    ("issues.observed", an_issue(timeline=_TIMELINE, comments=[a_comment()])),
    ("pull_request.observed", _ISSUE_AS_PULL),
    ("pull_request.observed", a_pull_request(reviews=[a_review()])),
    ("issue_comment.observed", a_comment()),
    ("pull_request_review.edited", webhook(review=a_review(), pull_request=a_pull_request())),
    ("pull_request_review_comment.created", webhook(comment=a_review_comment(), pull_request=a_pull_request())),
    ("discussion.answered", webhook(discussion=a_discussion(), answer=a_discussion_comment())),
    ("discussion_comment.created", webhook(discussion=a_discussion(), comment=a_discussion_comment())),
    ("release.edited", webhook(release=a_release(), changes={"tag_name": {"from": "v1"}})),
    ("push", a_push(a_pushed_commit("b"), a_pushed_commit("c"), forced=True)),
    ("commit.observed", a_commit()),
    ("repository.renamed", webhook(action="renamed", changes={"repository": {"name": {"from": "store"}}})),
    ("repository.transferred", webhook(changes={"owner": {"from": {"user": {"login": "ada"}}}})),
]


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


_JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=30),
    st.sampled_from([f"{HTML}/issues/5", f"{API}/issues/{'9' * 5000}", "https://[", "9999-12-31T23:59:59-14:00"]),
    st.sampled_from([10**5000, -(10**30), _nested(3), "@" * 50, "fixes #" + "1" * 5000]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
)


@st.composite
def mutated_events(draw: st.DrawFn, seeds: st.SearchStrategy[tuple[str, Payload]]) -> tuple[str, Payload]:
    action, seed = draw(seeds)
    payload = copy.deepcopy(seed)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(_paths(payload)))
        holder: Any = payload
        for step in above:
            holder = holder[step]
        if draw(st.booleans()):
            holder[last] = copy.deepcopy(draw(_JUNK))  # the next mutation may change what is sampled here
        else:
            del holder[last]
    return action, payload


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(mutated_events(st.sampled_from(_SEEDS)))
def test_nothing_but_invalid_event_errors_comes_out_of_a_damaged_payload(case: tuple[str, Payload]) -> None:
    _check_outcome(*case)


@functools.cache
def _real_payloads() -> list[tuple[str, Payload]]:
    supported = {action.partition(".")[0] for action, _ in _SEEDS}
    files = [file for name in sorted(supported) for file in sorted(WEBHOOKS.glob(f"{name}/*.json"))]
    payloads = [(file.parent.name, json.loads(file.read_bytes())) for file in files]
    return [(f"{name}.{payload.get('action', '')}", payload) for name, payload in payloads]


@pytest.mark.usefixtures("shared_data")
def test_nothing_but_invalid_event_errors_comes_out_of_damaged_real_payloads() -> None:
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(mutated_events(st.sampled_from(_real_payloads())))
    def check(case: tuple[str, Payload]) -> None:
        _check_outcome(*case)

    check()


def _check_outcome(action: str, payload: Payload) -> None:
    outcome = or_refusal(lambda: parse(event(action, payload)))
    fields = or_refusal(lambda: envelope_fields(payload))
    for result in (outcome, fields):
        if isinstance(result, InvalidEventError):
            assert str(result).startswith("payload")
    if isinstance(outcome, Changes):
        assert outcome.drafts or outcome.deletions or outcome.renames
        for draft in outcome.drafts:
            _check_draft(draft)


def _check_draft(draft: SourceDraft) -> None:
    assert len(draft.content_hash()) == 64
    assert len(draft.links) <= 1_000
    for link in draft.links:
        assert link.origin or link.target
        assert bool(link.field) != bool(draft.body[link.start : link.end])
    for seen in draft.observations:
        assert len(seen.text) <= 2_000
        assert len(seen.subject_refs) <= 32
        assert seen.subject_refs[0] == draft.source_id


@pytest.mark.parametrize("action", sorted({action for action, _ in _SEEDS}))
@pytest.mark.parametrize("payload", [[], None, 3, "x", {}, {"id": _nested(100_000)}, {"action": {}}])
def test_what_is_no_payload_at_all_is_refused(action: str, payload: Any) -> None:
    with pytest.raises(InvalidEventError, match=r"^payload"):
        parse(event(action, payload))
    assert subject(event(action, payload)) is None


def test_what_is_nested_too_deeply_is_refused_with_its_envelope() -> None:
    with pytest.raises(InvalidEventError, match=r"^payload: cannot be spelled as JSON"):
        envelope_fields(an_issue(extra=_nested(100_000)))


@pytest.mark.parametrize("case", _SEEDS, ids=[action for action, _ in _SEEDS])
def test_the_subject_of_an_event_is_what_it_describes(case: tuple[str, Payload]) -> None:
    action, payload = case
    changes = changes_of(action, payload)
    named = [draft.source_id for draft in changes.drafts] + [gone.source_id for gone in changes.deletions]
    about = subject(event(action, payload))
    assert about in named if about else action == "push" or changes.renames


# --- hostile texts

_HOSTILE_CHARS = 150_000
_HOSTILE = [
    "`", "`a``b", "#1 ", "a/b#", "<!--", "<!-- x -->", "Fixes #", "fixes https://x/", "![a](", "[a](", "Decision:\n",
    "**Decision**\n\n", "This PR ", "@", "@a-", "@a/", "- a\n\n", "> ", "Depends on ", "Duplicate of #1, ", "\\", "\t",
    "https://a(", "<code>", "AB-", "# Summary\n", "\n", " ", "_", "not blocked by #1 ", "implements [",
]  # fmt: skip


@pytest.mark.parametrize("piece", _HOSTILE)
def test_hostile_texts_take_no_more_time_than_their_length(piece: str) -> None:
    text = (piece * _HOSTILE_CHARS)[:_HOSTILE_CHARS]
    start = time.process_time()
    changes_of("issue_comment.created", comment_payload(text + "\n\nDecision: see #6."))
    changes_of("pull_request.edited", webhook(pull_request=a_pull_request(body=text)))
    # Some seconds at most; quadratic time would be minutes.
    assert time.process_time() - start < 15


def or_refusal(call: Callable[[], _ResultT]) -> _ResultT | InvalidEventError:
    try:
        return call()
    except InvalidEventError as error:
        return error


# --- real payloads


def _outcome_name(outcome: Changes | Skip) -> str:
    if isinstance(outcome, Skip):
        return f"skip: {outcome.reason}"
    names = [draft.type for draft in outcome.drafts]
    return "+".join([*names, *("deletion" for _ in outcome.deletions), *("rename" for _ in outcome.renames)])


_EXPECTED: dict[str, dict[str, int]] = {
    "pull_request": {"pull_request": 28},
    # Skipped: pinned and unpinned (cut short), four of pull requests. Two tell of transfers.
    "issues": {"issue": 19, "deletion": 1, "issue+deletion": 2, "skip: unsupported-event": 6},
    "issue_comment": {"comment+issue": 6, "issue+deletion": 2},
    # None has a text or a verdict.
    "pull_request_review": {"skip: empty": 3},
    "pull_request_review_comment": {"review_comment": 3, "deletion": 1},
    "discussion": {"discussion": 11, "discussion+comment": 2, "discussion+deletion": 1},
    "discussion_comment": {"comment+discussion": 2, "discussion+deletion": 1},
    "release": {"release": 10, "deletion": 2},
    "push": {"commit": 2, "skip: not-default-branch": 4},
    # One was renamed to its own name.
    "repository": {"rename": 3, "skip: trivial": 1, "skip: unsupported-event": 8},
}


def test_githubs_own_example_webhooks(shared_data: Path) -> None:
    counts: dict[str, Counter[str]] = {}
    for file in sorted((shared_data / "github_webhooks").glob("*/*.json")):
        payload, kind = json.loads(file.read_bytes()), file.parent.name
        verb = payload.get("action")
        outcome = parse(event(f"{kind}.{verb}" if verb else kind, payload))
        counts.setdefault(kind, Counter())[_outcome_name(outcome)] += 1
        assert kind_of(payload) == kind if kind in _EXPECTED else kind_of(payload) in {kind, None}
        if kind in _EXPECTED:
            assert envelope_fields(payload).action == (f"{kind}.{verb}" if verb else kind)
        for draft in outcome.drafts if isinstance(outcome, Changes) else ():
            _check_draft(draft)
    assert {kind: dict(counts.pop(kind)) for kind in _EXPECTED} == _EXPECTED
    assert sum(counts.values(), Counter[str]()) == {"skip: unsupported-event": 155}


def test_no_address_of_a_real_payload_gets_into_a_draft(shared_data: Path) -> None:
    for file in sorted((shared_data / "github_webhooks").glob("push/*.json")):
        assert '"email"' in file.read_text(encoding="utf-8")
        outcome = parse(event("push", json.loads(file.read_bytes())))
        assert "noreply" not in repr(outcome)


@pytest.mark.skipif(not HARBOR.is_file(), reason="the sample workspace is not there")
def test_every_line_of_the_sample_workspace_changes_something() -> None:
    lines = [json.loads(line) for line in HARBOR.read_text(encoding="utf-8").splitlines()]
    assert lines
    for line in lines:
        changes = changes_of(line["action"], line["payload"])
        assert changes.drafts
        assert envelope_fields(line["payload"]).action == line["action"]
