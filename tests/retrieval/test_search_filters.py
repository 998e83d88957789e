"""Filters and phrases leave out what does not fulfil them, however they are given and however a search goes on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from neural_memory_pipelines.domain.query_filters import Filters
from neural_memory_pipelines.errors import NotFoundError, PermanentError
from neural_memory_pipelines.retrieval import search
from neural_memory_pipelines.retrieval.answers import Mode
from tests.retrieval.searched import BOILER, TOPICS, World

_QUESTION = "what is decided of storms, carts and the till"
_PAGES = {f"{topic}.md" for topic in TOPICS}
_FILTERS = [
    ("source:github", Filters(sources=("github",)), {"#1", "#2", "#3", "#3/comment/31"}),
    ("type:issue", Filters(types=("issue",)), {"#1", "#2", "#3"}),
    ("type:issue,doc", Filters(types=("issue", "doc")), {"#1", "#2", "#3", *_PAGES}),
    ("author:cleo", Filters(authors=("cleo",)), {"#2"}),
    ("author:@ada source:github", Filters(sources=("github",), authors=("@ada",)), {"#1", "#3"}),
    ("after:2026-03", Filters(after_at=datetime(2026, 3, 1, tzinfo=UTC)), None),
    ("before:2026-03-01", Filters(before_at=datetime(2026, 3, 1, tzinfo=UTC)), _PAGES),
    ("after:2027", Filters(after_at=datetime(2027, 1, 1, tzinfo=UTC)), set()),
]
_IDS = [spelled for spelled, _, _ in _FILTERS]


@pytest.fixture(params=["few", "many"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of narrowing a search: all that fulfils a filter is scored, or what is found is filtered."""
    if request.param == "many":
        monkeypatch.setattr(search, "_FEW_DOCUMENTS", -1)
    return str(request.param)


@pytest.mark.parametrize(("spelled", "filters", "expected"), _FILTERS, ids=_IDS)
def test_filters_in_the_text_and_beside_it_find_the_same(
    world: World, path: str, spelled: str, filters: Filters, expected: set[str] | None
) -> None:
    in_text = world.answer(f"{_QUESTION} {spelled}", limit=50)
    beside = world.answer(_QUESTION, filters=filters, limit=50)
    assert in_text.hits == beside.hits
    assert "filter" in in_text.latency_ms
    by_id = {hit.source_id.removeprefix("handbook/").removeprefix("acme/shop"): hit for hit in beside.hits}
    if expected is None:
        expected = {name for name in by_id if by_id[name].occurred_at >= datetime(2026, 3, 1, tzinfo=UTC)}
        assert len(expected) == 5
    assert set(by_id) == expected


@pytest.mark.parametrize("mode", [Mode.DENSE, Mode.LEXICAL])
def test_filters_hold_in_every_mode(world: World, path: str, mode: Mode) -> None:
    assert set(world.names(f"{_QUESTION} type:issue", mode=mode, limit=50)) <= {"#1", "#2", "#3"}
    assert world.names(f"{_QUESTION} type:issue", mode=mode, limit=50)
    assert set(world.names(f"{_QUESTION} source:slack", mode=mode, limit=50)) == {"C0PIER/1772445660.000100"}


def test_both_ways_score_words_and_meaning_alike(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(mode: Mode) -> dict[str, float]:
        hits = world.hits("which rule tells the ferries crew what to check type:doc", mode=mode, limit=50)
        return {hit.document_id: hit.score for hit in hits if hit.kind == "chunk"}

    few = [found(mode) for mode in (Mode.LEXICAL, Mode.DENSE)]
    monkeypatch.setattr(search, "_FEW_DOCUMENTS", -1)
    many = [found(mode) for mode in (Mode.LEXICAL, Mode.DENSE)]
    assert few[0] == pytest.approx(many[0])
    assert many[1]
    assert {key: few[1][key] for key in many[1]} == pytest.approx(many[1], abs=1e-3)


def test_filters_in_text_and_beside_it_add_up(world: World) -> None:
    filters = Filters(sources=("docs",), before_at=datetime(2026, 3, 1, tzinfo=UTC))
    found = world.names(f"{_QUESTION} source:github", filters=filters, limit=50)
    assert set(found) == _PAGES
    with pytest.raises(PermanentError, match="leave no day"):
        world.answer(f"{_QUESTION} after:2026-04", filters=filters)


def test_filters_in_what_nobody_wrote_as_a_query_are_words(world: World) -> None:
    assert set(world.names("source:github till", reads_filters=False, limit=50)) > {"#2", "ferries.md"}
    assert world.names('the till says "never printed so"', limit=50) == []
    assert "#2" in world.names('the till says "never printed so"', reads_filters=False)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("carts source:gitlab", PermanentError, "gitlab"),
        ("carts after:soon", PermanentError, "is no date"),
        ("carts author:nobody", NotFoundError, "nobody"),
    ],
)
def test_filters_that_mean_nothing_are_refused(world: World, text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        world.answer(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"northern pier"', {"C0PIER/1772445660.000100"}),
        ('"pier northern"', set()),
        ('"paid in coins"', {"C0PIER/1772445660.000100"}),
        ('"What to"', {*_PAGES}),
        ('"to what"', set()),
        ('"of the" receipts source:github', {"#2"}),
        ('"come out twice" receipts', {"#2"}),
        ('"storms broke" "ferries crew"', {"ferries.md"}),
        ("\u201cjetties crew\u201d", {"jetties.md"}),
        ('"nightly job" source:docs', set()),
        ("\"o'brien \\ '\"", set()),
    ],
)
def test_phrases_are_these_very_words_side_by_side(world: World, path: str, text: str, expected: set[str]) -> None:
    assert set(world.names(text, limit=50)) == expected


@pytest.mark.parametrize("phrase", ["is paid in", "twice a week, as storms", "the till of the northern"])
def test_words_that_say_nothing_may_stand_in_a_phrase(world: World, phrase: str) -> None:
    assert world.names(f'"{phrase}"')


def test_more_vectors_are_asked_for_until_filters_leave_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # The index knows nothing of authors: what is nearest is by another.
    monkeypatch.setattr(search, "_FEW_DOCUMENTS", -1)
    monkeypatch.setattr(search, "_VECTORS_PER_PLACE", 1)
    question = f"{BOILER} author:cleo"
    assert world.names(question, mode=Mode.DENSE, limit=1) == ["#2"]
    assert world.names(f"{BOILER} author:@ada", mode=Mode.DENSE, limit=2) == ["#3", "#1"]
    monkeypatch.setattr(search, "_MOST_VECTORS", 1)
    assert world.names(question, mode=Mode.DENSE, limit=1) == []


def test_filters_alone_list_what_fulfils_them(world: World) -> None:
    assert set(world.names("source:github", limit=50)) == {"#1", "#2", "#3", "#3/comment/31"}
