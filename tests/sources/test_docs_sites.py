"""Pages of a generated site: how they name one another, by address and by template."""

from __future__ import annotations

import time

import pytest
from docs_events import read, stated

from neural_memory_pipelines.domain.graph import EdgeType
from neural_memory_pipelines.sources.docs.sites import site_root, without_template


def references(content: str, path: str) -> list[str]:
    return [handle for _, handle, _ in stated(read(content, path), EdgeType.REFERENCES)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ('{% page "/tools/mural/" %}', "pages/tools/mural"),
        ('{%page "/tools/mural/#how" %}', "pages/tools/mural"),
        ("{% page 'tools/mural' %}", "pages/tools/mural"),
        ("{%- link tools/mural.md -%}", "tools/mural.md"),
        ("{{ site.url }}{{ site.baseurl }}/tools/mural/", "pages/tools/mural"),
        ('{{< ref "mural.md" >}}', "pages/guides/mural.md"),
        ('{{% relref "/tools/mural.md" %}}', "tools/mural.md"),
        ("/tools/mural/", "pages/tools/mural"),
        ("/tools/mural", "pages/tools/mural"),
        ("/docs/mural.md", "docs/mural.md"),
        ("mural/", "pages/guides/install/mural"),
        ("../mural/", "pages/guides/mural"),
        ("mural", "pages/guides/mural"),
        ("{{ page.url }}", None),
        ("{% include x y %}", None),
        ('{% link "mailto:a@example.org" %}', None),
        ("{% endif %}", None),
    ],
)
def test_links_between_the_pages_of_a_site(target: str, expected: str | None) -> None:
    handles = [f"docs:handbook/{expected}"] if expected else []
    assert references(f"See [the\npage]({target}).\n", "pages/guides/install.md") == handles
    assert references(f"See [it][1].\n\n[1]: {target}\n", "pages/guides/install.md") == handles


def test_the_span_of_a_templated_link_is_all_of_it() -> None:
    draft = read('See [it]({% page "/a/" %}), then.\n', "pages/b.md")
    (link,) = draft.links
    assert draft.body[link.start : link.end] == '[it]({% page "/a/" %})'


def test_an_address_in_a_template_is_the_address() -> None:
    assert references('See [it]({% link "https://example.org/a" %}).\n', "pages/b.md") == ["url:example.org/a"]


def test_a_page_answers_to_what_links_spell() -> None:
    old = read("---\nredirect_from:\n  - /mural/\n---\nWords.\n", "pages/tools/mural.md")
    assert old.handles == ("docs:handbook/pages/tools/mural", "docs:handbook/pages/mural")
    assert references("[x](/mural/) [y](/tools/mural)\n", "pages/b.md") == [*reversed(old.handles)]
    index = read("Words.\n", "pages/tools/index.md")
    assert index.handles == ("docs:handbook/pages/tools/index", "docs:handbook/pages/tools")
    assert references("[up](../), [down](mural/), [me](/tools/)\n", "pages/tools/index.md") == [
        "docs:handbook/pages",
        "docs:handbook/pages/tools/mural",
    ]


def test_files_that_are_no_pages_of_a_site_are_named_by_path() -> None:
    assert references("[x](/tools/mural) [y](sub/)\n", "docs/a.md") == [
        "docs:handbook/tools/mural",
        "docs:handbook/docs/sub",
    ]
    assert read("Words.\n", "docs/index.md").handles == ("docs:handbook/docs/index",)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("pages/a.md", ["pages"]),
        ("src/content/blog/a.md", ["src", "content"]),
        ("content/a.md", ["content"]),
        ("web/pages/a.md", []),
        ("pages.md", []),
    ],
)
def test_the_folder_of_all_pages(path: str, root: list[str]) -> None:
    assert site_root(path) == root


@pytest.mark.parametrize("piece", ["{% a ", "[a]({% ", "{{ a }}", "[a]({{", "{", "[a]: {% x ", '[a]({% page "', "%}"])
def test_hostile_templates_cost_little(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    without_template(text)
    references(text, "pages/a.md")
    assert time.process_time() - started < 20
