"""A vector is traced at every embedding version that an index holds it at: served, retired, or archived since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.tracing import trace
from neural_memory_pipelines.stores.postgres.tracing.kinds import Kind
from tests.retrieval.traced import of_kind, under
from tests.steps.dumps import rows
from tests.versions.migrating import archive_it, bring_up_to_date, build, pages, promote_it, propose, tell
from tests.versions.models import TrialSession, turned


@pytest.fixture
def trial(session: Session) -> Iterator[TrialSession]:
    with closing(TrialSession.beside(session)) as trial:
        yield trial


def test_a_vector_of_a_retired_version_is_traced_like_any_other(
    trial: TrialSession, workspace: WorkspaceId, tmp_path: Path
) -> None:
    tell(trial, workspace, tmp_path / "docs", pages("anchors"))
    bring_up_to_date(trial, workspace)
    old = trial.active_version(workspace)
    new = turned(old)
    propose(trial, workspace, new)
    build(trial, workspace, new)
    promote_it(trial, workspace, new, force=True)
    ((vector,),) = rows(trial, workspace, "SELECT vector_id FROM vector_entries WHERE vector_id LIKE '%#%' "
                                          "GROUP BY 1 HAVING count(*) = 2 ORDER BY 1 LIMIT 1")  # fmt: skip

    def standing() -> dict[object, object]:
        root = trace(vector, workspace=workspace, stores=trial.stores, used_by=True)
        return {node.facts["embedding_version"]: node.facts["version_status"] for node in under(root, "ledger")}

    assert standing() == {old.name: "retired", new.name: "active"}
    chunk = of_kind(trace(vector, workspace=workspace, stores=trial.stores), Kind.CHUNK)[0].id
    above = trace(chunk, workspace=workspace, stores=trial.stores, used_by=True)
    assert {node.facts["embedding_version"] for node in under(above, "vectors")} == {old.name, new.name}

    archive_it(trial, workspace, old)
    assert standing() == {new.name: "active"}
    assert of_kind(trace(vector, workspace=workspace, stores=trial.stores), Kind.RAW)
