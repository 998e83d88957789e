"""A question is answered by meaning, by words, or by all that is known, and the answer says how it came about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval import search
from neural_memory_pipelines.retrieval.answers import Answer, Mode
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.receive import receive_events
from tests.retrieval.searched import BOILER, TOPICS, YES, World, page, short_names, without_times
from tests.steps.doubles import RefusingEmbedder, SpyEmbedder

_QUESTIONS = (
    "Which rule tells the ferries crew what to check on round 3?",
    "who empties the carts of guests at night",
    "#1",
    "source:docs storms of the jetties",
    "ben and cleo at the till",
)
_SIGNALS = {"thread", "graph", "profile", "recency", "importance", "identifier", "summary"}
_TERMS = {
    Mode.DENSE: {"vector"},
    Mode.LEXICAL: {"words"},
    Mode.HYBRID: {"vector", "words", *_SIGNALS},
}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("question", _QUESTIONS)
def test_a_score_is_the_sum_of_its_terms_and_the_best_stands_first(world: World, question: str, mode: Mode) -> None:
    answer = world.answer(question, mode=mode)
    assert answer.mode == ("identifiers" if question == "#1" and mode is Mode.HYBRID else mode)
    assert answer.embedding_version == world.version.name
    for hit in answer.hits:
        assert hit.score == pytest.approx(sum(term.points for term in hit.terms))
        assert all(term.points == pytest.approx(term.value * term.weight) for term in hit.terms)
        names = [term.name for term in hit.terms]
        assert len(names) == len(set(names))
        assert set(names) <= _TERMS[mode]
    assert [hit.score for hit in answer.hits] == sorted((hit.score for hit in answer.hits), reverse=True)
    found = [hit.document_id or hit.id for hit in answer.hits]
    assert len(found) == len(set(found)), "each document once"


@pytest.mark.parametrize("mode", Mode)
def test_the_page_that_says_so_is_found_by_every_way(world: World, mode: Mode) -> None:
    (first, *_) = world.hits(_QUESTIONS[0], mode=mode)
    assert (first.source, first.source_id, first.title) == ("docs", "handbook/ferries.md", "Handbook of the ferries")
    assert (first.kind, first.privacy) == ("chunk", "org")
    assert "Ferries rule 3 tells" in first.text
    assert first.occurred_at.tzinfo is not None


def test_words_alone_need_no_model_and_find_nothing_without_them(world: World) -> None:
    refusing = RefusingEmbedder(world.embedder)
    assert set(world.names("greenhouse boiler", mode=Mode.LEXICAL, embedder=refusing)) == {"#3"}
    assert world.names("unheardof wordz", mode=Mode.LEXICAL, embedder=refusing) == []


def test_meaning_finds_what_shares_no_word(world: World) -> None:
    question = "jettiesque ferriesome"  # no words of the pages, but their letters
    assert world.names(question, mode=Mode.LEXICAL) == []
    assert {"jetties.md", "ferries.md"} & set(world.names(question, mode=Mode.DENSE, limit=2))
    assert {"jetties.md", "ferries.md"} & set(world.names(question, limit=2))


def test_the_statement_itself_is_shown_where_it_is_nearest(world: World) -> None:
    (first, *_) = world.hits("We check all jetties twice a week, as storms broke some.", mode=Mode.DENSE)
    assert (first.kind, first.text) == ("observation", "We check all jetties twice a week, as storms broke some.")
    assert first.source_id == "handbook/jetties.md"


def test_a_short_reply_is_lifted_by_its_thread(world: World) -> None:
    hits = {hit.source_id: hit for hit in world.hits(f"{BOILER} On which day?")}
    reply = hits["acme/shop#3/comment/31"]
    assert YES in reply.text
    (thread,) = (term for term in reply.terms if term.name == "thread")
    assert thread.points > 0
    assert list(hits)[:2] == ["acme/shop#3", "acme/shop#3/comment/31"]
    own = next(term.value for term in reply.terms if term.name == "vector")
    assert own < 0, "by itself it is far from the question"
    assert "thread" not in {term.name for term in hits["acme/shop#3"].terms}


def test_a_summary_is_found_with_what_it_cites_and_weighs_less(world: World) -> None:
    hits = world.hits("storms twice a week: sentence 1 says so, sentence 2", limit=20)
    (summary,) = (hit for hit in hits if not hit.document_id)
    assert (summary.kind, summary.source, summary.source_id) == ("summary", "memory", summary.id)
    assert (summary.title, summary.privacy) == ("Storms", "org")
    query = "SELECT observation_id FROM memory_observations WHERE text LIKE 'We check all%'"
    cited = {key for (key,) in world.sql(query)}
    assert set(summary.evidence) == cited
    assert len(cited) == len(TOPICS)
    (term,) = (term for term in summary.terms if term.name == "summary")
    assert term.points < 0
    assert {hit.evidence for hit in world.hits(_QUESTIONS[0]) if hit.kind != "summary"} == {()}


@pytest.mark.parametrize("few", [200, -1], ids=["few", "many"])
@pytest.mark.parametrize("narrowed", ["source:docs", "after:2020", '"storms"'])
def test_a_summary_is_no_answer_within_filters(
    world: World, narrowed: str, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_FEW_DOCUMENTS", few)
    question = "twice a week: sentence 1 says so, sentence 2 of the storms"
    assert "summary" in {hit.kind for hit in world.hits(question, limit=20)}
    assert "summary" not in {hit.kind for hit in world.hits(f"{question} {narrowed}", limit=20)}


def test_stages_are_timed(world: World) -> None:
    def stages(question: str, mode: Mode = Mode.HYBRID) -> set[str]:
        answer = world.answer(question, mode=mode)
        assert all(ms >= 0 for ms in answer.latency_ms.values())
        assert answer.latency_ms["total"] >= answer.latency_ms["hydrate"]
        return set(answer.latency_ms)

    ends = {"understand", "hydrate", "total"}
    assert stages("carts") == {*ends, "model", "vectors", "words", "score"}
    assert stages("carts source:docs") == {*ends, "filter", "model", "vectors", "words", "score"}
    assert stages("carts", Mode.LEXICAL) == {*ends, "words", "score"}
    assert stages("carts", Mode.DENSE) == {*ends, "model", "vectors", "score"}
    assert stages("#1") == {*ends, "names"}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_limit_cuts_and_reorders_nothing(world: World, limit: int, mode: Mode) -> None:
    every = world.hits("ferries crew of the till", limit=50, mode=mode)
    assert world.hits("ferries crew of the till", limit=limit, mode=mode) == every[:limit]
    assert len(every) > (3 if mode is not Mode.LEXICAL else 1)


@pytest.mark.parametrize(
    "question",
    [
        "\U0001f389",
        "?!",
        "the of and",
        "' \\ \" ''",
        "\x00 \ud800 till",
        "till " * 4_000,
        "x" * 12_000,
        "%s :limit {zero} $one",
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_odd_questions_are_answered(world: World, question: str, mode: Mode) -> None:
    answer = world.answer(question, mode=mode)
    assert answer.mode == mode
    if "till" in question:
        assert {"#2", "C0PIER"} & {name.partition("/")[0] for name in short_names(answer.hits)}
    if mode is Mode.LEXICAL and "till" not in question:
        assert answer.hits == ()


def test_a_question_is_embedded_as_far_as_the_model_reads(world: World) -> None:
    spy = SpyEmbedder(world.embedder, max_tokens=40)
    assert world.names("ferries crew " * 500, embedder=spy)[0] == "ferries.md"
    (embedded,) = spy.embedded
    assert embedded.startswith("ferries crew ferries crew")
    assert not embedded.endswith(("ferr", "cre", " "))


@pytest.mark.parametrize("question", _QUESTIONS)
def test_the_same_question_gets_the_same_answer(world: World, question: str) -> None:
    first = without_times(world.answer(question, limit=50))
    assert all(without_times(world.answer(question, limit=50)) == first for _ in range(2))


def test_many_may_ask_at_once(world: World) -> None:
    def ask(question: str) -> Answer:
        return without_times(world.answer(question))

    serial = [ask(question) for question in _QUESTIONS]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [question for _ in range(8) for question in _QUESTIONS]))
    assert [answers[at : at + 5] for at in range(0, 40, 5)] == [serial] * 8


@pytest.mark.parametrize("question", [*_QUESTIONS[:2], "#1", "till source:docs"])
@pytest.mark.parametrize("mode", Mode)
def test_a_workspace_that_is_empty_has_no_answer(
    session: Session, workspace: WorkspaceId, question: str, mode: Mode
) -> None:
    answer = World(session, workspace).answer(question, mode=mode, version=session.new_workspace_version)
    assert (answer.hits, answer.notes) == ((), ())


def test_what_is_not_embedded_yet_is_found_by_its_words_and_names(session: Session, workspace: WorkspaceId) -> None:
    world = World(session, workspace)
    world.tell([page(workspace, "anchors")])
    _persist_only(world, page(workspace, "cranes"))
    assert world.names("cranes rule 3") == ["cranes.md", "anchors.md"]
    assert world.names("cranes rule 3", mode=Mode.LEXICAL)[0] == "cranes.md"
    assert world.names("handbook:cranes.md") == ["cranes.md"]
    assert world.names("cranes rule 3", mode=Mode.DENSE) == ["anchors.md"]


def _persist_only(world: World, line: bytes) -> None:
    stores, version = world.session.stores, world.version
    put_lines(stores.objects, world.workspace, [line])
    receive_events(world.workspace, stores=stores, new_workspace_version=version, organization_id="org")
    persist_pending(world.workspace, stores=stores, version=version, load_embedder=lambda: world.embedder)
