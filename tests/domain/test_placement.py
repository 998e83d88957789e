"""Names of indexes and namespaces: legal at every store, the same every time, and never shared by two workspaces."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.placement import DEFAULT_STORE, Place, place_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family, Topology, chunk_spec

SHARED = EmbeddingVersion(model="local/minilm-l6-v2", dim=384, chunking=chunk_spec(254))
STORE = EmbeddingVersion(model="local/minilm-l6-v2", dim=384, chunking=chunk_spec(254), topology=Topology.STORE)
LARGE = EmbeddingVersion(model="cohere/embed-v4.0", dim=1536, chunking=chunk_spec(254), topology=Topology.STORE)

# Names that come close to each other are what a bad spelling confuses; free text finds what nobody thought of.
_close = st.text(alphabet="aA-_.~/ \u00e9", max_size=6) | st.sampled_from(["store", "ws", "chunks", "activity"])
_names = _close | st.text(max_size=40) | st.text(alphabet="ab_-", min_size=100, max_size=140)
_environments = st.sampled_from(["", "prod", "ws"])
_versions = st.sampled_from([SHARED, STORE, LARGE])
_wheres = st.tuples(_names, _names, _versions, st.sampled_from(Family))


def _place(where: tuple[str, str, EmbeddingVersion, Family], environment: str = "") -> Place:
    workspace, store, version, family = where
    return place_of(WorkspaceId(workspace), store, version=version, family=family, environment=environment)


@given(_wheres, _environments)
def test_names_are_legal_and_the_same_every_time(
    where: tuple[str, str, EmbeddingVersion, Family], environment: str
) -> None:
    place = _place(where, environment)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?", place.index)
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,512}", place.namespace), "no slash: it is a folder in a bulk import"
    assert place == _place(where, environment)


@given(_wheres, _wheres)
@example(("a", "b__store_c", SHARED, Family.CHUNKS), ("a__store_b", "c", SHARED, Family.CHUNKS))
@example(("a", "b-store-c", STORE, Family.CHUNKS), ("a-store-b", "c", STORE, Family.CHUNKS))
@example(("a_", "b", SHARED, Family.CHUNKS), ("a", "_b", SHARED, Family.CHUNKS))
@example(("A", "b", STORE, Family.CHUNKS), ("a", "b", STORE, Family.CHUNKS))
@example(("a" * 119 + "_b", "s", SHARED, Family.CHUNKS), ("a" * 119 + "_c", "s", SHARED, Family.CHUNKS))
def test_different_vectors_never_share_a_place(
    one: tuple[str, str, EmbeddingVersion, Family], other: tuple[str, str, EmbeddingVersion, Family]
) -> None:
    assume(one != other)
    assert _place(one) != _place(other)


@given(_wheres, _wheres, _environments, _environments)
def test_an_index_of_topology_store_holds_one_store(
    one: tuple[str, str, EmbeddingVersion, Family],
    other: tuple[str, str, EmbeddingVersion, Family],
    environment: str,
    another: str,
) -> None:
    """Archiving drops such an index whole, so nothing of another workspace may lie in it."""
    assume(one[2].topology is other[2].topology is Topology.STORE)
    is_one_store = (*one[:2], one[2].dim, environment) == (*other[:2], other[2].dim, another)
    assert (_place(one, environment).index == _place(other, another).index) == is_one_store


@pytest.mark.parametrize(
    ("version", "environment", "index", "namespace"),
    [
        (SHARED, "", "neural-memory-local-minilm-l6-v2-384", "ws_acme__store_docs__chunks__"),
        (SHARED, "prod", "neural-memory-prod-local-minilm-l6-v2-384", "ws_acme__store_docs__chunks__"),
        (STORE, "", "ws-acme-store-docs-384", "chunks__"),
        (LARGE, "prod", "prod-ws-acme-store-docs-1536", "chunks__"),
    ],
)
def test_plain_names_can_be_read(version: EmbeddingVersion, environment: str, index: str, namespace: str) -> None:
    expected = Place(index, namespace + version.name)
    assert _place(("acme", "docs", version, Family.CHUNKS), environment) == expected


def test_models_of_long_names_do_not_share_an_index_of_the_account() -> None:
    names = [f"cohere/embed-multilingual-light-v3.{minor}" for minor in range(3)]
    versions = [EmbeddingVersion(model=name, dim=384, chunking=chunk_spec(128)) for name in names]
    indexes = {_place(("acme", "docs", version, Family.CHUNKS)).index for version in versions}
    assert len(indexes) == 3
    assert all(re.fullmatch(r"neural-memory-cohere-[a-z0-9-]+-[0-9a-f]{8}", index) for index in indexes)
    assert {len(index) for index in indexes} == {45}


def test_odd_names_keep_what_can_be_read_of_them() -> None:
    odd = _place(("acme/Ünits", DEFAULT_STORE, SHARED, Family.CHUNKS)).namespace
    assert re.fullmatch(rf"ws_acme-nits~[0-9a-f]{{8}}__store_activity__chunks__{SHARED.name}", odd)
    assert re.fullmatch(
        r"ws-acme-units-store-docs-384-[0-9a-f]{8}", _place(("acme-units", "docs", STORE, Family.CHUNKS)).index
    )
