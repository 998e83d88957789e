"""The hashed embedder: the same bytes everywhere, the stated token measure, and its speed."""

from __future__ import annotations

import hashlib
import time

import numpy as np

from neural_memory_pipelines.models.embedders.hashed import HashedEmbedder
from neural_memory_pipelines.models.embedders.protocol import InputRole, Vectors

_MASK = 0xFFFFFFFF


def embed(*texts: str) -> Vectors:
    return HashedEmbedder().embed(texts, role=InputRole.SEARCH_DOCUMENT)


def spelled_out(text: str) -> Vectors:
    """The same vector, one n-gram at a time in plain Python."""
    data = text.lower().encode()
    data = b" " + bytes(32 if byte in b"\x00\t\n\x0b\x0c\r" else byte for byte in data) + b"    "
    sums = np.zeros(1536)
    for start in range(len(data) - 4):
        for size in (3, 4, 5):
            code = 0
            for byte in data[start : start + size]:
                code = (code * 0x01000193 + byte) & _MASK
            cell = (((code * 0x9E3779B1) & _MASK) >> 16) * 3072 >> 16
            sums[cell % 1536] += 1 if cell < 1536 else -1
    return np.copysign(np.sqrt(np.abs(sums) / np.abs(sums).sum()), sums).astype(np.float32)


def test_equals_its_definition() -> None:
    texts = ["The quick brown Fox", "", "tab\tand\nline", "Größe 日本", "a" * 300, "x"] * 7
    vectors = embed(*texts)
    for text, vector in zip(texts, vectors, strict=True):
        assert np.allclose(vector, spelled_out(text), atol=1e-6)


def test_bytes_never_change() -> None:
    # Vectors stored yesterday or on another machine must equal those of today: a new digest is a new model id.
    vectors = embed("Decision: Postgres over Mongo.", "", "日本語 🚀", "retry " * 40)
    assert (
        hashlib.sha256(vectors.tobytes()).hexdigest()
        == "348212cca19c8b85a1acb7f490563ef762e17c81640bead14f168791db7bc073"
    )


def test_blank_texts_share_one_vector() -> None:
    vectors = embed("", " ", "\n\t\x00 ")
    assert np.allclose(vectors @ vectors.T, 1)


def test_case_and_line_breaks_do_not_matter() -> None:
    vectors = embed("Roll back the Release", "roll back\nthe release")
    assert np.array_equal(vectors[0], vectors[1])


def test_a_shared_part_shows() -> None:
    original = "The index step is a reconcile of the desired rows against the ledger, nothing else decides. " * 4
    edited = (
        original[:-100] + "A new last sentence about something else entirely, with other words in it, was put here."
    )
    vectors = embed(original, edited, "Zebras, quinces and xylophones!")
    assert vectors[0] @ vectors[1] > 0.8
    assert abs(float(vectors[0] @ vectors[2])) < 0.2


def test_four_bytes_are_a_token() -> None:
    assert HashedEmbedder().count_tokens(["", "a", "abcd", "abcde", "日本", "🚀"]) == [0, 1, 1, 2, 2, 1]


def test_embeds_fast() -> None:
    texts = [f"{index} the index step is a reconcile of desired rows against the ledger. " * 11 for index in range(900)]
    embed(*texts[:64])
    seconds = []
    for _ in range(3):
        start = time.process_time()
        embed(*texts)
        seconds.append(time.process_time() - start)
    # 18,000 texts of 780 bytes in at most 1 CPU-second; here a twentieth of them, and room for a slow machine.
    assert min(seconds) < 0.15
