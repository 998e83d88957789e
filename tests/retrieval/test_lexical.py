"""Search by words is BM25, however Postgres computes it, over what is live and may be read."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import WorkspaceId, hash_text
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres.bulk import insert_rows
from neural_memory_pipelines.stores.postgres.engine import Transaction
from neural_memory_pipelines.stores.postgres.lexical import Words, nearest_by_words, word_scores, words_of
from neural_memory_pipelines.stores.postgres.tables import knowledge_chunks
from neural_memory_pipelines.stores.postgres.word_counts import count_words, word_counts
from tests.retrieval.test_identified import day, put

# Words that the English stemmer leaves as they are, from common to rare.
_VOCABULARY = ["dock", "ship", "mast", "keel", "rope", "sail", "hull", "oar", "buoy", "reef", "tug", "barg"]
_QUESTIONS = ["dock", "reef", "dock reef", "tug barg mast", "ship ship keel rope hull", "dock ship mast keel rope sail"]

Texts = dict[str, list[list[str]]]
"""Chunks by document, each as its words."""


def write_chunks(tx: Transaction, texts: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """Write the chunks of documents, each word a token."""
    rows = [
        {
            "chunk_id": f"{tx.workspace_id} {document} {number}",
            "document_id": f"{tx.workspace_id} {document}",
            "chunk_index": number,
            "text": " ".join(words),
            "token_count": len(words),
            "section_label": "",
            "chunk_hash": hash_text(f"{document} {number} {' '.join(words)}"),
            "keywords": [],
            "embedding_model": "none",
            "embedding_version": "none",
            "occurred_at": day(1),
        }
        for document, chunks in texts.items()
        for number, words in enumerate(chunks)
    ]
    insert_rows(tx, knowledge_chunks, rows, on_conflict="DO NOTHING")


def write(tx: Transaction, texts: Mapping[str, Sequence[Sequence[str]]], **fields: Any) -> None:
    """Write documents and their chunks."""
    for document in texts:
        put(tx, "docs", document, **fields)
    write_chunks(tx, texts)


def made_up(documents: int = 60) -> Texts:
    """Make texts up, the first words of the vocabulary being the most frequent."""
    chance = random.Random(7)
    weights = [1 / (rank + 1) ** 1.5 for rank in range(len(_VOCABULARY))]
    return {
        f"d{number:02}": [
            chance.choices(_VOCABULARY, weights, k=chance.randint(3, 60)) for _ in range(chance.choice([1, 1, 2, 5]))
        ]
        for number in range(documents)
    }


@dataclass(frozen=True)
class _Bm25:
    """The same in plain Python: Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75."""

    texts: Texts

    def score(self, document: str, question: str) -> float:
        chunks = self.texts[document]
        whole = [word for chunk in chunks for word in chunk]
        return self._of(whole, question, self._mean_document) + max(
            self._of(chunk, question, self._mean_chunk) for chunk in chunks
        )

    @property
    def _chunks(self) -> list[list[str]]:
        return [chunk for chunks in self.texts.values() for chunk in chunks]

    @property
    def _mean_chunk(self) -> float:
        return sum(map(len, self._chunks)) / len(self._chunks)

    @property
    def _mean_document(self) -> float:
        return sum(map(len, self._chunks)) / len(self.texts)

    def _of(self, words: Sequence[str], question: str, mean: float) -> float:
        frequencies = Counter(words)
        length = 1 - 0.75 + 0.75 * len(words) / mean
        return sum(
            self._idf(word) * frequencies[word] * 2.2 / (frequencies[word] + 1.2 * length)
            for word in set(question.split())
        )

    def _idf(self, word: str) -> float:
        held_by = max(sum(word in chunk for chunk in self._chunks), 1)
        return math.log(1 + (len(self._chunks) - held_by + 0.5) / (held_by + 0.5))


def ranked(
    stores: Stores, workspace: WorkspaceId, question: str, *, condition: str = "TRUE", limit: int = 100, **values: Any
) -> dict[str, float]:
    """Ask for the documents that hold the words, and for their scores: by name, best first."""
    with stores.database.transaction(workspace) as tx:
        words = words_of(tx, question)
        found = nearest_by_words(tx, words, condition=condition, values=values, limit=limit)
        hits = word_scores(tx, words, found).values()
    ordered = sorted(hits, key=lambda hit: (-hit.score, hit.document_id))
    return {hit.document_id.partition(" ")[2]: hit.score for hit in ordered}


@pytest.fixture
def texts(stores: Stores, workspace: WorkspaceId) -> Texts:
    texts = made_up()
    with stores.database.transaction(workspace) as tx:
        write(tx, texts)
        assert count_words(tx)
    return texts


@pytest.mark.parametrize("question", _QUESTIONS)
def test_postgres_scores_as_plain_bm25_does(
    stores: Stores, workspace: WorkspaceId, texts: Texts, question: str
) -> None:
    bm25 = _Bm25(texts)
    expected = {document: bm25.score(document, question) for document in texts}
    found = ranked(stores, workspace, question)
    assert found == pytest.approx({document: score for document, score in expected.items() if score > 0}, rel=0.05)
    assert list(found) == sorted(found, key=lambda document: (-found[document], document))
    best = sorted(expected, key=lambda document: -expected[document])[:5]
    assert all(expected[document] > 0.95 * expected[best[-1]] for document in list(found)[:5] if expected[best[-1]])


@pytest.mark.parametrize("times", [1, 2, 3, 7, 40, 200])
def test_frequencies_are_read_from_ranks_within_a_twentieth(stores: Stores, workspace: WorkspaceId, times: int) -> None:
    texts: Texts = {"often": [["reef"] * times + ["dock"]], "never": [["dock"] * (times + 1)]}
    with stores.database.transaction(workspace) as tx:
        write(tx, texts)
        count_words(tx)
    assert ranked(stores, workspace, "reef") == pytest.approx({"often": _Bm25(texts).score("often", "reef")}, rel=0.05)


def test_documents_that_others_found_get_the_same_scores_and_their_best_chunk(
    stores: Stores, workspace: WorkspaceId, texts: Texts
) -> None:
    by_words = ranked(stores, workspace, "mast keel")
    asked = [f"{workspace} {document}" for document in texts]
    with stores.database.transaction(workspace) as tx:
        hits = word_scores(tx, words_of(tx, "mast keel"), [*asked, "no such document"])
    assert {key.partition(" ")[2]: hit.score for key, hit in hits.items()} == pytest.approx(by_words)
    for hit in hits.values():
        _, document, number = hit.chunk_id.split()
        assert {"mast", "keel"} & set(texts[document][int(number)])
        assert hit.document_id == f"{workspace} {document}"


def test_the_chunk_that_says_the_words_together_speaks_for_its_document(stores: Stores, workspace: WorkspaceId) -> None:
    filler = ["dock"] * 8
    texts = {"d": [["mast", *filler], ["mast", "keel", *filler], ["keel", *filler]], "e": [filler], "f": [filler]}
    with stores.database.transaction(workspace) as tx:
        write(tx, texts)
        count_words(tx)
        (hit,) = word_scores(tx, words_of(tx, "mast keel"), [f"{workspace} d"]).values()
    assert hit.chunk_id == f"{workspace} d 1"


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n\t",
        "the of and it is",
        "?!.,;:",
        "'",
        "\\",
        "it's",
    ],
)
def test_a_question_without_words_finds_nothing(
    stores: Stores, workspace: WorkspaceId, texts: Texts, question: str
) -> None:
    with stores.database.transaction(workspace) as tx:
        words = words_of(tx, question)
        assert not words
        assert word_scores(tx, words, [f"{workspace} d00"]) == {}
    assert ranked(stores, workspace, question) == {}


@pytest.mark.parametrize(
    "question",
    [
        "reef'",
        "'reef' \"reef\"",
        "\\reef\\ \\' \\\\",
        "reef & | ! <-> ( :* ')",
        "reef'; DROP TABLE knowledge_chunks; --",
        "reef %s %(limit)s {tf} :limit :t0 $1",
        "reef " + "'\\" * 2_000,
        "reef " + "x" * 3_000,
        "REEF reefs",
        "reef \U0001f389 \U0001f1f3\U0001f1f1 \u200d \ufeff",
        "c:\\reef\\reef.txt reef",
        "http://reef.example/a'b?c=\\d reef",
        "reef " + " ".join(f"rare{n}" for n in range(5)),
    ],
)
def test_hostile_words_are_words(stores: Stores, workspace: WorkspaceId, texts: Texts, question: str) -> None:
    found = ranked(stores, workspace, question)
    assert found.keys() >= {document for document, chunks in texts.items() if any("reef" in words for words in chunks)}


def test_a_word_with_quotes_and_backslashes_is_found_by_itself(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {"d": [["see", "/tmp/o'brien", "and", "\\\\host\\share"]], "e": [["dock"]]})
        lexemes = [
            row[0]
            for row in tx.connection.execute(
                text("SELECT unnest(tsvector_to_array(search)) FROM knowledge_chunks WHERE text LIKE '%brien%'")
            )
        ]
    assert lexemes
    for lexeme in lexemes:
        assert "d" in ranked(stores, workspace, lexeme)


@pytest.mark.parametrize("lexeme", ["\\", "a\\", "'", "a'", "\\'", "' | 'reef", "a' & !'b", "reef:*", "\u00e9'\\"])
def test_words_are_quoted_whatever_a_parser_makes_of_a_text(
    stores: Stores, workspace: WorkspaceId, texts: Texts, lexeme: str
) -> None:
    words = Words({lexeme: 1.0}, (lexeme,), 1.0, 1.0)
    with stores.database.transaction(workspace) as tx:
        assert nearest_by_words(tx, words, condition="TRUE", values={}, limit=9) == []
        assert word_scores(tx, words, [f"{workspace} d00"]) == {}


def test_of_a_long_question_the_rarest_words_are_asked_for(
    stores: Stores, workspace: WorkspaceId, texts: Texts
) -> None:
    common = " ".join(["dock", "ship"] * 900)
    rare = " ".join(f"unheard{letter}{other}" for letter in "abcdef" for other in "abcdef")
    question = f"{common} reef {rare}"
    assert len(question) < 10_000
    with stores.database.transaction(workspace) as tx:
        words = words_of(tx, question)
        beyond = words_of(tx, "dock " * 2_000 + "reef")
    assert len(words.weights) == 32
    assert not {"dock", "ship"} & words.weights.keys()
    assert list(words.weights.values()) == sorted(words.weights.values(), reverse=True)
    assert list(beyond.weights) == ["dock"]


def test_documents_of_common_words_alone_are_not_looked_at_where_there_are_many(
    stores: Stores, workspace: WorkspaceId
) -> None:
    texts: Texts = {"rare": [["dock", "reef"]], "common": [["dock", "ship"]] * 2_100}
    with stores.database.transaction(workspace) as tx:
        write(tx, texts)
        count_words(tx)
        words, alone = words_of(tx, "dock reef"), words_of(tx, "dock")
    assert words.telling == ("reef",)
    assert set(words.weights) == {"reef", "dock"}
    assert list(ranked(stores, workspace, "dock reef")) == ["rare"]
    assert alone.telling == ("dock",)
    assert set(ranked(stores, workspace, "dock")) == {"rare", "common"}


def test_no_more_come_back_than_asked_for_and_equals_by_id(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {f"d{number}": [["reef", "dock"]] for number in (3, 1, 2, 4)})
    assert list(ranked(stores, workspace, "reef", limit=3)) == ["d1", "d2", "d3"]


def test_filters_hold(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {"old": [["reef"]]}, occurred_at=day(1))
        write(tx, {"new": [["reef"]]}, occurred_at=day(9))
        write(tx, {"closed": [["reef"]]}, privacy="private", occurred_at=day(9))
    assert set(ranked(stores, workspace, "reef")) == {"old", "new", "closed"}
    assert set(ranked(stores, workspace, "reef", condition="d.privacy = 'org'")) == {"old", "new"}
    after = "d.privacy = 'org' AND d.occurred_at >= :filter_after_at"
    assert set(ranked(stores, workspace, "reef", condition=after, filter_after_at=day(5))) == {"new"}


def test_what_was_deleted_or_superseded_is_not_found(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {"gone": [["reef"]]}, deleted_at=day(2))
        write(tx, {"changed": [["reef", "dock"], ["ship"]], "kept": [["reef"]]})
        query = "UPDATE knowledge_chunks SET superseded_at = now() WHERE chunk_id = :id"
        tx.connection.execute(text(query), {"id": f"{workspace} changed 0"})
        hits = word_scores(tx, words_of(tx, "reef ship"), [f"{workspace} changed"])
    assert set(ranked(stores, workspace, "reef")) == {"kept"}
    assert set(ranked(stores, workspace, "ship")) == {"changed"}
    assert [hit.chunk_id for hit in hits.values()] == [f"{workspace} changed 1"]


def test_another_workspace_has_words_and_counts_of_its_own(
    stores: Stores, workspace: WorkspaceId, texts: Texts
) -> None:
    other = WorkspaceId(f"{workspace}-other")
    before = ranked(stores, workspace, "reef dock")
    with stores.database.transaction(other) as tx:
        write(tx, {"theirs": [["reef"] * 9]})
        assert count_words(tx)
        assert word_counts(tx, ["reef"]).chunks == 1
        assert word_scores(tx, words_of(tx, "reef"), [f"{workspace} d00", f"{workspace} d01"]) == {}
    assert ranked(stores, workspace, "reef dock") == before
    assert list(ranked(stores, other, "reef")) == ["theirs"]


def test_words_are_counted_by_chunks(stores: Stores, workspace: WorkspaceId, texts: Texts) -> None:
    chunks = [words for document in texts.values() for words in document]
    with stores.database.transaction(workspace) as tx:
        counts = word_counts(tx, [*_VOCABULARY, "unheard"])
    assert (counts.chunks, counts.documents, counts.tokens) == (len(chunks), len(texts), sum(map(len, chunks)))
    held_by = {word: sum(word in words for words in chunks) for word in _VOCABULARY}
    assert counts.held_by == {word: number for word, number in held_by.items() if number > 1}


def test_a_word_of_one_chunk_needs_no_count(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {"d": [["reef", "dock", "dock"], ["dock"]], "e": [["ship"]]})
        count_words(tx)
        assert word_counts(tx, ["reef", "dock", "ship"]).held_by == {"dock": 2}
        weights = words_of(tx, "reef dock unheard").weights
    assert weights["reef"] == weights["unheard"] == pytest.approx(math.log(1 + 2.5 / 1.5))
    assert weights["dock"] == pytest.approx(math.log(1 + 1.5 / 2.5))


def test_words_are_counted_again_beyond_a_tenth(stores: Stores, workspace: WorkspaceId) -> None:
    def add(*names: str) -> bool:
        with stores.database.transaction(workspace) as tx:
            write(tx, {name: [["reef"]] for name in names})
            return count_words(tx)

    assert add(*(f"d{number}" for number in range(20)))
    assert not add()
    assert not add("e1", "e2")
    with stores.database.transaction(workspace) as tx:
        assert word_counts(tx, ["reef"]).held_by == {"reef": 20}
    assert add("e3")
    with stores.database.transaction(workspace) as tx:
        assert word_counts(tx, ["reef"]).held_by == {"reef": 23}
        gone = "UPDATE knowledge_chunks SET superseded_at = now() WHERE document_id LIKE '%% d%%' RETURNING 1"
        assert len(tx.connection.execute(text(gone)).all()) == 20
        assert count_words(tx)
        assert word_counts(tx, ["reef"]).chunks == 3


def test_a_workspace_that_was_never_counted_is_searched_all_the_same(stores: Stores, workspace: WorkspaceId) -> None:
    with stores.database.transaction(workspace) as tx:
        write(tx, {"both": [["reef", "dock"]], "one": [["dock", "ship"]], "none": [["ship"]]})
        words = words_of(tx, "reef dock")
        assert word_counts(tx, ["reef"]).mean_chunk_tokens == 0
    assert set(words.weights.values()) == {1.0}
    assert list(ranked(stores, workspace, "reef dock")) == ["both", "one"]


def test_an_empty_workspace_is_counted_and_has_no_answer(stores: Stores, workspace: WorkspaceId) -> None:
    assert ranked(stores, workspace, "reef") == {}
    with stores.database.transaction(workspace) as tx:
        assert count_words(tx)
        assert not count_words(tx)
    assert ranked(stores, workspace, "reef") == {}
