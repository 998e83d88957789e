"""What every vector index must pass. A subclass provides the fixture `connect`: it makes clients of one store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pytest

from neural_memory_pipelines.errors import ConfigurationError, NotFoundError, PermanentError
from neural_memory_pipelines.stores.vectors.protocol import METADATA_LIMIT_BYTES, VectorIndex, VectorRecord

DIM = 8
Matrix = npt.NDArray[np.float32]

ILLEGAL_METADATA: list[tuple[Mapping[str, Any], str]] = [
    ({"field": None}, "field"),
    ({"field": {"nested": 1}}, "field"),
    ({"field": [1, 2]}, "field"),
    ({"field": ["a", None]}, "field"),
    ({"field": float("nan")}, "field"),
    ({"field": float("inf")}, "field"),
    ({"field": 2**60}, "field"),
    ({"field": "a\x00b"}, "field"),
    ({"field": "half \ud800"}, "field"),
    ({"field": b"bytes"}, "field"),
    ({"field": np.int64(1)}, "field"),
    ({"$field": 1}, "field"),
    ({"": 1}, "''"),
    ({"small": 1, "field": "x" * METADATA_LIMIT_BYTES}, "field"),
    ({"field": "é" * (METADATA_LIMIT_BYTES // 2)}, "field"),
]
ILLEGAL_NAMES = ["", "x" * 513, "ümlaut", "new\nline", "nul\x00"]


def unit_vectors(count: int, dim: int = DIM, *, seed: int = 0) -> Matrix:
    """Make random rows of length 1."""
    rows = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def records(vectors: Matrix, *, prefix: str = "r", **metadata: Any) -> list[VectorRecord]:
    """Give vectors ids by their position."""
    return [VectorRecord(f"{prefix}{n:05}", values, {"n": n, **metadata}) for n, values in enumerate(vectors)]


class VectorIndexContract:
    """Each test has an index of its own, of dimension 8 unless it says otherwise."""

    @pytest.fixture
    def client(self, connect: Callable[[], VectorIndex]) -> VectorIndex:
        return connect()

    @pytest.fixture
    def index(self, client: VectorIndex) -> str:
        name = f"test-{uuid4().hex[:20]}"
        client.ensure_index(name, dim=DIM)
        return name

    def test_ensuring_an_index_twice_is_no_error(self, client: VectorIndex, index: str) -> None:
        client.ensure_index(index, dim=DIM)

    def test_another_dimension_is_refused(self, client: VectorIndex, index: str) -> None:
        with pytest.raises(ConfigurationError, match=f"{index}.*8.*16"):
            client.ensure_index(index, dim=16)

    @pytest.mark.parametrize("name", ["", "x" * 46, "Upper", "under_score", "dot.", "new\n", "ü"])
    def test_illegal_index_names_are_refused(self, client: VectorIndex, name: str) -> None:
        with pytest.raises(ConfigurationError, match="index name"):
            client.ensure_index(name, dim=DIM)

    @pytest.mark.parametrize("dim", [0, -1, 1_000_000])
    def test_illegal_dimensions_are_refused(self, client: VectorIndex, dim: int) -> None:
        with pytest.raises(ConfigurationError, match="dimension"):
            client.ensure_index("never-created", dim=dim)

    def test_an_index_must_exist(self, client: VectorIndex) -> None:
        vectors = unit_vectors(1)
        with pytest.raises(NotFoundError, match="no-such-index"):
            client.upsert("no-such-index", "n", records(vectors))
        with pytest.raises(NotFoundError, match="no-such-index"):
            client.query("no-such-index", "n", vectors[0], top_k=1)

    def test_an_index_that_does_not_exist_holds_nothing(self, client: VectorIndex) -> None:
        assert client.count("no-such-index", "n") == 0
        assert list(client.list_ids("no-such-index", "n")) == []
        assert client.fetch_metadata("no-such-index", "n", ["a"]) == {}
        client.delete("no-such-index", "n", ["a"])
        client.delete_namespace("no-such-index", "n")

    def test_a_deleted_namespace_can_be_filled_again(self, client: VectorIndex, index: str) -> None:
        for round_number in range(3):
            client.upsert(index, "w/n", records(unit_vectors(5), round=round_number))
            client.delete(index, "w/n", ["r00004"])
            assert client.count(index, "w/n") == 4
            assert client.fetch_metadata(index, "w/n", ["r00000"]) == {"r00000": {"n": 0, "round": round_number}}
            client.delete_namespace(index, "w/n")
            assert client.count(index, "w/n") == 0

    def test_ids_may_hold_what_urls_and_filters_mean_otherwise(self, client: VectorIndex, index: str) -> None:
        ids = ["a/b?c=d&e#f", "..", "100%", "+ +", "%2F", "$eq", "'\"\\", "i" * 512]
        vectors = unit_vectors(len(ids))
        client.upsert(index, "n/%2F?&#+", [VectorRecord(key, v, {}) for key, v in zip(ids, vectors, strict=True)])
        assert sorted(client.list_ids(index, "n/%2F?&#+")) == sorted(ids)
        assert set(client.fetch_metadata(index, "n/%2F?&#+", ids)) == set(ids)
        client.delete(index, "n/%2F?&#+", ids[1:])
        assert client.count(index, "n/%2F?&#+") == 1
        client.delete_namespace(index, "n/%2F?&#+")
        assert client.count(index, "n/%2F?&#+") == 0

    def test_what_is_written_is_found(self, client: VectorIndex, index: str) -> None:
        metadata = {"text": 'ü "quoted" \\', "number": 1700000000.25, "whole": -3, "flag": True, "list": ["b", "a"]}
        (vector,) = unit_vectors(1)
        client.upsert(index, "n", [VectorRecord("doc_1#ab~ {,}", vector, metadata)])
        assert client.fetch_metadata(index, "n", ["doc_1#ab~ {,}", "unknown"]) == {"doc_1#ab~ {,}": metadata}
        (hit,) = client.query(index, "n", vector, top_k=5)
        assert (hit.id, hit.metadata) == ("doc_1#ab~ {,}", metadata)
        assert hit.score == pytest.approx(1, abs=1e-6)

    def test_the_same_id_replaces(self, client: VectorIndex, index: str) -> None:
        old, new = np.eye(DIM, dtype=np.float32)[:2]
        client.upsert(index, "n", [VectorRecord("a", old, {"v": 1}), VectorRecord("b", old, {"v": 1})])
        client.upsert(index, "n", [VectorRecord("a", new, {"v": 2})])
        client.upsert(index, "n", [VectorRecord("b", old, {"v": 3})])
        assert client.count(index, "n") == 2
        hits = {hit.id: (hit.score, hit.metadata["v"]) for hit in client.query(index, "n", new, top_k=5)}
        assert hits == {"a": (pytest.approx(1), 2), "b": (pytest.approx(0), 3)}

    def test_writing_the_same_again_changes_nothing(self, client: VectorIndex, index: str) -> None:
        written = records(unit_vectors(20))
        for _ in range(2):
            client.upsert(index, "n", written)
            assert client.count(index, "n") == 20
            assert client.fetch_metadata(index, "n", ["r00007"]) == {"r00007": {"n": 7}}

    def test_the_last_of_one_call_wins(self, client: VectorIndex, index: str) -> None:
        first, last = np.eye(DIM, dtype=np.float32)[:2]
        client.upsert(index, "n", [VectorRecord("a", first, {"v": 1}), VectorRecord("a", last, {"v": 2})])
        (hit,) = client.query(index, "n", last, top_k=5)
        assert (hit.score, hit.metadata) == (pytest.approx(1), {"v": 2})

    def test_nothing_to_do_is_no_error(self, client: VectorIndex, index: str) -> None:
        client.upsert(index, "n", [])
        client.delete(index, "n", [])
        assert client.fetch_metadata(index, "n", []) == {}
        assert client.count(index, "n") == 0
        assert list(client.list_ids(index, "n")) == []
        assert client.query(index, "n", unit_vectors(1)[0], top_k=3) == []

    def test_namespaces_are_isolated(self, client: VectorIndex, index: str) -> None:
        (vector,) = unit_vectors(1)
        for namespace in ("n", "m", "n "):
            client.upsert(index, namespace, [VectorRecord("same", vector, {"in": namespace})])
        client.upsert(index, "m", [VectorRecord("other", vector, {})])
        assert [hit.metadata for hit in client.query(index, "n", vector, top_k=9)] == [{"in": "n"}]
        assert client.fetch_metadata(index, "n", ["same", "other"]) == {"same": {"in": "n"}}
        client.delete(index, "n", ["same", "other"])
        assert [client.count(index, namespace) for namespace in ("n", "m", "n ")] == [0, 2, 1]
        client.delete_namespace(index, "m")
        assert [client.count(index, namespace) for namespace in ("n", "m", "n ")] == [0, 0, 1]

    def test_indexes_are_isolated(self, client: VectorIndex, index: str) -> None:
        other = f"{index}-other"
        client.ensure_index(other, dim=3)
        client.upsert(other, "n", [VectorRecord("a", np.ones(3, dtype=np.float32), {})])
        assert client.count(index, "n") == 0
        client.delete_namespace(index, "n")
        assert client.count(other, "n") == 1

    def test_deleting_twice_is_no_error(self, client: VectorIndex, index: str) -> None:
        client.upsert(index, "n", records(unit_vectors(5)))
        for _ in range(2):
            client.delete(index, "n", ["r00000", "r00003", "unknown"])
            assert sorted(client.list_ids(index, "n")) == ["r00001", "r00002", "r00004"]
        for _ in range(2):
            client.delete_namespace(index, "n")
            assert list(client.list_ids(index, "n")) == []

    def test_every_id_is_listed_once(self, client: VectorIndex, index: str) -> None:
        written = records(unit_vectors(2_500))
        client.upsert(index, "n", written)
        listed = list(client.list_ids(index, "n"))
        assert len(listed) == client.count(index, "n") == 2_500
        assert set(listed) == {record.id for record in written}

    def test_every_true_neighbour_is_found(self, client: VectorIndex, index: str) -> None:
        name = f"{index}-recall"
        client.ensure_index(name, dim=64)
        vectors, questions = unit_vectors(800, 64), unit_vectors(20, 64, seed=1)
        client.upsert(name, "n", records(vectors))
        client.upsert(name, "m", records(unit_vectors(300, 64, seed=2), prefix="other"))
        for question, cosines in zip(questions, questions @ vectors.T, strict=True):
            expected = np.argsort(-cosines)[:10]
            hits = client.query(name, "n", question, top_k=10)
            assert [hit.id for hit in hits] == [f"r{position:05}" for position in expected]
            np.testing.assert_allclose([hit.score for hit in hits], cosines[expected], atol=1e-5)

    def test_score_is_the_cosine_of_any_length(self, client: VectorIndex, index: str) -> None:
        axis = np.eye(DIM, dtype=np.float32)[0]
        written = [VectorRecord("same", axis * 3, {}), VectorRecord("opposite", axis * -0.5, {})]
        client.upsert(index, "n", written)
        hits = [(hit.id, hit.score) for hit in client.query(index, "n", axis * 7, top_k=2)]
        assert hits == [("same", pytest.approx(1)), ("opposite", pytest.approx(-1))]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            ({}, "abcd"),
            ({"kind": "pr"}, "ab"),
            ({"kind": "pr", "open": True}, "a"),
            ({"open": False}, "bc"),
            ({"at": 2}, "b"),
            ({"at": 1.5}, "d"),
            ({"labels": "x"}, "ac"),
            ({"labels": ["x"]}, "ac"),
            ({"labels": ["y", "x"]}, "c"),
            ({"kind": "pr", "labels": "y"}, ""),
            ({"open": 1}, ""),
            ({"missing": "x"}, ""),
            ({"kind": "PR"}, ""),
        ],
    )
    def test_filters(self, client: VectorIndex, index: str, where: Mapping[str, Any], expected: str) -> None:
        metadata = {
            "a": {"kind": "pr", "open": True, "at": 1, "labels": ["x"]},
            "b": {"kind": "pr", "open": False, "at": 2, "labels": []},
            "c": {"kind": "issue", "open": False, "at": 3, "labels": ["x", "y"]},
            "d": {"kind": "p", "at": 1.5},
        }
        written = [
            VectorRecord(key, vector, metadata[key]) for key, vector in zip("abcd", unit_vectors(4), strict=True)
        ]
        client.upsert(index, "n", written)
        hits = client.query(index, "n", written[0].values, top_k=10, where=where)
        assert "".join(sorted(hit.id for hit in hits)) == expected

    def test_filters_come_before_the_limit(self, client: VectorIndex, index: str) -> None:
        near, far = np.eye(DIM, dtype=np.float32)[:2]
        client.upsert(index, "n", records(np.tile(near, (30, 1)), kind="x"))
        client.upsert(index, "n", [VectorRecord("wanted", far, {"kind": "y"})])
        assert [hit.id for hit in client.query(index, "n", near, top_k=1, where={"kind": "y"})] == ["wanted"]

    @pytest.mark.parametrize("where", [{"field": None}, {"field": []}, {"field": {"a": 1}}, {"$field": 1}])
    def test_illegal_filters_are_refused(self, client: VectorIndex, index: str, where: Mapping[str, Any]) -> None:
        with pytest.raises(PermanentError, match="field"):
            client.query(index, "n", unit_vectors(1)[0], top_k=1, where=where)

    @pytest.mark.parametrize(
        "values",
        [
            np.ones(DIM + 1, dtype=np.float32),
            np.ones((1, DIM), dtype=np.float32),
            np.zeros(DIM, dtype=np.float32),
            np.full(DIM, np.nan, dtype=np.float32),
            np.array([np.inf] + [1] * (DIM - 1), dtype=np.float32),
            np.full(DIM, 1e-30, dtype=np.float32),
            np.full(DIM, 1e30, dtype=np.float32),
        ],
    )
    def test_illegal_vectors_are_refused_by_id(self, client: VectorIndex, index: str, values: Matrix) -> None:
        good = records(unit_vectors(700), prefix="good")
        with pytest.raises(PermanentError, match="'bad'"):
            client.upsert(index, "n", [*good, VectorRecord("bad", values, {}), *good])
        assert client.count(index, "n") == 0, "a refused call writes nothing"
        with pytest.raises(PermanentError, match="query vector"):
            client.query(index, "n", values, top_k=1)

    @pytest.mark.parametrize(("metadata", "field"), ILLEGAL_METADATA)
    def test_illegal_metadata_is_refused_by_id_and_field(
        self, client: VectorIndex, index: str, metadata: Mapping[str, Any], field: str
    ) -> None:
        with pytest.raises(PermanentError, match=f"'bad'.*{field}"):
            client.upsert(index, "n", [VectorRecord("bad", unit_vectors(1)[0], metadata)])
        assert client.count(index, "n") == 0

    def test_the_largest_legal_metadata(self, client: VectorIndex, index: str) -> None:
        metadata = {"f": "x" * (METADATA_LIMIT_BYTES - len('{"f":""}'))}
        client.upsert(index, "n", [VectorRecord("a", unit_vectors(1)[0], metadata)])
        assert client.fetch_metadata(index, "n", ["a"]) == {"a": metadata}

    @pytest.mark.parametrize("name", ILLEGAL_NAMES)
    def test_illegal_ids_and_namespaces_are_refused(self, client: VectorIndex, index: str, name: str) -> None:
        (vector,) = unit_vectors(1)
        with pytest.raises(PermanentError, match="vector id"):
            client.upsert(index, "n", [VectorRecord(name, vector, {})])
        with pytest.raises(PermanentError, match="namespace"):
            client.upsert(index, name, [VectorRecord("a", vector, {})])

    @pytest.mark.parametrize("top_k", [0, -1])
    def test_top_k_must_be_positive(self, client: VectorIndex, index: str, top_k: int) -> None:
        with pytest.raises(PermanentError, match="top_k"):
            client.query(index, "n", unit_vectors(1)[0], top_k=top_k)

    def test_two_writers_of_the_same_ids(self, connect: Callable[[], VectorIndex], index: str) -> None:
        axes = np.eye(DIM, dtype=np.float32)
        barrier = Barrier(2)

        def write(writer: int) -> None:
            mine = connect()
            written = records(np.tile(axes[writer], (3_000, 1)), writer=writer)
            barrier.wait()
            for attempt in range(4):
                mine.upsert(index, "n", written[:: -1 if (writer + attempt) % 2 else 1])

        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(write, writer) for writer in range(2)]:
                job.result()
        client = connect()
        assert client.count(index, "n") == 3_000
        for hit in client.query(index, "n", axes[0], top_k=3_000):
            assert hit.score == pytest.approx(1 if hit.metadata["writer"] == 0 else 0), "vector and metadata are one's"

    def test_check_describes_the_store(self, client: VectorIndex) -> None:
        assert client.check()
