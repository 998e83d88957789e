"""The repository on GitHub that a git history belongs to, and the addresses of its files there."""

from __future__ import annotations

import json

import pytest

from neural_memory_pipelines.steps.git_repository import github_name

from .git_pushes import Walk
from .git_repositories import Repository


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://github.com/acme/shop", "acme/shop"),
        ("https://ada:secret@github.com/acme/shop.git/", "acme/shop"),
        ("git@github.com:acme/shop.js.git", "acme/shop.js"),
        ("ssh://git@github.com/acme/shop.git", "acme/shop"),
        ("ssh://git@github.com:22/acme/shop.git", "acme/shop"),
        ("git://github.com/acme/shop", "acme/shop"),
        ("https://gitlab.com/acme/shop.git", None),
        ("https://github.com.evil.example/acme/shop", None),
        ("https://github.com/acme", None),
        ("../shop", None),
        ("", None),
    ],
)
def test_the_remote_tells_the_repository(address: str, name: str | None) -> None:
    assert github_name(address) == name


def test_an_address_is_given_where_a_branch_of_github_is_checked_out(repo: Repository, walk: Walk) -> None:
    repo.git("checkout", "-q", "-b", "feature/ä 1".replace(" ", "_"))
    repo.commit({"a b#.md": "a"})
    repo.git("remote", "add", "origin", "https://token@github.com/acme/shop.git")
    (event,), _ = walk(repo.folder)
    assert event["payload"]["repository"] == "acme/shop"
    assert event["payload"]["files"][0]["url"] == "https://github.com/acme/shop/blob/feature/%C3%A4_1/a%20b%23.md"
    assert "token" not in json.dumps(event)
    repo.git("checkout", "-q", "--detach")
    (event,), _ = walk(repo.folder)
    assert (event["payload"]["ref"], "url" in event["payload"]["files"][0]) == (None, False)
