"""Which tags labels and titles earn."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.domain.tags import as_tag, concerns_everyone, is_release_milestone, tags_of


@pytest.mark.parametrize(
    ("title", "labels", "tags"),
    [
        ("fix(cart): keep items", [], {"bug"}),
        ("[Bug] Carts vanish", [], {"bug"}),
        ("A fix for carts", [], set()),
        ("chore(release): 2.4.0", [], {"release"}),
        ("v2.4.0", [], {"release"}),
        ("feat(api)!: drop v1", [], {"breaking-change"}),
        ("Hello", ["Breaking_Change", "type: refactor"], {"breaking-change", "refactor"}),
        ("Hotfix: restore carts", ["sev1"], {"incident-fix"}),
        ("ADR 12", ["rfc"], {"decision", "rfc"}),
        ("Adrenaline", ["debug"], set()),
    ],
)
def test_labels_and_titles_earn_tags(title: str, labels: list[str], tags: set[str]) -> None:
    assert tags_of(title, labels) == tags


@pytest.mark.parametrize(
    ("words", "tag"), [("In Progress", "in-progress"), ("  Accepted! ", "accepted"), ("?", ""), ("Ü ber", "ü-ber")]
)
def test_words_are_spelled_as_a_tag(words: str, tag: str) -> None:
    assert as_tag(words) == tag


def test_what_concerns_a_release_or_everyone() -> None:
    assert is_release_milestone("v2.4")
    assert not is_release_milestone("Spring")
    assert not is_release_milestone(None)
    assert concerns_everyone("Move carts", ["all teams"])
    assert not concerns_everyone("Move all carts", ["team"])
