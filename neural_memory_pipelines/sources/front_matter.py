"""Front matter of markdown files: YAML between lines of dashes, read with suspicion.

What a value means to a document is decided by the source that reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from neural_memory_pipelines.domain.blocks import split_front_matter
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip

_LIMIT_CHARS = 50_000
_ERROR_LIMIT_CHARS = 300


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The values at the top of a file, or what is wrong with them: one of the two is empty."""

    values: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    def word(self, *keys: str) -> str | None:
        """Look up the first of some keys that holds a text that is not blank, on one line."""
        for key in keys:
            value = self.values.get(key)
            if isinstance(value, str) and value.strip():
                return " ".join(value.split())
        return None

    def labels(self, *keys: str) -> frozenset[str]:
        """Gather the texts of the lists below some keys."""
        lists = [value for key in keys if isinstance(value := self.values.get(key), list)]
        return frozenset(label for own in lists for label in own if isinstance(label, str))

    def scalars(self) -> dict[str, Json]:
        """Choose the values that JSON can hold as they are; dates in ISO 8601."""
        chosen: dict[str, Json] = {}
        for key, value in self.values.items():
            if isinstance(value, date):
                chosen[key] = value.isoformat()
            elif isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
                chosen[key] = value
        return chosen


def read_front_matter(content: str) -> tuple[FrontMatter, str]:
    """Part a file into its front matter and its body. Front matter that cannot be read stays in the body."""
    text, body = split_front_matter(content)
    if text is None:
        return FrontMatter(), body
    front = _load(text)
    return front, content.removeprefix("\ufeff") if front.error else body


def _load(text: str) -> FrontMatter:
    if len(text) > _LIMIT_CHARS:
        return FrontMatter(error=f"longer than {_LIMIT_CHARS} characters")
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # ValueError: dates and numbers that cannot be. RecursionError: brackets nested by the hundred.
        return FrontMatter(error=clip(f"{type(error).__name__}: {error}", _ERROR_LIMIT_CHARS))
    if values is None:
        return FrontMatter()
    if not isinstance(values, dict):
        return FrontMatter(error=f"expected keys and values, got {type(values).__name__}")
    return FrontMatter({_storable(str(key)): _storable(value) for key, value in values.items()})


def _storable(value: Any) -> Any:
    # YAML can spell what no database stores: NUL and halves of surrogate pairs.
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if isinstance(value, str) else value
