"""`neural-memory similar`: what is nearest in meaning to something that the memory holds.

How that is found is `retrieval/`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import asked_at_one_version, ready_session
from neural_memory_pipelines.cli.output import out, plain, print_json
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.retrieval.similar import SimilarItem, find_similar
from neural_memory_pipelines.sources.envelope import workspace_id

_TEXT_SHOWN_CHARS = 240


def similar(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="A chunk, an observation, a summary, a document or an entity: its id or the beginning of that, a "
            'vector id, a source with its id, such as "github acme/shop#12", or the name of an entity.',
        ),
    ],
    *,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory.")],
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=100, help="Most answers.")] = 10,
    private: Annotated[bool, typer.Option("--private", help="Also what only some may read.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is nearest in meaning to something, of its own kind; its own document is left out.

    ID stands for a chunk, an observation, a summary, a document or an entity, as for `trace`.
    """
    name, asked = workspace_id(workspace), id_.strip()
    if not asked:
        raise PermanentError("the id is empty: `neural-memory search` shows some with --json")
    with ready_session() as session:
        found = asked_at_one_version(
            session,
            name,
            lambda version: find_similar(
                asked,
                workspace=name,
                stores=session.stores,
                version=version,
                limit=limit,
                include_private=private,
            ),
        )
    if json:
        print_json([asdict(item) for item in found])
    else:
        _print(found)


def _print(found: Sequence[SimilarItem]) -> None:
    if not found:
        out.print("nothing else of its kind is indexed (what only some may read is shown with --private)")
    for rank, item in enumerate(found, start=1):
        seen_by = ", private" if item.is_private else ""
        out.print(plain(f"{rank:>2}. {item.title}  ({item.similarity_cosine:.3f}, {item.kind}{seen_by})"), markup=False)
        where = item.id if item.source_id == item.id else f"{item.source} {item.source_id}  {item.id}"
        out.print(plain(f"    {where}"), style="cyan", markup=False)
        out.print(plain(f"    {clip(item.text, _TEXT_SHOWN_CHARS)}"), markup=False)
