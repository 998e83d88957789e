"""Which questions a suite asks of a workspace. They are asked in `ask.py`."""

from __future__ import annotations

from dataclasses import dataclass

from neural_memory_pipelines.domain.evaluation import Suite
from neural_memory_pipelines.domain.ids import ContentHash, WorkspaceId
from neural_memory_pipelines.domain.questions import Question, questions_hash, smoke_questions
from neural_memory_pipelines.stores.bundle import Stores
from neural_memory_pipelines.stores.postgres import questions

_MOST_TITLES = 200


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked, and whether the questions are the workspace's own; else titles of documents stand in."""

    asked: tuple[Question, ...]
    are_own: bool

    @property
    def hash(self) -> ContentHash:
        """The same for runs that asked the same."""
        return questions_hash(self.asked)


def questions_of(suite: Suite, workspace: WorkspaceId, stores: Stores) -> Questions:
    """Read the questions that a suite asks: all, but of the smoke suite a few.

    Those of the smoke suite are the ones tagged `smoke`; where none is, the five that weigh most. All other suites ask
    those too. Where a workspace has no questions, titles of its documents stand in, at most 200: each should find the
    documents that bear it.
    """
    with stores.database.transaction(workspace) as tx:
        own = questions.own_questions(tx)
        asked = own or questions.titles_as_questions(tx, limit=_MOST_TITLES)
    return Questions(tuple(smoke_questions(asked) if suite is Suite.SMOKE else asked), bool(own))
