"""Fits supported sentences into the limits of a summary, and adds decisions that none tells. Judges no support."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.summaries.candidates import candidates
from neural_memory_pipelines.domain.summaries.evidence import (
    DEFAULT_LIMITS,
    Evidence,
    Sentence,
    SummaryLimits,
    chronological,
    cited,
    render,
)

_MOST_ADDED = 4  # the summary is still to be the model's


@dataclass(frozen=True, slots=True)
class Fitted:
    """Sentences that are a summary; how many did not fit, and how many of the evidence's own were added."""

    sentences: tuple[Sentence, ...]
    left_out: int
    added: int


def fitted(
    sentences: Iterable[Sentence], evidence: Sequence[Evidence], limits: SummaryLimits = DEFAULT_LIMITS
) -> Fitted:
    """Take as many sentences as a summary holds, those about what was settled first, the others as they come.

    What was settled and is told by none of them is added in its own words, the latest first and at most four
    sentences, before the others are taken: a decision does not fall out because a model did not mention it.
    """
    settled = {item.observation_id for item in evidence if item.settles}
    given = list(dict.fromkeys(sentences))
    about = [sentence for sentence in given if not settled.isdisjoint(sentence.observation_ids)]
    untold = settled.difference(cited(about))
    own = [candidate for candidate in candidates([item for item in evidence if item.observation_id in untold], limits)
           if candidate.settles]  # fmt: skip
    own_sentences = [sentence for candidate in reversed(own) for sentence in candidate.spelled()][:_MOST_ADDED]
    rest = [sentence for sentence in given if sentence not in about]
    kept: list[Sentence] = []
    for sentence in (*about, *own_sentences, *rest):
        longer = chronological([*kept, sentence])
        if len(longer) <= limits.most_sentences and len(render(longer)) <= limits.most_chars:
            kept.append(sentence)
    added = sum(sentence in kept for sentence in own_sentences)
    return Fitted(chronological(kept), len(given) - (len(kept) - added), added)
