"""What decides whether a summary is written again: who is in, what they say, and who writes. Nothing else does."""

from __future__ import annotations

from collections.abc import Iterable

from neural_memory_pipelines.domain.ids import ContentHash, ObservationId, hash_json


def membership_hash(members: Iterable[tuple[ObservationId, ContentHash]], writer: str) -> ContentHash:
    """Hash what a summary is written from: the same members with the same content and writer give the same hash.

    Args:
        members: ids and content hashes, in any order; a member that is named twice counts once.
        writer: `Summarizer.writer`, version included, of the writer that was asked.
    """
    return hash_json([writer, *([key, content] for key, content in sorted(set(members)))])
