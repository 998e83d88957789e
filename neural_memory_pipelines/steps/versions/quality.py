"""Asks a workspace's questions at an embedding version, by dense search alone.

What the answers are worth is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.questions import Answered, Quality, Question, place_of_answer, quality_of
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.retrieval.dense import search
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import questions

LoadEmbedder = Callable[[EmbeddingVersion], Embedder]

_MOST_TITLES = 200
_TOP = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions by the same questions; `worse` are those that the candidate answers later, worst first."""

    candidate: Quality
    served: Quality
    are_own: bool
    worse: tuple[tuple[Answered, Answered], ...]


def asked_questions(workspace: WorkspaceId, stores: Stores) -> tuple[list[Question], bool]:
    """Read the workspace's questions; where it has none, titles of its documents stand in.

    Returns:
        The questions, and whether they are its own.
    """
    with stores.database.transaction(workspace) as tx:
        own = questions.own_questions(tx)
        return (own, True) if own else (questions.titles_as_questions(tx, limit=_MOST_TITLES), False)


def compare(
    workspace: WorkspaceId,
    candidate: EmbeddingVersion,
    served: EmbeddingVersion,
    *,
    stores: Stores,
    load_embedder: LoadEmbedder,
) -> Comparison:
    """Ask the same questions at two versions."""
    asked, are_own = asked_questions(workspace, stores)
    both = [
        _answers(workspace, version, asked, stores=stores, embedder=load_embedder(version))
        for version in (candidate, served)
    ]
    pairs = list(zip(*both, strict=True))
    worse = [(new, old) for new, old in pairs if _later(new) > _later(old)]
    worse.sort(key=lambda pair: (_later(pair[1]) - _later(pair[0]), pair[0].question.id))
    return Comparison(quality_of(both[0]), quality_of(both[1]), are_own, tuple(worse))


def _answers(
    workspace: WorkspaceId, version: EmbeddingVersion, asked: Sequence[Question], *, stores: Stores, embedder: Embedder
) -> list[Answered]:
    answers = []
    for question in asked:
        hits = search(question.text, workspace=workspace, stores=stores, version=version, embedder=embedder, limit=_TOP)
        answers.append(place_of_answer(question, [(hit.source, hit.source_id) for hit in hits]))
    return answers


def _later(answered: Answered) -> int:
    return answered.place or _TOP + 1
