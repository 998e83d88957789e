"""An observation has a vector for each view that is there: a missing title or summary never borrows another's."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from neural_memory_pipelines.domain.ids import hash_text
from neural_memory_pipelines.domain.versions import Family
from neural_memory_pipelines.steps.scope import Scope
from tests.steps.dumps import rows

from .conftest import Memory
from .migrating import build, propose
from .models import TURNED

OBSERVATIONS = "SELECT observation_id, text, title, summary FROM memory_observations ORDER BY observation_id"
LEDGER = """SELECT vector_id, content_hash FROM vector_entries WHERE family = 'observations'
    AND embedding_version = :version ORDER BY vector_id"""


@pytest.mark.parametrize("missing", [("title",), ("summary",), ("title", "summary")])
def test_a_missing_view_gives_no_vector(memory: Memory, missing: tuple[str, ...]) -> None:
    session, workspace, candidate = memory.session, memory.workspace, memory.candidate
    observed = rows(session, workspace, OBSERVATIONS)
    assert len(observed) >= 4
    bare = observed[0][0]
    with session.stores.database.transaction(workspace) as tx:
        of_bare = f"WHERE observation_id = '{bare}'"
        full = f"UPDATE memory_observations SET title = 'A title', summary = 'A summary' {of_bare}"
        tx.connection.execute(text(full))
        for view in missing:
            tx.connection.execute(text(f"UPDATE memory_observations SET {view} = NULL {of_bare}"))
    propose(session, workspace, candidate)
    build(session, workspace, candidate)

    views = {
        f"{key}:{view}": hash_text(body)
        for key, *bodies in rows(session, workspace, OBSERVATIONS)
        for view, body in zip(("body", "title", "summary"), bodies, strict=True)
        if body is not None
    }
    assert {f"{bare}:{view}" for view in ("body", "title", "summary")} - views.keys() == {
        f"{bare}:{view}" for view in missing
    }
    assert dict(rows(session, workspace, LEDGER, version=candidate.name)) == views
    assert Scope(workspace, candidate, Family.OBSERVATIONS, session.stores).indexed_ids() == views.keys()
    embedded = session.spies[TURNED].embedded
    assert ("A title" in embedded, "A summary" in embedded) == ("title" not in missing, "summary" not in missing)


def test_a_view_that_goes_takes_its_vector_along(memory: Memory) -> None:
    session, workspace, served = memory.session, memory.workspace, memory.served
    key = rows(session, workspace, "SELECT min(observation_id) FROM memory_observations WHERE title IS NOT NULL")[0][0]
    scope = Scope(workspace, served, Family.OBSERVATIONS, session.stores)
    assert f"{key}:title" in scope.indexed_ids()
    with session.stores.database.transaction(workspace) as tx:
        tx.connection.execute(text(f"UPDATE memory_observations SET title = NULL WHERE observation_id = '{key}'"))
    before = scope.indexed_ids()
    build(session, workspace, served)
    assert before - scope.indexed_ids() == {f"{key}:title"}
