"""What every summarizer promises. Implementations live beside this module, one per kind of writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from neural_memory_pipelines.domain.summaries.evidence import Evidence, Sentence, Summary


@dataclass(frozen=True, slots=True)
class Draft:
    """What a summarizer wrote.

    Attributes:
        sentences: in the order of their days; none if no evidence has a sentence that can stand in a summary.
        writer: who really wrote them: not the one that was asked, where that one failed.
        unsupported: sentences of a model that were dropped, as they do not rest on the evidence that they name.
        billed_tokens: tokens that the vendor billed, both ways; 0 for a writer on this machine.
        notes: what a person should know of how it came about; empty if all went as it should.
    """

    sentences: tuple[Sentence, ...]
    writer: str
    unsupported: int = 0
    billed_tokens: int = 0
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> Summary | None:
        """The sentences as a summary; None if there are none."""
        return Summary(self.sentences) if self.sentences else None


class Summarizer(Protocol):
    """Writes summaries. Thread-safe; keeps nothing between calls."""

    @property
    def writer(self) -> str:
        """Its id, version included: another writer, or another version, writes all summaries again."""
        ...

    def summarize(self, topic_label: str, evidence: Sequence[Evidence]) -> Draft:
        """Write the summary of a topic.

        Args:
            topic_label: what the topic is called; data, like the evidence.
            evidence: observations of the topic, the most typical ones if there are many; their order is no matter.

        Raises:
            ConfigurationError: the key of the model's service is refused.
            NotFoundError: no such model, or it is not open to this key.
            TransientError: the model's service did not answer.
        """
        ...
