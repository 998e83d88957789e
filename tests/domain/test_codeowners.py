"""CODEOWNERS: which line decides about a path, by GitHub's rules, and where it stands."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.codeowners import LIMIT_BYTES, Rules


def owner_line(pattern: str, path: str) -> int | None:
    found = Rules.parse(f"{pattern} @ada\n").owners(path)
    return found[1] if found else None


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*", ["a", "a/b/c.md", ".github/x"], []),
        ("*.js", ["a.js", "x/y/b.js"], ["a.jsx", "js"]),
        ("/build/logs/", ["build/logs/a", "build/logs/a/b"], ["x/build/logs/a", "build/logs2/a"]),
        ("docs/*", ["docs/getting-started.md"], ["docs/build-app/troubleshooting.md", "x/docs/a.md"]),
        ("apps/", ["apps/a", "x/apps/y/z"], ["apps", "myapps/a"]),
        ("/docs/", ["docs/a", "docs/b/c"], ["x/docs/a", "docs"]),
        ("docs", ["docs", "docs/a/b", "x/docs/y"], ["docs2/a"]),
        ("**/logs", ["logs/a", "build/logs/x", "deeply/nested/logs/y"], ["mylogs/x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b/z"], ["x/a/b", "a/bc"]),
        ("/docs/**", ["docs/a", "docs/a/b"], ["x/docs/a"]),
        ("docs/*.md", ["docs/a.md"], ["docs/x/a.md", "docs/a.txt"]),
        ("v?.md", ["v1.md", "x/v2.md"], ["v12.md", "v/.md"]),
        (r"my\ file.md", ["my file.md", "x/my file.md"], ["my", "myxfile.md"]),
        (r"/my\ docs/", ["my docs/a"], ["x/my docs/a", "my"]),
        ("a#b", ["a#b"], ["a"]),
        ("a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]),
        ("a***b", ["a-b", "ab"], ["a/b"]),
        ("Docs/", ["Docs/a"], ["docs/a"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [path for path in matching if owner_line(pattern, path) is None] == []
    assert [path for path in other if owner_line(pattern, path) is not None] == []


def test_the_last_match_wins_and_may_name_nobody() -> None:
    rules = Rules.parse("* @ada\n\n/apps/ @acme/apps grace@example.org\n/apps/github\n/apps/github/x @bob\n")
    assert rules.owners("README.md") == (("@ada",), 1)
    assert rules.owners("apps/a") == (("@acme/apps", "grace@example.org"), 3)
    assert rules.owners("apps/github/y") == ((), 4)
    assert rules.owners("apps/github/x") == (("@bob",), 5)
    assert Rules.parse("/apps/ @ada").owners("docs/a") is None


def test_spans_give_the_line_without_space_and_comment() -> None:
    text = "\ufeff# all\n\n   *.md\t@ada  @acme/docs   # the readers\r\n\n/x @bob"
    rules = Rules.parse(text)
    assert [(rule.pattern, rule.line_number, text[rule.start : rule.end]) for rule in rules.rules] == [
        ("*.md", 3, "*.md\t@ada  @acme/docs"),
        ("/x", 5, "/x @bob"),
    ]
    assert Rules.from_json([rule.as_json() for rule in rules.rules]).rules == rules.rules


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("!docs @ada", "negated"),
        ("[ab].md @ada", "range"),
        ("[Section]", "range"),
        (r"\#x @ada", "escaped #"),
        ("docs ada", "'ada' is no owner"),
        ("docs @a/b/c", "'@a/b/c' is no owner"),
        ("/ @ada", "name something"),
        ("*a*b*c*d @ada", "more than 3 stars"),
    ],
)
def test_a_line_that_github_does_not_read_counts_for_nothing(line: str, says: str) -> None:
    rules = Rules.parse(f"* @grace\n{line}\n")
    assert [rule.pattern for rule in rules.rules] == ["*"]
    (fault,) = rules.faults
    assert fault.startswith("line 2: ")
    assert says in fault


def test_a_redacted_address_is_an_owner_still() -> None:
    assert Rules.parse("docs [redacted:email] @ada").owners("docs/a") == (("[redacted:email]", "@ada"), 1)


def test_a_file_above_the_limit_counts_for_nothing() -> None:
    line = "*.md @ada\n"
    fits = Rules.parse(line * (LIMIT_BYTES // len(line)))
    assert fits.owners("a.md") == (("@ada",), len(fits.rules))
    over = Rules.parse(line * (LIMIT_BYTES // len(line) + 1))
    assert over.rules == ()
    assert "more than 3,145,728" in over.faults[0]


@pytest.mark.parametrize("letter", ["#", " #", "\\", "*", "**/", "[", "@", "a/", "\t", "? "])
def test_a_hostile_line_costs_little(letter: str) -> None:
    started = time.process_time()
    Rules.parse(letter * (1_000_000 // len(letter)) + " @ada").owners("a/b/c")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a*a*a", "a" * 255),
        ("*a*a*ab", "/".join(["a" * 255] * 16)),
        ("a/**/a/**/a/**/b", "a/" * 2_000),
        ("a/**/a/**/a/**/b", "a/" * 250),
        ("*a*a", "a" * 100_000),
    ],
)
def test_a_hostile_path_costs_little(pattern: str, path: str) -> None:
    started = time.process_time()
    Rules.parse(f"{pattern} @ada").owners(path)
    assert time.process_time() - started < 2


def test_the_owners_of_a_real_handbook(shared_data: Path) -> None:
    rules = Rules.parse((shared_data / "handbook_18f" / "CODEOWNERS").read_text())
    assert rules.faults == ()
    owners = {
        "CODEOWNERS": "@18F/handbook-owners",
        "pages/office-of-operations/talent.md": "@18F/team-talent",
        "pages/office-of-acquisition/index.md": "@18F/tts-office-of-acqusition",
        "pages/training-and-development/intro-to-github.md": "@18F/tts-tech-operations",
        "pages/getting-started/classes/writing-lab.md": "@18F/guild-content",
        # A star at the end does not reach into folders.
        "pages/18f/chapters/design.md": "@18F/handbook-owners",
    }
    assert {path: (rules.owners(path) or ((), 0))[0] for path in owners} == {
        path: (owner,) for path, owner in owners.items()
    }
