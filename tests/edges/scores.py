"""How well what the pipeline states agrees with the labels: precision and recall, by type of edge.

A label and an edge agree if origin, type and target are the same; where in the text it stands is tested elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from neural_memory_pipelines.domain.graph import EdgeType
from tests.edges.labelled import Edge, LabelledFile, labelled_files
from tests.edges.stated import github_edges, handbook_edges, handbook_shelf, pep_edges, peps_shelf


@dataclass(slots=True)
class Score:
    """Counts of edges; `misses` says which label was not found, and which edge is not labelled, and by what words."""

    right: Counter[EdgeType] = field(default_factory=Counter)
    wrong: Counter[EdgeType] = field(default_factory=Counter)
    missed: Counter[EdgeType] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def count(self, labelled: LabelledFile, found: dict[Edge, str]) -> None:
        """Compare what was found in a file with its labels. Edges of a type that was not labelled do not count."""
        judged = {edge: words for edge, words in found.items() if edge.type in labelled.types}
        for edge in labelled.edges.keys() & judged.keys():
            self.right[edge.type] += 1
        for edge in sorted(judged.keys() - labelled.edges.keys()):
            self.wrong[edge.type] += 1
            self.misses.append(f"not labelled: {_line(labelled.file, edge)} by {judged[edge]!r}")
        for edge in sorted(labelled.edges.keys() - judged.keys()):
            self.missed[edge.type] += 1
            self.misses.append(f"not found: {_line(labelled.file, edge)} by {labelled.edges[edge]!r}")

    def add(self, other: Score) -> None:
        """Add the counts of another set."""
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed
        self.misses += other.misses

    def precision(self, *types: EdgeType) -> float:
        """Compute which share of the edges found is labelled, of some types or of all; 1.0 if none was found."""
        right, wrong = _sum(self.right, types), _sum(self.wrong, types)
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, *types: EdgeType) -> float:
        """Compute which share of the labels was found, of some types or of all; 1.0 if there are none."""
        right, missed = _sum(self.right, types), _sum(self.missed, types)
        return right / (right + missed) if right + missed else 1.0


def score_set(name: str, data: Path) -> Score:
    """Run the files of a set of labels through redaction and parsing, and compare."""
    score = Score()
    shelf = {"peps": peps_shelf, "handbook": handbook_shelf}[name](data) if name != "github" else None
    for labelled in labelled_files(name):
        if shelf is None:
            found = github_edges(data, labelled.file)
        elif name == "peps":
            found = pep_edges(data, labelled.file, shelf)
        else:
            found = handbook_edges(data, labelled.file, shelf)
        score.count(labelled, found)
    return score


def _line(file: str, edge: Edge) -> str:
    return f"{file}: {edge.origin} {edge.type} {edge.target}"


def _sum(counts: Counter[EdgeType], types: tuple[EdgeType, ...]) -> int:
    return sum(counts[kind] for kind in types) if types else counts.total()
