"""`neural-memory trace`: what something was made from, down to raw bytes, or what was made from it, as a tree.

What leads where is known to `stores/postgres/tracing/`.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_json
from neural_memory_pipelines.cli.pages import with_iso_times
from neural_memory_pipelines.cli.trace_tree import tree_of
from neural_memory_pipelines.domain.ids import WorkspaceId
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.local.session import Session
from neural_memory_pipelines.retrieval.artifacts import RawArtifact, raw_artifacts
from neural_memory_pipelines.retrieval.tracing import SHOWN_OF_EACH
from neural_memory_pipelines.retrieval.tracing import trace as trace_to_origin
from neural_memory_pipelines.sources.envelope import workspace_id

_FILE_WIDTH = 10_000
_WITHHELD = "only some may read it, or its source deleted what it says: --private prints it if you may"


_Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="An id or the beginning of one, a vector id, a source with its id, such as "
        '"github acme/shop#12", the key of a raw artifact or of an event, or the name of an entity.',
    ),
]


def trace(
    id_: _Id,
    *,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory.")],
    used_by: Annotated[bool, typer.Option("--used-by", help="Up instead: what was made from it.")] = False,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Print the bytes of the latest raw artifact, as received: nothing is redacted."),
    ] = False,
    whole: Annotated[
        bool,
        typer.Option("--all", help="Show all of every branch; with --raw, print all artifacts, named on stderr."),
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Also what only some may read, or what its source deleted.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Trace something down to the raw artifacts that it was made from, or with --used-by up to all made from it.

    ID is an id or the beginning of one, a vector id, a source with its id, such as "github acme/shop#12", the key of a
    raw artifact or of an event, or the name of a person, team, repository, component or project.
    """
    name, asked = workspace_id(workspace), id_.strip()
    if not asked:
        raise PermanentError("the id is empty: `neural-memory search` shows some with --json")
    if raw and (used_by or json):
        raise PermanentError("--raw prints bytes: it goes with neither --used-by nor --json")
    with ready_session() as session:
        built_version(session, name)
        if raw:
            _print_raw(session, name, asked, whole=whole, private=private)
            return
        root = trace_to_origin(
            asked,
            workspace=name,
            stores=session.stores,
            used_by=used_by,
            most=None if whole else SHOWN_OF_EACH,
            include_private=private,
        )
    if json:
        spelled: dict[str, Any] = with_iso_times(asdict(root))
        print_json(spelled)
    else:
        # In a file or a pipe, no line is cut and no id broken.
        console = out if out.is_terminal else Console(highlight=False, emoji=False, width=_FILE_WIDTH)
        console.print(tree_of(root), soft_wrap=False)


def _print_raw(session: Session, workspace: WorkspaceId, asked: str, *, whole: bool, private: bool) -> None:
    found = raw_artifacts(asked, workspace=workspace, stores=session.stores, include_private=private)
    chosen = found if whole else found[:1]
    withheld = [item for item in chosen if item.is_withheld]
    for item in chosen:
        if item.is_withheld:
            continue
        data = session.stores.objects.get(item.key)
        if whole:
            err.print(plain(f"{_told(item)}, {len(data):,} bytes"), markup=False)
            err.file.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    for item in withheld:
        err.print(plain(f"not printed: {item.key}: {_WITHHELD}"), markup=False)
    if withheld:
        raise typer.Exit(1)


def _told(item: RawArtifact) -> str:
    of = f" of {item.document}" if item.document else ""
    return f"{item.key}{of}" + (f" as of {item.as_of}" if item.as_of else "")
