"""Include globs choose what users of glob tools expect, not what .gitignore would."""

from __future__ import annotations

import pytest

from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.steps.globs import compile_globs


@pytest.mark.parametrize(
    ("glob", "chosen", "left"),
    [
        ("README.md", ["README.md"], ["docs/README.md", "xREADME.md"]),
        ("*.md", ["a.md", ".md"], ["docs/a.md", "a.mdx"]),
        ("**/*.md", ["a.md", "docs/a.md", "a/b/c.md"], ["a.txt"]),
        ("**/README.md", ["README.md", "x/y/README.md"], ["x/MYREADME.md"]),
        ("docs/**/*.md", ["docs/a.md", "docs/x/y/a.md"], ["x/docs/a.md", "docs.md", "docsx/a.md"]),
        ("docs/*", ["docs/a.md"], ["docs/x/a.md", "docs"]),
        ("docs/**", ["docs/a.md", "docs/x/a.png"], ["a.md"]),
        ("docs", ["docs/a.md", "docs/x/a.md", "docs"], ["docs2/a.md", "x/docs/a.md"]),
        ("docs/", ["docs/x/a.md"], ["x/docs/a.md"]),
        ("./docs/*.md", ["docs/a.md"], []),
        ("/docs/*.md", ["docs/a.md"], ["x/docs/a.md"]),
        ("docs/?.md", ["docs/a.md"], ["docs/ab.md", "docs//.md"]),
        ("[ab].md", ["a.md"], ["c.md"]),
        ("[!ab].md", ["c.md"], ["a.md", "/.md"]),
        ("[]x].md", ["].md", "x.md"], ["a.md"]),
        ("**/*.{md,mdx}", ["a.md", "x/a.mdx"], ["a.txt"]),
        ("{docs,rfcs}/**/*.md", ["docs/a.md", "rfcs/x/a.md"], ["a.md"]),
        (r"a\*.md", ["a*.md"], ["ab.md"]),
        ("a+(b).md", ["a+(b).md"], ["aab.md"]),
    ],
)
def test_a_glob_is_anchored_at_the_folder(glob: str, chosen: list[str], left: list[str]) -> None:
    is_chosen = compile_globs([glob])
    assert [path for path in chosen if not is_chosen(path)] == []
    assert [path for path in left if is_chosen(path)] == []


def test_an_exclamation_mark_takes_away_and_the_last_rule_decides() -> None:
    is_chosen = compile_globs(["**/*.md", "!drafts", "drafts/final.md"])
    assert is_chosen("a.md")
    assert not is_chosen("drafts/a.md")
    assert is_chosen("drafts/final.md")


@pytest.mark.parametrize("glob", ["", "!", "/", " ./ ", "[z-a].md"])
def test_a_glob_that_cannot_be_read_is_named(glob: str) -> None:
    with pytest.raises(PermanentError, match="glob"):
        compile_globs([glob])
