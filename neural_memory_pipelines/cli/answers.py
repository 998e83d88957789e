"""Asks a memory and shows its answers.

How answers are found is `retrieval/`'s part.
"""

from __future__ import annotations

from rich.markup import escape

from neural_memory_pipelines.cli.opening import asked_at_one_version
from neural_memory_pipelines.cli.output import err, out, plain
from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.answers import Answer, Hit, SearchRequest
from neural_memory_pipelines.retrieval.search import search

_TEXT_SHOWN_CHARS = 240
_QUOTE_SHOWN_CHARS = 100


def ask(
    session: Session, request: SearchRequest, workspace: WorkspaceId, *, version: EmbeddingVersion | None = None
) -> Answer:
    """Search a workspace at its active embedding version, or at `version`.

    Raises:
        NotFoundError: there is no such workspace, it was never built, or it knows no such author.
        PermanentError: a filter in the question means nothing.
    """

    def at(asked: EmbeddingVersion) -> Answer:
        return search(
            request,
            workspace=workspace,
            stores=session.stores,
            version=asked,
            embedder=session.embedder(asked),
            reranker=session.reranker() if request.rerank else None,
        )

    return at(version) if version is not None else asked_at_one_version(session, workspace, at)


def print_answer(answer: Answer, *, explain: bool = False) -> None:
    """Show hits, best first, on request with the reasons."""
    for note in answer.notes:
        err.print(plain(f"note: {note}"), markup=False)
    if not answer.hits:
        hint = "what only some may read is shown with --private"
        out.print(f"no answer: nothing fits, or nothing is indexed yet (`neural-memory build`); {hint}")
    for rank, hit in enumerate(answer.hits, start=1):
        _print_hit(rank, hit)
        if explain:
            _print_reasons(hit)
    if explain:
        stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in answer.latency_ms.items())
        out.print(f"found by {answer.mode} at {answer.embedding_version}; milliseconds: {stages}", style="dim")


def _print_hit(rank: int, hit: Hit) -> None:
    seen_by = "" if hit.privacy == Privacy.ORG else f", {_shown(hit.privacy)}"
    out.print(f"{rank:>2}. [bold]{_shown(hit.title)}[/bold]  ({hit.score:.3f}, {hit.kind}{seen_by})")
    out.print(f"    {_shown(hit.source)} {_shown(hit.source_id)}", style="cyan")
    out.print(f"    {_shown(clip(hit.text, _TEXT_SHOWN_CHARS))}")


def _print_reasons(hit: Hit) -> None:
    terms = "  ".join(f"{term.name} {term.points:+.3f} ({term.value:.3f} x {term.weight:g})" for term in hit.terms)
    out.print(f"    score: {terms}", style="dim", markup=False)
    for edge in hit.edges:
        because = f', because "{clip(edge.because, _QUOTE_SHOWN_CHARS)}"' if edge.because else ""
        line = f"hop {edge.hops}: {edge.origin} {edge.type} {edge.target} ({edge.relationship_id}{because})"
        out.print(f"    {plain(line)}", style="dim", markup=False)
    if hit.evidence:
        out.print(f"    cites: {', '.join(hit.evidence)}", style="dim", markup=False)


def _shown(text: str) -> str:
    return escape(plain(text))
