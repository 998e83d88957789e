"""All remote stores together: Pinecone and Cohere (local servers), S3 (SeaweedFS), beside the embedded Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.verify import index_parity, no_superseded_indexed
from neural_memory_pipelines.steps.versions.rebuild import rebuild_index
from neural_memory_pipelines.stores.objects.s3 import S3ObjectStore
from neural_memory_pipelines.stores.vectors.pinecone import PineconeIndex
from tests.models.cohere_server import CohereServer, Fault, rate_limited
from tests.steps.dumps import rows
from tests.steps.pipeline import run_path
from tests.stores.pinecone_server import PineconeServer
from tests.stores.s3_server import S3Server

from .migrating import (
    COHERE,
    TOPICS,
    archive_it,
    bring_up_to_date,
    build,
    hits,
    ingest_sample,
    judge_version,
    other_session,
    pages,
    promote_it,
    propose,
    tell,
    with_cohere,
)

NEWER = "cohere/embed-v5.0-fast"
LEDGER = "SELECT index_name, namespace, vector_id FROM vector_entries WHERE content_hash <> ''"
Opener = Callable[..., Session]


@pytest.fixture
def connect(
    session: Session, workspace: WorkspaceId, pinecone: PineconeServer, cohere: CohereServer, s3_server: S3Server
) -> Iterator[Opener]:
    """Opens sessions on the remote stores; new workspaces are served at Cohere's model."""
    remote: dict[str, Any] = {
        "embedding_model": COHERE,
        **with_cohere(cohere),
        "pinecone_api_key": SecretStr(pinecone.api_key),
        "pinecone_host": pinecone.url,
        "pinecone_requests_per_second": 10_000,
        "s3_bucket": s3_server.bucket,
        "s3_prefix": workspace,
        "aws_region": "us-east-1",
        "aws_endpoint_url": s3_server.endpoint_url,
        "aws_access_key_id": SecretStr(s3_server.access_key_id),
        "aws_secret_access_key": SecretStr(s3_server.secret_access_key),
    }
    with ExitStack() as stack:

        def open_with(**changes: Any) -> Session:
            own = stack.enter_context(closing(other_session(session, **(remote | changes))))
            assert isinstance(own.stores.vectors, PineconeIndex)
            assert isinstance(own.stores.objects, S3ObjectStore)
            return own

        yield open_with


def _as_another_process(own: Session) -> None:
    """Forget what this process wrote into Pinecone: what is left to know of it stands in Postgres."""
    vectors = own.stores.vectors
    assert isinstance(vectors, PineconeIndex)
    for name in {place[0] for place in vectors._freshness.writes._last}:
        vectors._freshness.writes.forget(name)


def _in_pinecone(pinecone: PineconeServer) -> set[tuple[str, str, str]]:
    return {
        (index, namespace, key)
        for index, namespaces in pinecone.indexes.items()
        for namespace, records in namespaces.items()
        for key in records
    }


def _agrees(own: Session, workspace: WorkspaceId, pinecone: PineconeServer) -> bool:
    """Whether Pinecone holds exactly what the ledger says, and what every kept version wants."""
    ledger = set(rows(own, workspace, LEDGER))
    versions = [own.version(name) for name in own.kept_versions(workspace)]
    scopes = [Scope(workspace, version, family, own.stores) for version in versions for family in Family]
    return _in_pinecone(pinecone) == ledger and all(index_parity(scope).passed for scope in scopes)


def _dims(pinecone: PineconeServer) -> set[int]:
    held = pinecone.indexes.values()
    return {len(record.values) for spaces in held for records in spaces.values() for record in records.values()}


@pytest.mark.parametrize("topology", ["shared", "store"])
def test_a_workspace_lives_on_remote_stores_through_a_migration(
    connect: Opener, workspace: WorkspaceId, pinecone: PineconeServer, cohere: CohereServer, topology: str
) -> None:
    own = connect(index_topology=topology)
    ingest_sample(own, workspace)
    run_path(own, workspace)
    first = own.active_version(workspace)
    assert (first.model, first.dim, str(first.topology)) == (COHERE, 1536, topology)
    assert _agrees(own, workspace, pinecone)
    assert len(pinecone.indexes) == (1 if topology == "shared" else 2)
    before = hits(own, workspace, "who owns the receiver?")
    assert len(before) == 5
    assert _noted(own, workspace) == _places_of_docs(own, workspace, first) != []
    sent = len(cohere.requests)
    assert run_path(own, workspace).work == 0
    assert len(cohere.requests) == sent, "what is there already is not embedded again"

    newer = own.successor(workspace, model=NEWER, dim=512)
    propose(own, workspace, newer)
    totals = build(own, workspace, newer)
    assert totals["embed"].tokens > 0
    assert totals["embed"].dollars == pytest.approx(totals["embed"].tokens * 0.08 / 1_000_000)
    assert _agrees(own, workspace, pinecone)
    assert hits(own, workspace, "who owns the receiver?") == before, "still served as it was"
    assert all(finding.passed for finding in judge_version(own, workspace, newer).values())
    promote_it(own, workspace, newer)
    assert len(hits(own, workspace, "who owns the receiver?")) == 5
    assert _noted(own, workspace) == _places_of_docs(own, workspace, newer) != []

    archive_it(own, workspace, first)
    assert _agrees(own, workspace, pinecone)
    assert _dims(pinecone) == {512}
    assert len(hits(own, workspace, "who owns the receiver?")) == 5
    assert len(pinecone.indexes) == 2, "a shared index stays for others, that of a store goes"


def _noted(own: Session, workspace: WorkspaceId) -> list[tuple[Any, ...]]:
    return rows(own, workspace, "SELECT name, index_name, embedding_dim FROM stores ORDER BY name")


def _places_of_docs(own: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> list[tuple[Any, ...]]:
    query = """SELECT store, index_name, CAST(:dim AS integer) FROM vector_namespaces WHERE embedding_version = :name
        AND family = 'chunks' AND store <> 'activity' ORDER BY store"""
    return rows(own, workspace, query, name=version.name, dim=version.dim)


def test_faults_in_the_middle_end_well(
    connect: Opener, workspace: WorkspaceId, pinecone: PineconeServer, cohere: CohereServer
) -> None:
    own = connect()
    ingest_sample(own, workspace)
    run_path(own, workspace)
    newer = own.successor(workspace, model=NEWER, dim=512)
    propose(own, workspace, newer)

    calls = len(cohere.requests)
    cohere.faults.at(rate_limited("0"), calls + 1)
    cohere.faults.at(Fault(drops=True), calls + 3)
    pinecone.faults.fail_next(1, 429, retry_after=0, path_contains="/vectors/upsert")
    pinecone.faults.drop_connection_after_applying(1, "/vectors/upsert")
    build(own, workspace, newer)
    assert _agrees(own, workspace, pinecone)
    assert all(finding.passed for finding in judge_version(own, workspace, newer).values())
    promote_it(own, workspace, newer)
    pinecone.faults.drop_connection_after_applying(1, "/vectors/delete")
    archive_it(own, workspace, own.new_workspace_version)
    assert _agrees(own, workspace, pinecone)


def test_an_index_that_lags_behind_never_looks_broken(
    connect: Opener, workspace: WorkspaceId, pinecone: PineconeServer, tmp_path: Path
) -> None:
    pinecone.faults.eventual(reads_behind=3)
    own = connect()
    tell(own, workspace, tmp_path / "docs", pages(*TOPICS[:6]))
    bring_up_to_date(own, workspace)
    first = own.active_version(workspace)
    newer = own.successor(workspace, model=NEWER, dim=512)
    propose(own, workspace, newer)
    build(own, workspace, newer)
    for version in (first, newer):
        for family in Family:
            scope = Scope(workspace, version, family, own.stores)
            assert index_parity(scope).passed
            assert no_superseded_indexed(scope).passed
    assert judge_version(own, workspace, newer)["vectors_are_whole"].passed
    pinecone.faults.eventual(reads_behind=3)
    tell(own, workspace, tmp_path / "docs", pages(*TOPICS[:7]))
    bring_up_to_date(own, workspace)
    _as_another_process(own)
    for version in (first, newer):
        for family in Family:
            assert index_parity(Scope(workspace, version, family, own.stores)).passed
    promote_it(own, workspace, newer, force=True)
    archive_it(own, workspace, first)
    bring_up_to_date(own, workspace)
    rebuild_index(workspace, newer, stores=own.stores)
    assert index_parity(Scope(workspace, newer, Family.CHUNKS, own.stores)).passed
    assert _agrees(own, workspace, pinecone)
