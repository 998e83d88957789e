"""Names of embedding versions: those that were given out stay, and a successor changes the model alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural_memory_pipelines.domain.versions import ChunkSpec, EmbeddingVersion, Topology, chunk_spec, successor

MINILM = EmbeddingVersion(model="local/minilm-l6-v2", dim=384, chunking=chunk_spec(254))
HASHED = EmbeddingVersion(model="hash/char-ngram-1536", dim=1536, chunking=chunk_spec(8192))

_specs = st.builds(ChunkSpec, *[st.integers(1, 400)] * 3, measured_by=st.none() | st.sampled_from(["a/b", "c/d"]))
_versions = st.builds(
    EmbeddingVersion,
    model=st.sampled_from(["hash/a", "hash/A", "hash-a", "local/a", "cohere/embed-v4.0"]),
    dim=st.sampled_from([256, 384, 1536]),
    chunking=_specs,
    compression=st.sampled_from(["float32", "int8"]),
    topology=st.sampled_from(Topology),
)


def _parts(version: EmbeddingVersion) -> tuple[object, ...]:
    return (version.model, version.dim, version.chunking, version.compression, version.topology)


@pytest.mark.parametrize(
    ("version", "released_name"),
    [(MINILM, "local-minilm-l6-v2-384-bb05a71a"), (HASHED, "hash-char-ngram-1536-1536-8c2a969c")],
)
def test_released_names_stay(version: EmbeddingVersion, released_name: str) -> None:
    """Vectors of released versions lie under these names: another name would embed everything again."""
    assert version.name == released_name


@given(_versions, _versions)
def test_a_name_stands_for_one_spec(one: EmbeddingVersion, other: EmbeddingVersion) -> None:
    assert (one.name == other.name) == (_parts(one) == _parts(other))


@given(_versions)
def test_a_name_is_legal_as_partition_key_and_in_a_namespace(version: EmbeddingVersion) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", version.name)


def test_a_successor_keeps_the_chunks_and_who_measures_them() -> None:
    following = successor(MINILM, model="cohere/embed-v4.0", dim=1536)
    assert (following.model, following.dim, following.provider) == ("cohere/embed-v4.0", 1536, "cohere")
    assert following.chunking == replace(MINILM.chunking, measured_by=MINILM.model)
    assert following.tokenizer == MINILM.tokenizer == "local/minilm-l6-v2"
    assert following.topology is MINILM.topology

    third = successor(following, model="hash/char-ngram-1536", dim=1536)
    assert third.tokenizer == "local/minilm-l6-v2", "measured by whoever cut the chunks, not by the model between"


def test_the_way_back_leads_to_the_same_version() -> None:
    over = successor(MINILM, model=HASHED.model, dim=HASHED.dim)
    assert successor(over, model=MINILM.model, dim=MINILM.dim) == MINILM
    spread = successor(MINILM, model=MINILM.model, dim=MINILM.dim, topology=Topology.STORE)
    assert spread != MINILM
    assert successor(spread, model=MINILM.model, dim=MINILM.dim, topology=Topology.SHARED) == MINILM
