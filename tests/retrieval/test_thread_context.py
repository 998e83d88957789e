"""Short replies are found through the threads that they stand in, and no other way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId, document_id
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import InputRole
from neural_memory_pipelines.retrieval.answers import Mode
from neural_memory_pipelines.retrieval.thread_context import (
    MOST_TOKENS,
    ReplyInThread,
    blended,
    replies_in_threads,
)
from neural_memory_pipelines.steps.inbox import put_lines
from neural_memory_pipelines.stores.postgres.live_vectors import nearest_chunks
from neural_memory_pipelines.stores.postgres.threads import parents_of, short_replies
from tests.steps.asking import ask
from tests.steps.pipeline import run_path
from tests.steps.samples import envelope, issue

QUESTION = "On which day do we drain the old boiler and switch the greenhouse over to district heating?"
PROPOSAL = (
    "The greenhouse still hangs on the old boiler. District heating is laid up to the wall. I propose that we drain "
    "the boiler, switch the greenhouse over to district heating, and keep the burner for a month in case of frost."
)
YES = "Yes, let's do that, Thursday."
CHATTER = [
    "Which day is the old boiler's switch to be oiled? Ours is on the list.",
    "We switch over on the old days of the week, as we do in every house.",
    "The old house has a boiler and a switch, on which we hang our coats.",
    "On which day do we sweep? I do it on the day of the old market.",
    "Do we drain the old pond on a Monday? It is over the brim, which is bad.",
    "Over at ours the old heating is on all day, and we do not mind.",
]


def _issue(number: int, title: str, body: str) -> Any:
    return {**issue(number, body=body), "title": title}


def _comment(comment: int, words: str, *, on: Any) -> Any:
    at = f"2026-03-02T10:{comment % 60:02}:00Z"
    return {
        "action": "created",
        "repository": {"full_name": "acme/shop"},
        "issue": on,
        "comment": {
            "id": comment,
            "body": words,
            "html_url": f"{on['html_url']}#issuecomment-{comment}",
            "issue_url": on["url"],
            "user": {"login": "ben", "id": 8, "type": "User"},
            "created_at": at,
            "updated_at": at,
        },
    }


class _House:
    """A workspace with a thread about heating, and another that chats in the words of the question."""

    def __init__(self, session: Session, workspace: WorkspaceId) -> None:
        self.session, self.workspace = session, workspace
        works, odds = _issue(1, "Works in spring", PROPOSAL), _issue(2, "Odds and ends", "What belongs nowhere else.")
        comments = [_comment(11, YES, on=works), _comment(12, f"{PROPOSAL} " * 3, on=works)]
        comments += [_comment(21 + number, words, on=odds) for number, words in enumerate(CHATTER)]
        payloads = [("issues.edited", works), ("issues.edited", odds)]
        payloads += [("issue_comment.created", comment) for comment in comments]
        lines = [
            envelope(workspace, key=f"{n}", action=action, payload=payload)
            for n, (action, payload) in enumerate(payloads)
        ]
        put_lines(session.stores.objects, workspace, lines)
        run_path(session, workspace)
        self.version = session.active_version(workspace)
        self.embedder = session.embedder(self.version)

    def document(self, source_id: str) -> str:
        return document_id(self.workspace, "github", f"acme/shop#{source_id}")

    def scores(self) -> dict[str, float]:
        hits = ask(self.session, self.workspace, QUESTION, mode=Mode.DENSE, limit=50)
        return {hit.document_id: hit.score for hit in hits}

    def replies(self, scores: dict[str, float], *, include_private: bool = False) -> list[ReplyInThread]:
        with self.session.stores.database.transaction(self.workspace) as tx:
            return replies_in_threads(tx, scores, include_private=include_private)

    def execute(self, query: str, **values: Any) -> None:
        with self.session.stores.database.transaction(self.workspace) as tx:
            tx.connection.execute(text(query), values)


@pytest.fixture
def house(session: Session, workspace: WorkspaceId) -> _House:
    return _House(session, workspace)


def test_a_short_reply_is_found_through_its_thread_alone(house: _House) -> None:
    reply, own = house.document("1/comment/11"), house.scores()
    ranked = sorted(own, key=lambda document: -own[document])
    assert ranked.index(reply) >= 6  # by its own words it comes behind all the chatter

    placed = {item.reply.document_id: item for item in house.replies(own)}
    mixed = dict(own)
    for document, item in placed.items():
        mixed[document] = blended(own[document], item.thread_score, share=0.5)
    ranked = sorted(mixed, key=lambda document: -mixed[document])
    assert ranked.index(reply) < 3
    assert ranked.index(reply) > ranked.index(house.document("1"))
    assert placed[reply].thread_score == own[ranked[0]]


def test_a_reply_that_no_search_returned_is_scored_by_its_own_vector(house: _House) -> None:
    own = house.scores()
    reply = house.document("1/comment/11")
    (placed,) = house.replies({house.document("1"): own[house.document("1")]})
    assert placed.reply.document_id == reply
    question = house.embedder.embed([QUESTION], role=InputRole.SEARCH_QUERY)[0]
    with house.session.stores.database.transaction(house.workspace) as tx:
        nearest = nearest_chunks(tx, house.version, question, [placed.reply.document_id])
    cosines = {chunk.chunk_id: chunk.score for chunk in nearest.values()}
    assert cosines == {placed.reply.chunk_id: pytest.approx(own[reply], abs=1e-3)}


def test_a_strong_comment_lends_to_its_neighbours(house: _House) -> None:
    strong = house.document("1/comment/12")
    (placed,) = house.replies({strong: 0.8})
    assert placed.reply.document_id == house.document("1/comment/11")
    assert placed.reply.parent_document_id == house.document("1")
    assert placed.thread_score == 0.8


def test_a_reply_lends_nothing_to_itself(house: _House) -> None:
    assert house.replies({house.document("1/comment/11"): 0.9}) == []
    (placed,) = house.replies({house.document("1/comment/11"): 0.9, house.document("1"): 0.2})
    assert placed.thread_score == 0.2


def test_what_is_long_speaks_for_itself(house: _House) -> None:
    with house.session.stores.database.transaction(house.workspace) as tx:
        found = short_replies(tx, [house.document("1")], most_tokens=MOST_TOKENS, per_thread=20, include_private=False)
        every = short_replies(tx, [house.document("1")], most_tokens=9_999, per_thread=20, include_private=False)
        latest = short_replies(tx, [house.document("2")], most_tokens=9_999, per_thread=2, include_private=False)
    assert [reply.document_id for reply in found] == [house.document("1/comment/11")]
    assert 0 < found[0].tokens <= MOST_TOKENS
    assert house.document("1/comment/12") not in {reply.document_id for reply in found}
    assert {reply.document_id for reply in every} >= {house.document("1/comment/11")}
    assert [reply.document_id for reply in latest] == [house.document("2/comment/25"), house.document("2/comment/26")]


@pytest.mark.parametrize("whose", ["1/comment/11", "1"], ids=["the reply", "the thread"])
def test_what_is_private_or_deleted_is_no_context(whose: str, house: _House) -> None:
    scores, hidden = {house.document("1"): 0.9}, house.document(whose)
    house.execute("UPDATE knowledge_documents SET privacy = 'private' WHERE document_id = :id", id=hidden)
    assert house.replies(scores) == []
    assert len(house.replies(scores, include_private=True)) == 1
    house.execute("UPDATE knowledge_documents SET deleted_at = now() WHERE document_id = :id", id=hidden)
    assert house.replies(scores, include_private=True) == []


def test_comments_have_parents_and_issues_have_none(house: _House) -> None:
    asked = [house.document(name) for name in ("1/comment/11", "2/comment/21", "1")]
    with house.session.stores.database.transaction(house.workspace) as tx:
        parents = parents_of(tx, asked, include_private=False)
    assert parents == {asked[0]: house.document("1"), asked[1]: house.document("2")}


def test_no_documents_have_no_replies(house: _House) -> None:
    assert house.replies({}) == []


@pytest.mark.parametrize(("own", "thread", "mixed"), [(0.2, 0.8, 0.5), (0.8, 0.2, 0.8), (-1.0, 1.0, 0.0)])
def test_a_thread_gives_half_and_takes_nothing(own: float, thread: float, mixed: float) -> None:
    assert blended(own, thread, share=0.5) == pytest.approx(mixed)
    assert blended(own, thread, share=0.0) == own
