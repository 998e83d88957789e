"""The steps of a version's life as the command and the jobs take them, each in one call. Nothing is asserted here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.lifecycle import VersionStatus
from neural_memory_pipelines.domain.versions import EmbeddingVersion, Family
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.models.embedders.protocol import Embedder
from neural_memory_pipelines.retrieval.answers import Hit, Mode
from neural_memory_pipelines.steps.embed import embed_pending
from neural_memory_pipelines.steps.index import reconcile_index
from neural_memory_pipelines.steps.ingest import ingest_docs
from neural_memory_pipelines.steps.ingest_events import ingest_events
from neural_memory_pipelines.steps.persist import persist_pending
from neural_memory_pipelines.steps.pricing import FREE
from neural_memory_pipelines.steps.receive import receive_events
from neural_memory_pipelines.steps.report import StepReport
from neural_memory_pipelines.steps.scope import Scope
from neural_memory_pipelines.steps.versions.archive import archive
from neural_memory_pipelines.steps.versions.gate import Finding, Judged, judge
from neural_memory_pipelines.steps.versions.promote import Decision, promote
from neural_memory_pipelines.steps.versions.propose import begin_build, propose_version
from neural_memory_pipelines.stores.postgres import lifecycles
from neural_memory_pipelines.stores.postgres.lifecycles import Standing, TransitionRow
from tests.conftest import SAMPLES
from tests.models.cohere_server import CohereServer
from tests.steps.asking import ask
from tests.steps.pipeline import ingest_folder
from tests.steps.samples import guide, write_docs

HASHED = "hash/char-ngram-1536"
MINILM = "local/minilm-l6-v2"
COHERE = "cohere/embed-v4.0"

TOPICS = (
    "anchors", "berths", "cranes", "docks", "engines", "ferries", "gangways", "harbours", "islands", "jetties",
    "keels", "lanterns", "moorings", "nets", "oars", "piers", "quays", "ropes", "sails", "tides",
)  # fmt: skip
DECISION = Decision("ada", "it answers better")


def pages(*topics: str) -> dict[str, str]:
    """Write a page a topic, with a title that finds it and a decision that is observed."""
    decided = "\n## Decision\n\nWe check all {0} twice a week, as the storms of January broke some of the {0}.\n"
    return {f"{topic}.md": guide(topic, title=f"Handbook of the {topic}") + decided.format(topic) for topic in topics}


def other_session(session: Session, **changes: Any) -> Session:
    """Open a session with other settings on the same embedded stores."""
    return Session(session.settings.model_copy(update=changes), session.endpoints)


def with_cohere(server: CohereServer) -> dict[str, Any]:
    """Say which settings lead to a Cohere server."""
    return {
        "cohere_api_key": SecretStr(server.api_key),
        "cohere_base_url": server.url,
        "cohere_inputs_per_minute": 1_000_000,  # the limit has its own tests
    }


def tell(session: Session, workspace: WorkspaceId, folder: Path, files: Mapping[str, str]) -> None:
    """Bring a folder's pages as far as Postgres."""
    ingest_folder(session, workspace, write_docs(folder, files))
    stores = session.stores
    receive_events(workspace, stores=stores, new_workspace_version=session.new_workspace_version, organization_id="org")
    version = session.active_version(workspace)
    persist_pending(workspace, stores=stores, version=version, load_embedder=lambda: session.tokenizer(version))


def ingest_sample(session: Session, workspace: WorkspaceId) -> None:
    """Put the sample workspace of the project into the inbox: pages, issues, tickets, messages."""
    objects = session.stores.objects
    ingest_docs(SAMPLES / "docs", workspace=workspace, organization_id="org", objects=objects)
    for file in sorted(SAMPLES.glob("*.jsonl")):
        report = ingest_events(file, workspace=workspace, organization_id="org", objects=objects)
        assert report.put > 0


def bring_up_to_date(session: Session, workspace: WorkspaceId) -> None:
    """Embed and index at every version that new events go to."""
    for name in session.kept_versions(workspace):
        build(session, workspace, session.version(name))


def build(
    session: Session,
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    embedder: Embedder | None = None,
) -> dict[str, StepReport]:
    """Embed and index all families at a version; the reports are summed up by step."""
    begin_build(workspace, version, stores=session.stores)
    totals = {"embed": StepReport(), "index": StepReport()}
    price = FREE if embedder else session.price(version.model)
    for family in Family:
        scope = Scope(workspace, version, family, session.stores)
        load = partial(_load, session, version, embedder)
        embedded = embed_pending(scope, load_embedder=load, price=price)
        for step, report in (("embed", embedded), ("index", reconcile_index(scope))):
            _add(totals[step], report)
    return totals


def propose(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> VersionStatus:
    """Propose a version."""
    return propose_version(workspace, version, stores=session.stores, decided_by="ada", reason="a trial")


def judge_version(
    session: Session,
    workspace: WorkspaceId,
    version: EmbeddingVersion,
    *,
    load_embedder: Callable[[EmbeddingVersion], Embedder] | None = None,
) -> dict[str, Finding]:
    """Ask the gate."""
    judged = Judged(
        workspace,
        version,
        session.active_version(workspace),
        session.stores,
        load_embedder or session.embedder,
        session.settings.gate_most_loss,
    )
    return {finding.name: finding for finding in judge(judged)}


def successor_built(session: Session, workspace: WorkspaceId, model: str, **options: Any) -> EmbeddingVersion:
    """Propose the version that follows the active one, build it, and ask its gate."""
    version = session.successor(workspace, model=model, **options)
    propose(session, workspace, version)
    build(session, workspace, version)
    judge_version(session, workspace, version)
    return version


def promote_it(session: Session, workspace: WorkspaceId, version: EmbeddingVersion, *, force: bool = False) -> str:
    """Promote a version."""
    decision = Decision(DECISION.decided_by, DECISION.reason, force)
    return promote(workspace, version, stores=session.stores, decision=decision)


def archive_it(
    session: Session, workspace: WorkspaceId, version: EmbeddingVersion, *, drop_vectors: bool = False
) -> StepReport:
    """Archive a version."""
    return archive(
        workspace, version, stores=session.stores, decided_by="ada", reason="a trial", drop_vectors=drop_vectors
    )


def status_of(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> VersionStatus:
    """Read where a version stands."""
    return standing_of(session, workspace, version).status


def standing_of(session: Session, workspace: WorkspaceId, version: EmbeddingVersion) -> Standing:
    """Read all that is known of a version in a workspace."""
    with session.stores.database.transaction(workspace) as tx:
        standing = lifecycles.standing(tx, version.name)
    assert standing is not None
    return standing


def history(session: Session, workspace: WorkspaceId) -> list[TransitionRow]:
    """Read the audit."""
    with session.stores.database.transaction(workspace) as tx:
        return lifecycles.transitions(tx)


def hits(
    session: Session, workspace: WorkspaceId, question: str, *, limit: int = 5, mode: Mode = Mode.HYBRID
) -> list[Hit]:
    """Search at the active version."""
    return ask(session, workspace, question, limit=limit, mode=mode)


def _load(session: Session, version: EmbeddingVersion, embedder: Embedder | None) -> Embedder:
    return embedder or session.embedder(version)


def _add(total: StepReport, report: StepReport) -> None:
    for name in ("seen", "written", "unchanged", "deleted", "failed", "tokens", "dollars"):
        setattr(total, name, getattr(total, name) + getattr(report, name))
    total.notes += report.notes
