"""Reads what a chat model answered, trusting nothing: JSON of the schema, or the reason why it is none.

Whether a sentence rests on its evidence is decided in `domain/summaries/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neural_memory_pipelines.domain.summaries.evidence import Evidence
from neural_memory_pipelines.domain.summaries.grounding import DraftSentence

_MOST_SENTENCES_READ = 50


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    text: str
    evidence: list[int]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    sentences: Annotated[list[_Line], Field(max_length=_MOST_SENTENCES_READ)]


def read_answer(text: str, evidence: Sequence[Evidence]) -> tuple[DraftSentence, ...] | str:
    """Read the sentences of an answer.

    Args:
        text: the answer, which is to be JSON.
        evidence: what the numbers in it count, from 1. A number beyond becomes an observation that nobody gave.

    Returns:
        The sentences, or in words what is wrong with the answer. What the answer says is not quoted.
    """
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        return f"{place}: {first['type']}"
    keys = {number: item.observation_id for number, item in enumerate(evidence, start=1)}
    return tuple(
        DraftSentence(line.text, tuple(keys.get(number, f"#{number}") for number in line.evidence))
        for line in answer.sentences
    )
