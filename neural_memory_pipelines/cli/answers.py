"""Asks a memory and shows its answers.

How answers are found is `retrieval/`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape

from neural_memory_pipelines.cli.opening import built_version
from neural_memory_pipelines.cli.output import out, plain
from neural_memory_pipelines.domain.documents import Privacy
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.domain.versions import EmbeddingVersion
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.dense import Hit, search

_TEXT_SHOWN_CHARS = 240


def ask(
    session: Session,
    question: str,
    workspace: WorkspaceId,
    *,
    limit: int,
    include_private: bool = False,
    version: EmbeddingVersion | None = None,
) -> list[Hit]:
    """Search a workspace at its active embedding version, or at `version`.

    What only some may read is left out unless it is asked for.

    Raises:
        NotFoundError: there is no such workspace, or it was never built.
    """
    asked = version or built_version(session, workspace)
    while True:
        try:
            hits = search(
                question,
                workspace=workspace,
                stores=session.stores,
                version=asked,
                embedder=session.embedder(asked),
                limit=limit,
                include_private=include_private,
            )
        except NotFoundError:
            hits = []  # no workspace is indexed at this version yet
        served = version or session.active_version(workspace)
        if served == asked:
            return hits
        # Another version was promoted meanwhile, and this one perhaps archived: its answer may lack what is there.
        asked = served


def print_hits(hits: Sequence[Hit]) -> None:
    """Show hits, best first."""
    if not hits:
        hint = "what only some may read is shown with --private"
        out.print(f"no answer: nothing of this workspace is indexed; run `neural-memory build` ({hint})")
    for rank, hit in enumerate(hits, start=1):
        seen_by = "" if hit.privacy == Privacy.ORG else f", {_shown(hit.privacy)}"
        out.print(f"{rank:>2}. [bold]{_shown(hit.title)}[/bold]  ({hit.score:.3f}, {hit.kind}{seen_by})")
        out.print(f"    {_shown(hit.source)} {_shown(hit.source_id)}", style="cyan")
        out.print(f"    {_shown(clip(hit.text, _TEXT_SHOWN_CHARS))}")


def _shown(text: str) -> str:
    return escape(plain(text))
