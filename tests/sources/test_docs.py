"""Docs events: files with front matter, with a broken one, without a title; decisions and outcomes; bad payloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from docs_events import CHANGED_AT, read
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.domain.accounts import Account
from neural_memory_pipelines.domain.documents import (
    SUMMARY_LIMIT_CHARS,
    TITLE_LIMIT_CHARS,
    Changes,
    Deletion,
    ObservationDraft,
    Skip,
    SourceDraft,
)
from neural_memory_pipelines.domain.events import SkipReason, SourceEvent
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.observing import TEXT_LIMIT_CHARS
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources import docs

AS_OF = datetime(2024, 5, 2, tzinfo=UTC)

DECISION_RECORD = """\
---
title: "12. Keep vectors in Postgres"
status: Accepted
owner: Ada  Lovelace
date: 2024-03-01
reviewed: 2024-03-02T10:00:00Z
weight: 2.5
draft: false
ratio: .nan
tags: [incident, storage]
nested: {a: 1}
---
# 12. Keep vectors in Postgres

We had two stores and one of them was always behind.

## Context

```sh
## Decision
```

## 3. **Decision:**

We keep the vectors beside the rows. Nothing else may hold them.

- one store to back up

### Outcome

Backups take half the time.

## Consequences

The index is built by us.
"""


def event(action: str = docs.UPSERTED, **payload: Any) -> SourceEvent:
    """A docs event; keyword arguments change its payload, None removes a field."""
    fields = {"store": "handbook", "path": "adr/0012-vectors.md", "revision": 3, "commit": "3f1c", **payload}
    if action == docs.UPSERTED:
        fields = {"content": DECISION_RECORD, "changedAt": "2024-05-01T12:00:00+02:00", **fields}
    kept = {key: value for key, value in fields.items() if value is not None}
    return SourceEvent(WorkspaceId("acme"), "org", docs.SOURCE, action, AS_OF, "key", kept)


def draft_of(**payload: Any) -> SourceDraft:
    parsed = docs.parse(event(**payload))
    assert isinstance(parsed, Changes)
    assert parsed.deletions == ()
    (draft,) = parsed.drafts
    return draft


def observations_of(content: str) -> tuple[ObservationDraft, ...]:
    return draft_of(content=content).observations


def test_a_file_with_front_matter() -> None:
    draft = draft_of(url="https://example.org/adr/12")
    assert (draft.source, draft.source_id, draft.type) == ("docs", "handbook/adr/0012-vectors.md", "doc")
    assert draft.title == "12. Keep vectors in Postgres"
    assert draft.body.startswith("# 12. Keep vectors")
    assert "owner:" not in draft.body
    assert draft.summary == "We had two stores and one of them was always behind."
    assert (draft.state, draft.url) == ("Accepted", "https://example.org/adr/12")
    assert draft.author == Account(provider_id="docs-login:ada lovelace", name="Ada Lovelace")
    assert (draft.occurred_at, draft.as_of) == (datetime(2024, 5, 1, 10, tzinfo=UTC), AS_OF)
    assert draft.metadata == {
        "store": "handbook",
        "path": "adr/0012-vectors.md",
        "slug": "adr/0012-vectors",
        "headings": [
            "# 12. Keep vectors in Postgres",
            "## Context",
            "## 3. **Decision:**",
            "### Outcome",
            "## Consequences",
        ],
        "frontmatter": {
            "title": "12. Keep vectors in Postgres",
            "status": "Accepted",
            "owner": "Ada  Lovelace",
            "date": "2024-03-01",
            "reviewed": "2024-03-02T10:00:00+00:00",
            "weight": 2.5,
            "draft": False,
        },
    }


def test_what_is_decided_becomes_observations() -> None:
    decision, outcome = draft_of().observations
    assert decision.title == "12. Keep vectors in Postgres: 3. **Decision:**"
    assert decision.summary == "We keep the vectors beside the rows. Nothing else may hold them."
    assert decision.text.startswith("We keep the vectors")
    assert decision.text.endswith("Backups take half the time.")
    assert decision.tags == ("decision", "accepted")
    assert decision.subject_refs == ("handbook/adr/0012-vectors.md",)
    assert decision.occurred_at == datetime(2024, 3, 1, tzinfo=UTC), "the date that the record bears"
    assert outcome.tags == ("outcome", "accepted")
    assert outcome.text == "Backups take half the time."
    assert 0 < outcome.importance < decision.importance <= 1


def test_labels_of_the_file_raise_the_importance() -> None:
    plain = observations_of("## Summary\n\ntext\n")[0].importance
    grave = observations_of("---\ntags: [incident]\n---\n## Summary\n\ntext\n")[0].importance
    cause = observations_of("## Root cause\n\ntext\n")[0].importance
    assert plain < grave
    assert plain < cause


@pytest.mark.parametrize(
    ("heading", "tag"),
    [
        ("Decision", "decision"),
        ("DECISIONS:", "decision"),
        ("2.1 Decision Outcome", "decision"),
        ("iv. Outcome", "outcome"),
        ("3) Resolution", "outcome"),
        ("TL;DR", "summary"),
        ("*Summary*", "summary"),
        ("Root cause", "root-cause"),
        ("Status", "status"),
        ("Status page", None),
        ("Decision makers", None),
        ("Summary of benefits", None),
    ],
)
def test_headings_that_hold_a_statement(heading: str, tag: str | None) -> None:
    found = observations_of(f"# Page\n\n## {heading}\n\nWhat it says.\n")
    assert [observation.tags for observation in found] == ([(tag,)] if tag else [])


def test_sections_without_text_and_repeated_ones_yield_nothing_more() -> None:
    assert observations_of("words\n\n## Decision\n\n## Summary\n") == ()
    assert len(observations_of("## Status\n\nopen\n\n## Status\n\nopen\n\n## Status\n\nclosed\n")) == 2


def test_long_sections_and_titles_are_cut() -> None:
    (found,) = observations_of(f"# {'Long title ' * 20}\n\n## Decision\n\n{'This is a sentence. ' * 300}\n")
    assert found.title is not None
    assert found.summary is not None
    assert len(found.text) <= TEXT_LIMIT_CHARS
    assert found.text.endswith("sentence.")
    assert len(found.title) <= TITLE_LIMIT_CHARS
    assert found.title.endswith(" Long…")
    assert len(found.summary) <= SUMMARY_LIMIT_CHARS
    (code,) = observations_of("## Status\n\n```\nonly code\n```\n")
    assert code.summary is None


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("title: [oops", "ParserError"),
        ("title: a: b", "ScannerError"),
        ("date: 2024-13-45", "month must be in 1..12"),
        ("title: !!python/object:os.system x", "ConstructorError"),
        ("a: " + "[" * 3_000, "recursion"),
        ("a: " + "x" * 60_000, "longer than"),
    ],
)
def test_broken_front_matter_stays_in_the_body(front: str, message: str) -> None:
    content = f"---\n{front}\n---\n# The Title\n\nwords\n"
    draft = draft_of(content=content)
    assert draft.title == "The Title"
    assert draft.body == content.strip()
    assert message in str(draft.metadata["frontmatter_error"])
    assert draft.metadata["frontmatter"] == {}
    assert draft.metadata["headings"] == ["# The Title"]


@pytest.mark.parametrize(
    ("path", "content", "title"),
    [
        ("guides/how-to_install.md", "words\n\n## Part\n", "How to install"),
        ("guides/README.md", "words", "Guides"),
        ("README.md", "words", "README"),
        ("-.md", "words", "-.md"),
        ("a.md", "---\ntitle: 2024\n---\nwords", "2024"),
        ("a.md", "---\ntitle: [x]\n---\nwords\n\n# First\n\n# Second", "First"),
        ("a.md", "```\n# code\n```\nwords\n\nReal\n===\n", "Real"),
    ],
)
def test_titles(path: str, content: str, title: str) -> None:
    assert draft_of(path=path, content=content).title == title


def test_front_matter_may_name_slug_author_and_summary() -> None:
    front = 'slug: /Start\nauthor: Grace\ndescription: What it is.\nstatus: 3\nbad: "a\\0b\\ud800"'
    draft = draft_of(content=f"---\n{front}\n---\nwords\n")
    assert draft.metadata["slug"] == "/Start"
    assert draft.author == Account(provider_id="docs-login:grace", name="Grace")
    assert (draft.summary, draft.state) == ("What it is.", None)
    assert draft.metadata["frontmatter"] == {
        "slug": "/Start",
        "author": "Grace",
        "description": "What it is.",
        "status": 3,
        "bad": "a\ufffdb?",
    }


def test_headings_are_at_most_fifty() -> None:
    headings = draft_of(content="".join(f"## Part {number}\n\n" for number in range(80))).metadata["headings"]
    assert isinstance(headings, list)
    assert (len(headings), headings[0], headings[-1]) == (50, "## Part 0", "## Part 49")


def test_what_moves_by_itself_makes_no_new_version() -> None:
    windows = DECISION_RECORD.replace("\n", "\r\n")
    again = draft_of(commit="aaaa", revision=9, changedAt="2024-06-01T00:00:00Z", content=windows)
    assert again.content_hash() == draft_of().content_hash()
    assert draft_of(content=DECISION_RECORD + "More.\n").content_hash() != draft_of().content_hash()


def test_nul_characters_are_replaced() -> None:
    assert draft_of(content="a\0b").body == "a\ufffdb"


def test_a_removed_file_is_a_deletion() -> None:
    parsed = docs.parse(event(docs.REMOVED))
    assert parsed == Changes(
        deletions=(Deletion("docs", "handbook/adr/0012-vectors.md", AS_OF, "removed from the store"),)
    )


@pytest.mark.parametrize("content", ["", " \n\t\n", "---\ntitle: nothing below\n---\n\n"])
def test_a_file_without_text_is_skipped(content: str) -> None:
    parsed = docs.parse(event(content=content))
    assert isinstance(parsed, Skip)
    assert parsed.reason is SkipReason.EMPTY
    assert "handbook/adr/0012-vectors.md" in parsed.detail


def test_another_action_is_skipped() -> None:
    parsed = docs.parse(event("docs.starred"))
    assert isinstance(parsed, Skip)
    assert parsed.reason is SkipReason.UNSUPPORTED_EVENT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("store", None),
        ("store", ""),
        ("store", "a/b"),
        ("store", 7),
        ("path", None),
        ("path", ""),
        ("path", "/etc/passwd"),
        ("path", "a/../b.md"),
        ("path", "a\0.md"),
        ("path", "./a.md"),
        ("path", ["a"]),
        ("content", None),
        ("content", 5),
        ("changedAt", None),
        ("changedAt", "yesterday"),
        ("changedAt", "2024-05-01T12:00:00"),
        ("changedAt", "0001-01-01T00:00:00+10:00"),
        ("changedAt", 1714550400),
        ("revision", "three"),
        ("commit", 12),
        ("url", {}),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    changed: dict[str, Any] = {field: value}
    with pytest.raises(InvalidEventError, match=rf"payload\.{field}: "):
        docs.parse(event(**changed))


@pytest.mark.parametrize(("field", "value"), [("store", None), ("path", "../a")])
def test_a_wrong_field_of_a_removal_is_named(field: str, value: object) -> None:
    changed: dict[str, Any] = {field: value}
    with pytest.raises(InvalidEventError, match=rf"payload\.{field}: "):
        docs.parse(event(docs.REMOVED, **changed))


def test_the_subject_is_known_without_reading() -> None:
    assert docs.subject(event()) == "handbook/adr/0012-vectors.md" == draft_of().source_id
    assert docs.subject(event(docs.REMOVED)) == "handbook/adr/0012-vectors.md"
    assert docs.subject(event(path=None)) is None
    assert docs.subject(event(store=3)) is None


_scraps = st.sampled_from(
    [
        "---",
        "title: x",
        "a: [",
        "tags: [b]",
        "# H",
        "## Decision",
        "## TL;DR:",
        "```",
        "- i",
        "",
        "words.",
        "...",
        "? :",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_scraps, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=14))
def test_any_text_is_read_or_skipped(lines: list[str]) -> None:
    parsed = docs.parse(event(content="\n".join(lines)))
    if isinstance(parsed, Skip):
        assert parsed.reason is SkipReason.EMPTY
        return
    (draft,) = parsed.drafts
    assert draft.title.strip()
    assert draft.body.strip()
    assert len(draft.content_hash()) == 64
    assert all(observation.text and observation.title for observation in draft.observations)


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("date: 2024-02-01", "2024-02-01T00:00:00+00:00"),
        ("date: 2024-02-01\nupdated: 2024-02-20T10:00:00+02:00", "2024-02-20T08:00:00+00:00"),
        ('last-updated: "2024-02-03"', "2024-02-03T00:00:00+00:00"),
        ("date: 2999-01-01", CHANGED_AT),
        ("date: soon", CHANGED_AT),
        ("title: none", CHANGED_AT),
    ],
)
def test_what_a_page_decides_was_said_at_the_date_that_it_bears(front: str, expected: str) -> None:
    draft = read(f"---\n{front}\n---\n# A\n\n## Decision\n\nWe keep it.\n")
    assert draft.observations
    assert {item.occurred_at for item in draft.observations} == {datetime.fromisoformat(expected)}
    assert draft.occurred_at == datetime.fromisoformat(CHANGED_AT), "the page itself is as old as its last change"
