"""References in the words of links, where the address tells what is meant, and numbers that look like tickets."""

from __future__ import annotations

import time

import pytest

from neural_memory_pipelines.domain.references import find_references


def handles(text: str) -> list[str]:
    return [reference.handle for reference in find_references(text, repository="acme/shop")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[#12](https://github.com/other/repo/issues/12)", ["github:other/repo#12"]),
        ("[A vision #68](https://forum.example/t/68)", ["url:forum.example/t/68"]),
        ("[a/b#1](https://github.com/a/b/issues/1#issuecomment-7)", ["github:a/b#1/comment/7"]),
        ("[HAR-7](https://tracker.example/HAR-7), HAR-8", ["url:tracker.example/har-7", "linear:har-8"]),
        ("[#12](<https://forum.example>) and #12", ["url:forum.example", "github:acme/shop#12"]),
        # Where both mean the same, the words count too: they may stand after "blocked by".
        ("[HAR-7](https://linear.app/a/issue/HAR-7/x)", ["linear:har-7", "linear:har-7"]),
        ("[#12](https://github.com/acme/shop/pull/12)", ["github:acme/shop#12", "github:acme/shop#12"]),
        # Words that are no link to an address of the web.
        ("[#12](../issues/12) [#13] \\[#14](https://x.example)", [f"github:acme/shop#{n}" for n in (12, 13, 14)]
         + ["url:x.example"]),
        ("[#12](https://" + "x" * 3_000 + ")", []),
    ],
)  # fmt: skip
def test_the_address_of_a_link_says_what_its_words_mean(text: str, expected: list[str]) -> None:
    assert handles(text) == expected


@pytest.mark.parametrize("text", ["CC0-1.0-Universal", "ABC-1.2", "IA-32", "PDP-11"])
def test_versions_and_machines_are_no_tickets(text: str) -> None:
    assert handles(text) == []


def test_a_ticket_may_end_a_sentence() -> None:
    assert handles("See HAR-7. HAR-8.") == ["linear:har-7", "linear:har-8"]


@pytest.mark.parametrize("piece", ["[#1](https://", "[#1", "[#1](", "[#1](https://x) ", "[" + "a" * 299])
def test_hostile_links_cost_little(piece: str) -> None:
    started = time.process_time()
    handles(piece * (1_000_000 // len(piece)))
    assert time.process_time() - started < 10
