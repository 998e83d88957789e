from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural_memory_pipelines.stores.vectors import pinecone_batches
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_batches import spell_batches
from neural_memory_pipelines.stores.vectors.protocol import VectorRecord

from .contracts.vector_index import DIM, records, unit_vectors
from .pinecone_server import PineconeServer

VENDOR_LIMIT_BYTES = 2_000_000


@pytest.fixture
def client(pinecone: PineconeServer) -> Iterator[PineconeIndex]:
    with closing(PineconeIndex(api_key=pinecone.api_key, host=pinecone.url)) as client:
        client.ensure_index("index", dim=DIM)
        yield client


def _upserts(pinecone: PineconeServer) -> list[Any]:
    return [request for request in pinecone.requests if request.path == "/vectors/upsert"]


def test_a_thousand_vectors_of_1536_take_eight_requests_below_the_limit(
    client: PineconeIndex, pinecone: PineconeServer
) -> None:
    client.ensure_index("wide", dim=1536)
    written = records(unit_vectors(1_000, 1536), kind="pull_request", at=1_700_000_000.25)
    client.upsert("wide", "acme/chunks/v1", written)
    sizes_bytes = [request.body_bytes for request in _upserts(pinecone)]
    assert len(sizes_bytes) == 8
    assert max(sizes_bytes) <= pinecone_batches.REQUEST_BYTES < VENDOR_LIMIT_BYTES
    stored = pinecone.indexes["wide"]["acme/chunks/v1"]
    for record in written:
        np.testing.assert_allclose(stored[record.id].values, record.values, atol=5.1e-7)


def test_what_was_measured_is_what_is_sent(client: PineconeIndex, pinecone: PineconeServer) -> None:
    written = records(unit_vectors(30), text='ü "quoted" \\ €', labels=["a", "b"], flag=True)
    client.upsert("index", "n", written)
    (request,) = _upserts(pinecone)
    (batch,) = spell_batches(written, namespace="n")
    assert request.body_bytes == len(orjson.dumps({"vectors": batch, "namespace": "n"}))


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    text_chars=st.lists(st.integers(0, 200), min_size=60, max_size=60),
    request_bytes=st.integers(1, 3_000),
)
def test_batches_hold_every_record_once_and_keep_to_the_limit(
    count: int, text_chars: list[int], request_bytes: int
) -> None:
    vectors = unit_vectors(count)
    written = [VectorRecord(f"r{n}", vectors[n], {"t": "é" * text_chars[n]}) for n in range(count)]
    batches = list(spell_batches(written, namespace="a/b", request_bytes=request_bytes))
    assert [record["id"] for batch in batches for record in batch] == [record.id for record in written]
    for batch in batches:
        assert len(batch) == 1 or len(orjson.dumps({"vectors": batch, "namespace": "a/b"})) <= request_bytes


def test_a_batch_holds_at_most_a_thousand_records(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.upsert("index", "n", records(unit_vectors(2_001)))
    assert sorted(len(request.body["vectors"]) for request in _upserts(pinecone)) == [1, 1_000, 1_000]


@pytest.mark.parametrize("length", [1e-12, 1e-3, 0.9995, 1.0, 1e6])
def test_vectors_of_any_length_survive_rounding(client: PineconeIndex, length: float) -> None:
    vectors = unit_vectors(20)
    client.upsert("index", "n", records((vectors * length).astype(np.float32)))
    for position, vector in enumerate(vectors):
        best = client.query("index", "n", vector, top_k=1)[0]
        assert (best.id, best.score) == (f"r{position:05}", pytest.approx(1, abs=1e-6))
