"""What the models of all payloads share: how strict they are, and how they read texts and times.

The objects of a system are in its own `payloads.py`; saying what is wrong with one happens in `reading.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator

from neural_memory_pipelines.domain.documents import storable
from neural_memory_pipelines.sources.times import utc_time


class Model(BaseModel):
    """What all objects have in common: exact types, and no care for what they hold beside."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


def time_of(value: object) -> datetime:
    """Read an ISO 8601 time with an offset, as UTC.

    Raises:
        ValueError: it is something else; the message says what was expected.
    """
    moment = utc_time(value)
    if moment is None:
        raise ValueError("an ISO 8601 time with an offset")
    return moment


def unix_lines(text: str) -> str:
    """End every line with a line feed alone: editors on the web and checkouts on Windows send CRLF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _optional_time(value: object) -> datetime | None:
    return None if value is None else time_of(value)


def _text(value: str) -> str:
    return storable(unix_lines(value))


Text = Annotated[str, AfterValidator(_text)]
"""A text that a database can keep: NUL and lone surrogates are replaced, or refused where its length is limited."""

Time = Annotated[datetime, PlainValidator(time_of)]
OptionalTime = Annotated[datetime | None, PlainValidator(_optional_time)]
