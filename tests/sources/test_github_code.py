"""Pushes, commits, releases and what happens to repositories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from github_payloads import (
    ADA,
    API,
    CREATED,
    EVENT_AT,
    HTML,
    ROBOT,
    UPDATED_AT,
    Payload,
    a_commit,
    a_push,
    a_pushed_commit,
    a_release,
    changes_of,
    event,
    sha,
    skip_of,
    stated,
    webhook,
)

from neural_memory_pipelines.domain.accounts import Account, hash_email
from neural_memory_pipelines.domain.documents import Rename, SourceDraft
from neural_memory_pipelines.domain.events import SkipReason
from neural_memory_pipelines.errors import InvalidEventError
from neural_memory_pipelines.sources.github import envelope_fields, kind_of, parse, subject


def commit_draft(**changes: Any) -> SourceDraft:
    (draft,) = changes_of("push", a_push(a_pushed_commit(**changes))).drafts
    return draft


# --- pushes


def test_a_push_to_the_default_branch_brings_its_commits() -> None:
    changes = changes_of("push", a_push(a_pushed_commit("b"), a_pushed_commit("c")))
    assert [draft.source_id for draft in changes.drafts] == [f"acme/shop@{sha('b')}", f"acme/shop@{sha('c')}"]
    draft = changes.drafts[1]
    assert (draft.type, draft.title, draft.url) == ("commit", "Keep carts for a week", f"{HTML}/commit/{sha('c')}")
    assert draft.body == "# Keep carts for a week\n\nFixes #5"
    assert (draft.occurred_at, draft.as_of) == (datetime(2026, 3, 2, 10, tzinfo=UTC), EVENT_AT)
    assert stated(draft) == {
        ("", "RESOLVES", "github:acme/shop#5", "#5"),
        ("", "TOUCHES_COMPONENT", "component:cart", "files"),
    }
    (seen,) = draft.observations
    assert seen.text == "Keep carts for a week.\n\nFixes #5"
    assert seen.subject_refs == (draft.source_id, "acme/shop#5")


def test_the_first_line_of_a_message_closes_too() -> None:
    draft = commit_draft(message="fix(cart): expire, fixes #5", modified=["packages/@acme/ttl/x.py", "packages/a.md"])
    assert stated(draft) == {
        ("", "RESOLVES", "github:acme/shop#5", "#5"),
        ("", "TOUCHES_COMPONENT", "component:cart", "cart"),
        ("", "TOUCHES_COMPONENT", "component:ttl", "files"),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/keep-carts"},
        {"ref": "refs/tags/v1"},
        {"ref": "refs/tags/main"},
        {"deleted": True},
    ],
)
def test_other_branches_and_tags_are_skipped(changes: Payload) -> None:
    assert skip_of("push", a_push(a_pushed_commit(), **changes)).reason is SkipReason.NOT_DEFAULT_BRANCH


@pytest.mark.parametrize(
    "message",
    [
        "Merge pull request #6 from acme/keep-carts\n\nKeep carts for a week",
        "Merge branch 'main' into keep-carts",
        " \n ",
    ],
)
def test_merges_that_say_nothing_are_trivial(message: str) -> None:
    assert skip_of("push", a_push(a_pushed_commit(message=message))).reason is SkipReason.TRIVIAL
    commit = a_commit()
    commit["commit"] = commit["commit"] | {"message": message}
    assert skip_of("commit.observed", commit).reason is SkipReason.TRIVIAL


def test_a_merge_that_says_more_is_kept() -> None:
    draft = commit_draft(message="Merge pull request #6 from acme/x\n\nKeep carts\n\nThey vanished at midnight.")
    assert draft.title == "Merge pull request #6 from acme/x"


def test_a_push_without_commits_is_empty() -> None:
    assert skip_of("push", a_push()).reason is SkipReason.EMPTY


def test_a_forced_push_lets_go_of_what_it_overwrote() -> None:
    changes = changes_of("push", a_push(a_pushed_commit("c"), forced=True))
    assert [(gone.source_id, gone.as_of) for gone in changes.deletions] == [(f"acme/shop@{sha('a')}", EVENT_AT)]
    skip = skip_of("push", a_push(forced=True))
    assert [gone.source_id for gone in skip.gone] == [f"acme/shop@{sha('a')}"]
    for kept in ({"forced": True, "before": sha("0")}, {"forced": True, "before": sha("c")}, {"created": True}):
        assert changes_of("push", a_push(a_pushed_commit("c"), **kept)).deletions == ()


def test_a_push_is_about_no_single_document() -> None:
    assert subject(event("push", a_push(a_pushed_commit()))) is None


def test_the_envelope_of_a_push_follows_from_it() -> None:
    assert kind_of(a_push()) == "push"
    fields = envelope_fields(a_push())
    assert (fields.action, fields.occurred_at) == ("push", datetime(2026, 3, 2, 12, tzinfo=UTC))
    for wrong in (None, 10**30, -1, True, "noon"):
        payload = a_push()
        payload["repository"] = payload["repository"] | {"pushed_at": wrong}
        with pytest.raises(InvalidEventError, match=r"^payload\.repository\.pushed_at: "):
            envelope_fields(payload)


# --- authors of commits

_HASH = hash_email("ada@corp.example")


@pytest.mark.parametrize(
    ("author", "account"),
    [
        (
            {"name": "Ada L.", "email": "Ada@corp.example", "username": "ada"},
            Account("github-login:ada", "Ada L.", False, "ada", _HASH, True),
        ),
        ({"name": "Ada L.", "email": "ada@corp.example"}, Account(f"git:{_HASH}", "Ada L.", False, None, _HASH)),
        (
            {"name": "Ada L.", "email": "7+Ada@users.noreply.github.com", "username": "Ada"},
            Account("github:7", "Ada L.", False, "Ada"),
        ),
        ({"name": "", "email": "ada@users.noreply.github.com"}, Account("github-login:ada", "ada", False, "ada")),
        (
            {"name": "renovate[bot]", "email": "29139614+renovate[bot]@users.noreply.github.com"},
            Account("github:29139614", "renovate[bot]", True, "renovate[bot]"),
        ),
        ({"name": "Ada L.", "email": "[redacted:email]"}, Account("git-login:ada l.", "Ada L.")),
    ],
)
def test_the_author_of_a_commit_is_the_best_that_is_known(author: Payload, account: Account) -> None:
    draft = commit_draft(author=author)
    assert draft.author == account
    assert "corp.example" not in repr(draft)
    assert (draft.observations == ()) is account.is_bot


def test_a_commit_of_nobody_has_no_author() -> None:
    assert commit_draft(author={}).author is None


# --- commits of the REST API


def test_a_bare_commit_is_the_document_that_its_push_brought() -> None:
    assert kind_of(a_commit()) == "commit"
    (bare,) = changes_of("commit.observed", a_commit()).drafts
    assert bare.author == Account("github:7", "ada", False, "ada", _HASH, True)
    assert bare.as_of == UPDATED_AT
    assert replace(bare, author=None, as_of=EVENT_AT) == replace(commit_draft(), author=None)
    assert envelope_fields(a_commit()).occurred_at == UPDATED_AT


def test_a_commit_whose_address_belongs_to_nobody_is_git_s() -> None:
    for user in (None, {}):
        (draft,) = changes_of("commit.observed", a_commit(author=user)).drafts
        assert draft.author == Account(f"git:{_HASH}", "Ada L.", False, None, _HASH)


def test_a_commit_without_times_is_refused() -> None:
    commit = a_commit()
    commit["commit"] = {"message": "x", "author": None, "committer": None}
    with pytest.raises(InvalidEventError, match=r"^payload\.commit\.author: required"):
        parse(event("commit.observed", commit))


# --- releases


def release_draft(verb: str = "published", **changes: Any) -> SourceDraft:
    (draft,) = changes_of(f"release.{verb}", webhook(action=verb, release=a_release(**changes))).drafts
    return draft


def test_a_release_becomes_a_document() -> None:
    draft = release_draft(body="Carts live for a week (#6).\n\n## Breaking changes\n\n- none of them", author=ADA)
    assert (draft.source_id, draft.type, draft.state) == ("acme/shop@v2.4.0", "release", "released")
    assert (draft.title, draft.url) == ("Spring cleaning", f"{HTML}/releases/tag/v2.4.0")
    assert draft.occurred_at == UPDATED_AT
    assert draft.metadata == {"repository": "acme/shop", "tag": "v2.4.0", "published_at": "2026-03-02T10:00:00Z"}
    assert stated(draft) == {("", "REFERENCES", "github:acme/shop#6", "#6")}
    (seen,) = draft.observations
    assert seen.tags == ("breaking-change", "release")
    assert seen.summary == "Carts live for a week (#6)."
    assert seen.importance_factors["linked"] == 0.15


def test_a_release_without_a_name_is_called_by_its_tag() -> None:
    draft = release_draft(name="", body=None, prerelease=True)
    assert (draft.title, draft.body, draft.state) == ("Release v2.4.0", "Release v2.4.0", "prerelease")


def test_a_release_by_a_bot_has_no_observations() -> None:
    assert release_draft(author=ROBOT).observations == ()
    assert release_draft(author=None).author is None


def test_a_release_says_what_it_knows_of_its_time_else_the_event_does() -> None:
    assert release_draft(updated_at="2026-03-03T00:00:00Z").as_of == datetime(2026, 3, 3, tzinfo=UTC)
    assert release_draft().as_of == EVENT_AT
    (bare,) = changes_of("release.observed", a_release()).drafts
    assert bare.as_of == UPDATED_AT


@pytest.mark.parametrize("verb", ["deleted", "unpublished"])
def test_a_release_may_go(verb: str) -> None:
    (gone,) = changes_of(f"release.{verb}", webhook(release=a_release(draft=True, updated_at=CREATED))).deletions
    assert (gone.source_id, gone.as_of) == ("acme/shop@v2.4.0", EVENT_AT)


def test_a_release_that_is_not_published_is_no_document() -> None:
    payload = webhook(release=a_release(draft=True))
    assert skip_of("release.created", payload).reason is SkipReason.UNSUPPORTED_EVENT


def test_a_release_with_another_tag_leaves_the_old_one() -> None:
    edited = webhook(release=a_release(), changes={"tag_name": {"from": "v2.3.9"}})
    assert [gone.source_id for gone in changes_of("release.edited", edited).deletions] == ["acme/shop@v2.3.9"]
    for other in ({"tag_name": {"from": "v2.4.0"}}, {"tag_name": 3}, {"body": {"from": "x"}}, [], None):
        assert changes_of("release.edited", webhook(release=a_release(), changes=other)).deletions == ()


def test_a_release_refers_to_its_discussion() -> None:
    draft = release_draft(body="", discussion_url=f"{HTML}/discussions/8")
    assert stated(draft) == {("", "REFERENCES", "github:acme/shop#8", "discussion_url")}


def test_bare_releases_are_known_by_their_addresses() -> None:
    assert kind_of(a_release()) == "release"
    assert kind_of(a_release(html_url=None)) == "release"
    (draft,) = changes_of("release.observed", a_release(html_url="x", url=f"{API}/releases/8008")).drafts
    assert draft.source_id == "acme/shop@v2.4.0"


# --- repositories


def repository_event(verb: str, changes: Any = None, name: str = "acme/shop") -> Payload:
    repository = {"full_name": name, "updated_at": CREATED}
    return {"action": verb, "repository": repository, "sender": ADA} | ({} if changes is None else {"changes": changes})


def test_a_repository_gets_another_name() -> None:
    payload = repository_event("renamed", {"repository": {"name": {"from": "store"}}})
    assert kind_of(payload) == "repository"
    assert changes_of("repository.renamed", payload).renames == (Rename("github", "acme/store", "acme/shop", EVENT_AT),)


@pytest.mark.parametrize("kind", ["user", "organization"])
def test_a_repository_gets_another_owner(kind: str) -> None:
    payload = repository_event("transferred", {"owner": {"from": {kind: {"login": "ada"}}}})
    assert changes_of("repository.transferred", payload).renames == (
        Rename("github", "ada/shop", "acme/shop", EVENT_AT),
    )


def test_other_events_of_repositories_change_nothing() -> None:
    for verb in ("created", "edited", "archived", "publicized", "deleted"):
        assert skip_of(f"repository.{verb}", repository_event(verb)).reason is SkipReason.UNSUPPORTED_EVENT
    same = repository_event("renamed", {"repository": {"name": {"from": "Shop"}}})
    assert skip_of("repository.renamed", same).reason is SkipReason.TRIVIAL


def test_a_rename_without_the_former_name_is_refused() -> None:
    for changes in (None, {}, {"repository": {"name": {"from": "a/b"}}}):
        with pytest.raises(InvalidEventError, match=r"^payload\.changes"):
            parse(event("repository.renamed", repository_event("renamed", changes)))
