"""`neural-memory search`: asks a memory, in plain words, by identifiers, or within filters.

How answers are found is `retrieval/`'s part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neural_memory_pipelines.cli.answers import ask, print_answer
from neural_memory_pipelines.cli.embeddings_choices import version_in
from neural_memory_pipelines.cli.opening import ready_session
from neural_memory_pipelines.cli.output import print_json
from neural_memory_pipelines.domain.query_filters import read_filters
from neural_memory_pipelines.errors import PermanentError
from neural_memory_pipelines.retrieval.answers import Answer, Mode, SearchRequest
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.sources.registry import SOURCES

_Question = Annotated[
    str,
    typer.Argument(
        help='A question in plain words; identifiers (#123, ABC-12, repo:path), "exact words" and filters '
        "(source:github author:@sanne after:2026-06) may stand in it."
    ),
]
_Sources = Annotated[list[str] | None, typer.Option(help="Only documents of this source. Repeat: any of them.")]
_Types = Annotated[list[str] | None, typer.Option("--type", help="Only this type, such as issue, pull_request, page.")]
_Authors = Annotated[list[str] | None, typer.Option(help="Only documents of this author: a name or @login.")]
_After = Annotated[str | None, typer.Option(help="Only since then: 2026-06-11, 2026-06, 2026, 7d, today.")]
_Before = Annotated[str | None, typer.Option(help="Only before then.")]
_Rerank = Annotated[
    bool, typer.Option("--rerank/--no-rerank", help="Let the reranker of the settings, if any, have the last word.")
]
_Private = Annotated[
    bool, typer.Option("--private", help="Also show what only some may read, such as direct messages.")
]
_Explain = Annotated[
    bool, typer.Option("--explain", help="Show each term of the scores, the edges used, and how long it took.")
]
_Version = Annotated[
    str | None, typer.Option("--version", hidden=True, help="Ask at this embedding version, to compare answers.")
]


def search(  # noqa: PLR0913 - each is an option of the command
    question: _Question,
    *,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Whose memory to ask.")],
    mode: Annotated[Mode, typer.Option(help="By meaning, by words, or by all that is known.")] = Mode.HYBRID,
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=100, help="Most hits.")] = 10,
    source: _Sources = None,
    type_: _Types = None,
    author: _Authors = None,
    after: _After = None,
    before: _Before = None,
    rerank: _Rerank = True,
    private: _Private = False,
    explain: _Explain = False,
    version: _Version = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with the terms of the scores.")] = False,
) -> None:
    """Ask a workspace's memory.

    QUESTION is in plain words. Identifiers (#123, ABC-12, repo:path), "exact words" and filters (source:github
    type:issue author:@sanne after:2026-06 before:7d) may stand in it.
    """
    if not question.strip():
        raise PermanentError('the question is empty: ask something, such as "who owns the receiver?"')
    name = workspace_id(workspace)
    lists = {"source": source, "type": type_, "author": author}
    given = [(key, value) for key, values in lists.items() for value in values or ()]
    given += [(key, value) for key, value in (("after", after), ("before", before)) if value is not None]
    filters = read_filters(given, sources=SOURCES, now=datetime.now(UTC))
    request = SearchRequest(question, mode, limit, filters, include_private=private, rerank=rerank)
    with ready_session() as session:
        asked = version_in(session, name, version) if version is not None else None
        answer = ask(session, request, name, version=asked)
    if json:
        print_json(_spelled(answer))
    else:
        print_answer(answer, explain=explain)


def _spelled(answer: Answer) -> dict[str, Any]:
    spelled = asdict(answer)
    hits: Sequence[dict[str, Any]] = spelled["hits"]
    for hit in hits:
        hit["occurred_at"] = hit["occurred_at"].isoformat()
    return spelled
