"""Files of questions with known answers, as people write them: YAML or JSON in, `Question` out.

Where questions are kept, and who asks them, is not known here.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic_core import ErrorDetails

from neural_memory_pipelines.domain.questions import Expected, ExpectedEvidence, ExpectedSource, Question
from neural_memory_pipelines.errors import NotFoundError, PermanentError

_FAULTS_SHOWN = 10
_STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)


class _ExpectedSource(BaseModel):
    """A document that answers a question by itself."""

    model_config = _STRICT

    source: str = Field(min_length=1)
    source_id: str = Field(min_length=1)

    def read(self) -> Expected:
        """Make it a value of the domain."""
        return ExpectedSource(self.source, self.source_id)


class _ExpectedEvidence(BaseModel):
    """An observation, chunk, summary or document, by its id, that answers a question by itself."""

    model_config = _STRICT

    evidence: str = Field(min_length=1)

    def read(self) -> Expected:
        """Make it a value of the domain."""
        return ExpectedEvidence(self.evidence)


# Tags stand in the place of a fault, where a person does not look for them: they are left out there.
_SOURCE, _EVIDENCE = "<source>", "<evidence>"
_Expected = Annotated[
    Annotated[_ExpectedSource, Tag(_SOURCE)] | Annotated[_ExpectedEvidence, Tag(_EVIDENCE)],
    Discriminator(lambda given: _EVIDENCE if isinstance(given, dict) and "evidence" in given else _SOURCE),
]


class _Item(BaseModel):
    """A question, as it is written."""

    model_config = _STRICT

    id: str = Field(min_length=1)
    question: str = Field(min_length=1)
    expects: list[_Expected] = Field(min_length=1)
    tags: list[str] = []
    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class _File(BaseModel):
    """A file of questions."""

    model_config = _STRICT

    questions: list[_Item] = Field(min_length=1)


def read_questions(file: Path) -> list[Question]:
    """Read a file: `questions`, a list of id, question, expects, tags and weight.

    `expects` is a list of what answers the question: source and source_id of a document, or evidence, an id of ours.

    Raises:
        NotFoundError: there is no such file.
        PermanentError: it is no YAML or JSON, or a question is not as it should be; names the place.
    """
    content = _load(file)
    try:
        items = _File.model_validate(content).questions
    except ValidationError as error:
        faults = [f"{_place(fault['loc'], content)}: {_said(fault)}" for fault in error.errors()]
        raise PermanentError(_told(file, faults)) from None
    often = [name for name, count in Counter(item.id for item in items).items() if count > 1]
    if often:
        raise PermanentError(_told(file, [f"question {name} is there more than once" for name in often]))
    return [
        Question(
            id=item.id,
            text=item.question,
            expects=tuple(it.read() for it in item.expects),
            tags=tuple(item.tags),
            weight=item.weight,
        )
        for item in items
    ]


def _load(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"{file}: cannot be read as text: {error}") from error
    try:
        return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except json.JSONDecodeError as error:
        raise PermanentError(f"{file}: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise PermanentError(f"{file}: {where}{error.problem}") from error
    except yaml.YAMLError as error:
        raise PermanentError(f"{file}: {' '.join(str(error).split())}") from error


def _said(fault: ErrorDetails) -> str:
    if fault["type"] == "model_type":  # pydantic's own words name a class of this module
        return "expected names with values"
    return fault["msg"][:1].lower() + fault["msg"][1:]


def _place(path: tuple[int | str, ...], content: Any) -> str:
    """Name a place as a person finds it: the number of the question, its id if it has one, and the field."""
    if len(path) < 2:
        return ".".join(map(str, path)) or "the file"
    number = int(path[1])
    item = content["questions"][number]
    name = f" ({item['id']})" if isinstance(item, dict) and "id" in item else ""
    steps = [step for step in path[2:] if step not in {_SOURCE, _EVIDENCE}]
    rest = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"question {number + 1}{name}{', ' if rest else ''}{rest.removeprefix('.')}"


def _told(file: Path, faults: list[str]) -> str:
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    return f"{file}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}"
