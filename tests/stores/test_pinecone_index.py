from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import orjson
import pytest
from pinecone import Pinecone, ServerlessSpec
from pinecone._internal.adapters.indexes_adapter import IndexesAdapter

from neural_memory_pipelines.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    TransientError,
)
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from neural_memory_pipelines.stores.vectors.pinecone_connection import Patience

from .contracts.vector_index import DIM, VectorIndexContract, records, unit_vectors
from .pinecone_server import PineconeServer

QUICK = Patience(backoff_seconds=0.01, catch_up_seconds=2.0, ready_seconds=2.0, poll_seconds=0.05)


@pytest.fixture
def connect(pinecone: PineconeServer) -> Iterator[Callable[..., PineconeIndex]]:
    with ExitStack() as stack:

        def make(**settings: Any) -> PineconeIndex:
            defaults: dict[str, Any] = {"api_key": pinecone.api_key, "host": pinecone.url, "patience": QUICK}
            return stack.enter_context(closing(PineconeIndex(**(defaults | settings))))

        yield make


@pytest.fixture
def client(connect: Callable[..., PineconeIndex]) -> PineconeIndex:
    return connect()


class TestPineconeIndex(VectorIndexContract):
    pass


def _model(name: str, fields: dict[str, Any], state: str = "Ready") -> Any:
    described = {
        "name": name,
        "host": "127.0.0.1",
        "status": {"ready": state == "Ready", "state": state},
        "schema": {"fields": fields},
        "deployment": {"deployment_type": "managed", "cloud": "aws", "region": "us-east-1"},
        "deletion_protection": "disabled",
    }
    return IndexesAdapter.to_index_model(orjson.dumps(described))


def _other_index(pinecone: PineconeServer, *, metric: str) -> None:
    with Pinecone(pinecone.api_key, host=pinecone.url) as sdk:
        sdk.create_index("other", ServerlessSpec(cloud="aws", region="us-east-1"), DIM, metric, timeout=-1)


def test_an_index_is_made_as_the_arguments_say_and_waited_for(
    connect: Callable[..., PineconeIndex], pinecone: PineconeServer
) -> None:
    pinecone.project.describes_until_ready = 3
    client = connect(cloud="gcp", region="europe-west4")
    client.ensure_index("made", dim=DIM)
    made = pinecone.project.indexes["made"]
    assert (made.cloud, made.region, made.dimension, made.metric) == ("gcp", "europe-west4", DIM, "cosine")
    assert made.ready
    assert repr(client) == f"PineconeIndex('gcp europe-west4', host={pinecone.url!r})"
    assert client.check() == "Pinecone serverless gcp europe-west4, 1 index"


def test_a_known_index_costs_no_request(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.ensure_index("made", dim=DIM)
    before = len(pinecone.requests)
    client.ensure_index("made", dim=DIM)
    with pytest.raises(ConfigurationError, match=r"made.*8.*16"):
        client.ensure_index("made", dim=16)
    assert len(pinecone.requests) == before


def test_an_index_that_does_not_get_ready_is_transient(
    connect: Callable[..., PineconeIndex], client: PineconeIndex, pinecone: PineconeServer
) -> None:
    pinecone.project.describes_until_ready = 10_000
    with pytest.raises(TransientError, match=r"slow is not ready after 0\.1 s"):
        connect(patience=replace(QUICK, ready_seconds=0.1)).ensure_index("slow", dim=DIM)
    with pytest.raises(TransientError, match="slow is not ready"):
        client.count("slow", "n")


def test_racing_creators_share_one_index(connect: Callable[..., PineconeIndex], pinecone: PineconeServer) -> None:
    pinecone.project.describes_until_ready = 3
    pinecone.faults.delay(0.05, path_contains="/indexes")  # all have looked before the first creates
    clients = [connect() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.ensure_index("shared", dim=DIM), clients))
    creations = sorted(request.status or 0 for request in pinecone.requests if request.method == "POST")
    assert creations == [201, 409, 409, 409]
    for one in clients:
        assert one.count("shared", "n") == 0


def test_a_creation_whose_answer_is_lost_is_found(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.fail_next(1, 404, path_contains="/indexes/made")  # so that the fault below meets the creation
    pinecone.faults.drop_connection_after_applying(1, path_contains="/indexes")
    client.ensure_index("made", dim=DIM)
    assert [request.status for request in pinecone.requests if request.method == "POST"] == [None, 409]


def test_another_metric_is_refused(client: PineconeIndex, pinecone: PineconeServer) -> None:
    _other_index(pinecone, metric="dotproduct")
    for act in (lambda: client.ensure_index("other", dim=DIM), lambda: client.count("other", "n")):
        with pytest.raises(ConfigurationError, match="other compares by dotproduct, not cosine"):
            act()


def test_another_dimension_is_refused_by_a_client_that_sees_it_first(
    client: PineconeIndex, pinecone: PineconeServer
) -> None:
    _other_index(pinecone, metric="cosine")
    with pytest.raises(ConfigurationError, match="other exists with dimension 8, not 16"):
        client.ensure_index("other", dim=16)


@pytest.mark.parametrize(
    "fields",
    [
        {"embedding": {"type": "dense_vector", "dimension": DIM, "metric": "cosine"}},
        {"_values": {"type": "dense_vector", "dimension": DIM, "metric": "cosine"}, "body": {"type": "string"}},
        {"body": {"type": "semantic_text", "model": "m", "field_map": {"text": "body"}}},
    ],
)
def test_an_index_of_documents_is_refused(
    client: PineconeIndex, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    monkeypatch.setattr(Pinecone, "describe_index", lambda self, name: _model(name, fields))
    with pytest.raises(ConfigurationError, match="documents is not a dense vector index"):
        client.ensure_index("documents", dim=DIM)


def test_an_old_index_with_a_list_of_metadata_fields_is_accepted(
    client: PineconeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"_values": {"type": "dense_vector", "dimension": DIM, "metric": "cosine"}, "kind": {"filterable": True}}
    monkeypatch.setattr(Pinecone, "describe_index", lambda self, name: _model(name, fields))
    client.ensure_index("old", dim=DIM)


def test_an_index_that_failed_to_start_is_permanent(client: PineconeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pinecone, "describe_index", lambda self, name: _model(name, {}, "InitializationFailed"))
    with pytest.raises(PermanentError, match="broken failed to start"):
        client.ensure_index("broken", dim=DIM)


@pytest.mark.parametrize("name", ["-a", "a-"])
def test_hyphens_at_an_end_are_refused_before_the_wire(
    client: PineconeIndex, pinecone: PineconeServer, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="hyphen"):
        client.ensure_index(name, dim=DIM)
    assert pinecone.requests == []


def test_dropping_an_index_twice_is_no_error_and_it_can_be_made_again(
    client: PineconeIndex, pinecone: PineconeServer
) -> None:
    client.ensure_index("made", dim=DIM)
    client.upsert("made", "n", records(unit_vectors(3)))
    for _ in range(2):
        client.drop_index("made")
    assert pinecone.indexes == {}
    client.ensure_index("made", dim=16)
    assert client.count("made", "n") == 0


def test_a_protected_index_is_not_dropped(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.ensure_index("made", dim=DIM)
    pinecone.project.indexes["made"].deletion_protection = "enabled"
    with pytest.raises(PermanentError, match=r"delete index made: forbidden.*[Dd]eletion protection"):
        client.drop_index("made")


def test_an_index_that_another_process_dropped_is_noticed(client: PineconeIndex, pinecone: PineconeServer) -> None:
    client.ensure_index("made", dim=DIM)
    del pinecone.project.indexes["made"]
    with pytest.raises(NotFoundError, match="made"):
        client.upsert("made", "n", records(unit_vectors(1)))
    client.ensure_index("made", dim=DIM)
    client.upsert("made", "n", records(unit_vectors(1)))
    assert client.count("made", "n") == 1


def test_too_many_indexes_are_a_quota(client: PineconeIndex, pinecone: PineconeServer) -> None:
    pinecone.faults.quota_indexes = 0
    with pytest.raises(PermanentError, match="create index made: a quota of the plan is used up") as caught:
        client.ensure_index("made", dim=DIM)
    assert not isinstance(caught.value, ConfigurationError)
    assert len(pinecone.requests) == 2, "asking again does not help"
