"""Reads pictures out of markdown, as a browser would show them. What they should show is up to the tests."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imread

_IMAGE = re.compile(r"!\[([^\]]+)\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)")


@dataclass(frozen=True)
class Picture:
    """A picture: what it is said to show, its size in pixels, and how many colors it has."""

    alternative: str
    width: int
    height: int
    colors: int


def picture_in(markdown: str) -> Picture:
    """Decode the picture that is all of a markdown text."""
    found = _IMAGE.fullmatch(markdown)
    assert found, markdown[:100]
    pixels = np.round(imread(io.BytesIO(base64.b64decode(found[2], validate=True)), format="png") * 255)
    height, width, channels = pixels.shape
    assert channels == 4
    return Picture(found[1], width, height, len(np.unique(pixels.reshape(-1, channels), axis=0)))
