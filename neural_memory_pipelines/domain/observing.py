"""The limits of an observation: how long its parts are, and how many subjects it names.

What is worth remembering, and in which words, is up to the sources.
"""

from __future__ import annotations

from dataclasses import replace

from neural_memory_pipelines.domain.documents import SUMMARY_LIMIT_CHARS, TITLE_LIMIT_CHARS, ObservationDraft
from neural_memory_pipelines.domain.text import clip, clip_passage

TEXT_LIMIT_CHARS = 2_000
SUBJECTS_LIMIT = 32


def within_limits(draft: ObservationDraft) -> ObservationDraft:
    """Cut an observation to its limits, name each subject once, and leave out a title or summary without words."""
    return replace(
        draft,
        text=clip_passage(draft.text, TEXT_LIMIT_CHARS),
        title=clip(draft.title or "", TITLE_LIMIT_CHARS) or None,
        summary=clip(draft.summary or "", SUMMARY_LIMIT_CHARS) or None,
        subject_refs=tuple(dict.fromkeys(draft.subject_refs))[:SUBJECTS_LIMIT],
    )
