"""The summarizer without a language model: sentences of the evidence, chosen by their vectors, not one word added.

Which are chosen is decided in `domain/summaries/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neural_memory_pipelines.domain.summaries.candidates import candidates
from neural_memory_pipelines.domain.summaries.choosing import choose_sentences
from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.models.embedders.protocol import Vectors
from neural_memory_pipelines.models.summarizers.protocol import Draft

EXTRACTIVE_WRITER = "extractive/1"
"""Count it up when other sentences are chosen than before: then all extractive summaries are written again."""


class ExtractiveSummarizer:
    """Chooses sentences that are central to a topic and do not repeat each other; see `choose_sentences`.

    Args:
        embed: gives one vector per text, in their order; called once a summary, with at most 300 texts. It must take
            texts that are longer than its model reads: most have fewer than 400 characters, any at most 1,140.
    """

    writer = EXTRACTIVE_WRITER

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._embed = embed

    def summarize(self, topic_label: str, evidence: Sequence[Evidence]) -> Draft:  # noqa: ARG002  # the protocol's
        """Write the summary of a topic; see `Summarizer.summarize`."""
        found = candidates(evidence)
        if not found:
            return Draft((), self.writer, notes=("no evidence has a sentence that can stand in a summary",))
        # Canonical order: the vectors of some models depend on what else is in the batch.
        vectors = self._embed([candidate.text for candidate in found])
        return Draft(choose_sentences(found, vectors), self.writer)
