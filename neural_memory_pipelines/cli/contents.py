"""`neural-memory contents`: whole texts by id, in the order asked for.

Where texts are read from is `retrieval/`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_json
from neural_memory_pipelines.cli.pages import with_iso_times
from neural_memory_pipelines.retrieval.contents import Content, read_contents
from neural_memory_pipelines.sources.envelope import workspace_id


def contents(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...",
            help="Ids of documents, chunks, observations or summaries, beginnings of them, vector ids, or a source "
            'with its id, such as "github acme/shop#12".',
        ),
    ],
    *,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory.")],
    private: Annotated[bool, typer.Option("--private", help="Also what only some may read.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the whole texts of what ids stand for. Exits 1 if one of them cannot be shown, after the others.

    An ID stands for a document, a chunk, an observation or a summary, as for `trace`.
    """
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        read = read_contents(ids, workspace=name, stores=session.stores, include_private=private)
    for note in read.notes:
        err.print(plain(f"note: {note}"), markup=False)
    if json:
        print_json(with_iso_times([asdict(content) for content in read.found]))
    else:
        _print(read.found)
    for item in read.missing:
        err.print(plain(f"not shown: {item.asked}: {item.reason}"), markup=False)
    if read.missing:
        raise typer.Exit(1)


def _print(found: Sequence[Content]) -> None:
    for number, content in enumerate(found):
        if number:
            out.print()
        seen_by = ", private" if content.is_private else ""
        out.print(plain(content.title), style="bold", markup=False)
        where = f"{content.source} {content.source_id}  {content.kind} {content.id}"
        out.print(plain(f"{where}  {content.occurred_at:%Y-%m-%d}{seen_by}"), style="cyan", markup=False)
        out.print(plain(content.text), markup=False)
