"""Front matter of files: YAML between lines of dashes, read with suspicion, and values by key whatever their spelling.

What a value means to a document is decided by the source that reads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import yaml

from neural_memory_pipelines.domain.blocks import split_front_matter
from neural_memory_pipelines.domain.ids import Json
from neural_memory_pipelines.domain.text import clip

_LIMIT_CHARS = 50_000
_ERROR_LIMIT_CHARS = 300
_NAMING_KEYS = ("name", "login", "github", "path", "url", "href", "id", "title")


class _Loader(yaml.SafeLoader):
    """Reads 0010 as the text that it is: YAML 1.1 has it for an octal number, those who number documents do not."""


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int | str:
    value = str(loader.construct_scalar(node))
    return value if _PADDED.match(value) else loader.construct_yaml_int(node)


_PADDED = re.compile(r"0\d+\Z")
_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


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

    def texts(self, key: str) -> list[str]:
        """List the texts and whole numbers below a key, however its name is spelled ("Superseded-By", "superseded_by").

        A list gives one text an item, and an item with keys what its name, path or address says.
        """
        return [
            text
            for spelled, value in self.values.items()
            if _folded(spelled) == key
            for item in (value if isinstance(value, list) else [value])
            if (text := _text_of(item)).strip()
        ]

    def moment(self, *keys: str) -> datetime | None:
        """Read the date of the first of some keys that has one, as aware UTC; a date without a time is its midnight."""
        for key in keys:
            for spelled, value in self.values.items():
                if _folded(spelled) == key and (found := _moment_of(value)):
                    return found
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


def _folded(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.strip().lower())


def _text_of(value: Any) -> str:
    """Spell a value as a text; "" for what is none, and for an object that does not name itself."""
    if isinstance(value, Mapping):
        return next((str(value[key]) for key in _NAMING_KEYS if isinstance(value.get(key), str | int)), "")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _moment_of(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _load(text: str) -> FrontMatter:
    if len(text) > _LIMIT_CHARS:
        return FrontMatter(error=f"longer than {_LIMIT_CHARS} characters")
    try:
        values = yaml.load(text, _Loader)  # noqa: S506 - a safe loader, see above
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
