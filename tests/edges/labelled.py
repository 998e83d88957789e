"""The labels: which edges a careful reader says that a file states, read from `labels/*.yaml`.

How they were made is told in README.md. What the pipeline says of the same files is read in `stated.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from neural_memory_pipelines.domain.graph import EdgeType

LABELS = Path(__file__).parent / "labels"
SETS = ("github", "handbook", "peps")


class Edge(NamedTuple):
    """An edge, read from origin to target, by names in lower case: "github:acme/shop#12", "person:ada lovelace"."""

    origin: str
    type: EdgeType
    target: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file and all edges of some types that it states, each with the field or the words that state it."""

    file: str
    types: frozenset[EdgeType]
    edges: dict[Edge, str]


def labelled_files(name: str) -> Iterator[LabelledFile]:
    """Read one set of labels."""
    for entry in yaml.safe_load((LABELS / f"{name}.yaml").read_text(encoding="utf-8")):
        edges = {
            Edge(label["from"].lower(), EdgeType(label["type"]), label["to"].lower()): label["where"]
            for label in entry["edges"]
        }
        assert len(edges) == len(entry["edges"]), f"{entry['file']}: an edge is labelled twice"
        yield LabelledFile(entry["file"], frozenset(map(EdgeType, entry["types"])), edges)
