"""What is shown of nights, from values: texts of sources stay text, and any names and vectors can be drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from neural_memory_pipelines.defs.consolidation_metadata import summaries_metadata
from neural_memory_pipelines.defs.map_picture import topic_map
from neural_memory_pipelines.defs.profiles_metadata import drift_plot
from neural_memory_pipelines.domain.ids import ClusterId, EntityId, ObservationId, SummaryId
from neural_memory_pipelines.domain.summaries.coverage import Coverage
from neural_memory_pipelines.steps.consolidation.summarize import Cited, SummariesReport, Written
from neural_memory_pipelines.stores.postgres.profiles import DriftPoint
from neural_memory_pipelines.stores.postgres.topics import MapPoint
from tests.defs.pictures import picture_in

_NAMES = ["$x$ $", r"pay $\frac{ now$ or \$", "cash $5 or $10", "日本語 🙂 \u202e", "", "a\nb" * 50, "<b>[x](y)</b>"]
_WRITTEN = Written(
    SummaryId("sum_1"),
    "moorings",
    "On 2 March 2026: We moor in the north. [1]",
    (Cited(ObservationId("obs_1"), "https://tracker.example/1"),),
    Coverage(4, 1, {"github": 4}, {"issue": 4}, {"[x](y)": 2}, {"2026-03": 4, "2026-04": 0}),
    is_new=True,
)


def _shown(written: Written) -> str:
    return str(summaries_metadata(SummariesReport(seen=1, written=1, written_now=[written]))["written_now"].value)


def test_a_summary_is_shown_in_full_with_links_to_what_it_cites() -> None:
    assert _shown(_WRITTEN) == (
        "**moorings** (new, `sum_1`)\n\n"
        r"On 2 March 2026: We moor in the north. \[1\]"
        "\n\n"
        r"Covers 4 observations, 25% of them cited; sources: github 4; types: issue 4; "
        r"labels: \[x\](y) 2; months: 2026-03 4."
        "\n\n- [1] [`obs_1`](https://tracker.example/1)"
    )
    assert "(rewritten, `sum_1`)" in _shown(replace(_WRITTEN, is_new=False))
    assert "written_now" not in summaries_metadata(SummariesReport(seen=3, unchanged=3))


def test_summaries_that_are_not_there_are_not_counted() -> None:
    shown = summaries_metadata(SummariesReport(seen=3, skipped=1, written=2, unsupported=4))
    assert (shown["dagster/row_count"], shown["unsupported_sentences"], shown["seen"]) == (2, 4, 3)


@pytest.mark.parametrize(
    "said",
    [
        "[click](https://evil.example)",
        "![pixel](https://evil.example/p.png)",
        "<script>alert(1)</script>",
        "`code` ~~gone~~ **loud** __loud__ # head | cell",
        r"\[escaped](https://evil.example) \\[twice](https://evil.example)",
        "&lt;b&gt; &amp;",
        "{{template}} <!-- hidden -->",
    ],
)
def test_markup_of_sources_is_shown_as_text(said: str) -> None:
    shown = _shown(replace(_WRITTEN, title=said, text=said, evidence=()))
    title, text = re.fullmatch(r"\*\*(.*)\*\* \(new, `sum_1`\)\n\n(.*)\n\nCovers .*\n\n", shown, re.DOTALL).groups()  # type: ignore[union-attr]  # no match is a failure
    for spelled in (title, text):
        assert re.sub(r"\\(.)", r"\1", spelled) == said, "nothing is lost"
        assert not re.search(r"[`*_\[\]<>#|!~&{}]", re.sub(r"\\.", "", spelled)), "and no sign stands for itself"


@pytest.mark.parametrize(
    "url", [None, "", "javascript:alert(1)", "https://a.example/) [x](https://b.example", "https://a.example\n\n# x", "ftp://x"]
)  # fmt: skip
def test_only_addresses_on_the_web_become_links(url: str | None) -> None:
    shown = _shown(replace(_WRITTEN, evidence=(Cited(ObservationId("obs_1"), url),)))
    assert shown.endswith("\n\n- [1] `obs_1`")


def _points(*sizes: int, spread: float = 0.1) -> list[MapPoint]:
    random = np.random.default_rng(3)
    return [
        MapPoint(
            ObservationId(f"obs_{topic}_{number}"),
            ClusterId(f"clu_{topic}"),
            (np.eye(64)[topic] + spread * random.standard_normal(64)).astype(np.float32),
        )
        for topic, size in enumerate(sizes)
        for number in range(size)
    ]


def _map(points: Sequence[MapPoint], *labels: str) -> str:
    return topic_map(points, {ClusterId(f"clu_{topic}"): label for topic, label in enumerate(labels)})


@pytest.mark.parametrize(("sizes", "spread"), [((3,), 0.1), ((5, 6), 0.1), ((12,), 0.0), ((4,) * 30, 0.1)])
def test_a_map_is_drawn_of_few_of_many_and_of_what_is_all_the_same(sizes: Sequence[int], spread: float) -> None:
    points = _points(*sizes, spread=spread)
    labels = [f"topic {number}" for number in range(len(sizes))]
    picture = picture_in(_map(points, *labels))
    assert picture.alternative == "observations by topic"
    assert min(picture.width, picture.height) > 300
    assert picture.colors > 10 + min(len(sizes), 20)


def test_the_same_points_give_the_same_map() -> None:
    assert _map(_points(20, 10), "one", "two") == _map(_points(20, 10), "one", "two")


def test_a_topic_of_which_nothing_is_drawn_is_not_labelled() -> None:
    picture = _map(_points(6, 6), "one", "two", "three")
    assert picture == _map(_points(6, 6), "one", "two")


def test_any_names_can_be_drawn() -> None:
    assert picture_in(_map(_points(*(2 for _ in _NAMES)), *_NAMES)).colors > 20
    start = datetime(2026, 11, 22, tzinfo=UTC)
    drifts = [
        DriftPoint(EntityId(f"ent_{number}"), name, start + timedelta(days=day), 0.1 * day, 4)
        for number, name in enumerate(_NAMES)
        for day in range(number % 3 + 1)  # some have one point alone
    ]
    picture = picture_in(drift_plot(drifts, flagged_above=0.25))
    assert (picture.alternative, picture.colors > 20) == ("drift of profiles over time", True)
