"""Asks a memory and shows its answers."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from neural_memory_pipelines.cli.output import out
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.dense import Hit, search

_TEXT_SHOWN_CHARS = 240


def ask(session: Session, question: str, workspace: WorkspaceId, *, limit: int) -> list[Hit]:
    """Search a workspace at its active embedding version."""
    version = session.active_version(workspace)
    return search(
        question,
        workspace=workspace,
        stores=session.stores,
        version=version,
        embedder=session.embedder(version),
        limit=limit,
    )


def print_hits(hits: Sequence[Hit]) -> None:
    """Show hits, best first."""
    if not hits:
        out.print("no answer: nothing is indexed in this workspace yet")
    for rank, hit in enumerate(hits, start=1):
        out.print(f"{rank:>2}. [bold]{escape(hit.title)}[/bold]  ({hit.score:.3f}, {hit.kind})")
        out.print(f"    {escape(hit.source)} {escape(hit.source_id)}", style="cyan")
        out.print(f"    {escape(clip(hit.text, _TEXT_SHOWN_CHARS))}")
