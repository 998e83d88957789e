"""`neural-memory dead-letters`: see the events that could not be processed, replay them after a fix, or drop them.

What a replay does is decided in `steps/dead_letters.py`.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Annotated

import typer

from neural_memory_pipelines.cli.opening import built_version, ready_session
from neural_memory_pipelines.cli.output import err, out, plain, print_json, print_table
from neural_memory_pipelines.domain.redaction import RedactionPolicy, redact
from neural_memory_pipelines.domain.text import clip
from neural_memory_pipelines.errors import NotFoundError
from neural_memory_pipelines.sources.envelope import workspace_id
from neural_memory_pipelines.steps.dead_letters import choose, drop_dead_letters, readable, replay_dead_letters
from neural_memory_pipelines.stores.postgres.dead_letters import DeadLetter, list_dead_letters
from neural_memory_pipelines.stores.postgres.workspaces import redaction_policy

app = typer.Typer(help="Events that could not be processed: see, replay or drop them.", no_args_is_help=True)

_Workspace = Annotated[str, typer.Option("--workspace", "-w", help="Whose dead letters.")]
_ID_CHARS = 17


@app.command("list")
def list_(
    workspace: _Workspace,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most rows.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List dead letters with their reasons, the latest first."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            policy = _shown(redaction_policy(tx))
            letters = [_redacted(letter, policy) for letter in list_dead_letters(tx, limit=limit)]
    if json:
        print_json([asdict(letter) for letter in letters])
    elif not letters:
        out.print("no dead letters")
    else:
        rows = [
            {
                "id": letter.dead_letter_id[:_ID_CHARS],
                "event": f"{letter.source} {letter.action}" if letter.source else "unreadable",
                "origin": clip(letter.origin, 60),
                "reason": clip(letter.reason, 160),
            }
            for letter in letters
        ]
        print_table(f"dead letters of {name}", rows)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(help="The id, or its beginning.")],
    workspace: _Workspace,
    raw: Annotated[bool, typer.Option("--raw", help="Print nothing but the bytes, as received: not redacted.")] = False,
) -> None:
    """Show one dead letter whole, redacted as the workspace asks and never with secrets; --raw prints its bytes."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        with session.stores.database.transaction(name) as tx:
            found = choose(tx, [letter])[0]
            policy = _shown(redaction_policy(tx))
        data = session.stores.objects.get_many([found.raw_key]).get(found.raw_key)
    if raw:
        if data is None:
            raise NotFoundError(f"{found.dead_letter_id}: its bytes, {found.raw_key}, are gone")
        sys.stdout.buffer.write(data + b"\n")
        return
    told = asdict(_redacted(found, policy))
    rows = [{"what": field.replace("_", " "), "value": str(value)} for field, value in told.items() if value]
    print_table(f"dead letter {found.dead_letter_id}", rows)
    text = "its bytes are gone" if data is None else readable(data, policy)
    out.print(plain(text), markup=False)


@app.command()
def replay(
    workspace: _Workspace,
    letters: Annotated[list[str] | None, typer.Argument(help="Ids, or their beginnings; else all.")] = None,
) -> None:
    """Have dead letters processed again, after what stopped them was mended. Build afterwards."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        count = replay_dead_letters(name, letters or [], stores=session.stores)
    out.print(f"{count:,} dead letters wait to be processed again" if count else "no dead letters")
    if count:
        err.print(f"next: neural-memory build --workspace {name}")


@app.command()
def drop(
    workspace: _Workspace,
    letters: Annotated[list[str], typer.Argument(help="Ids, or their beginnings.")],
) -> None:
    """Give dead letters up: they leave the list, and their events count as skipped. Their bytes stay."""
    name = workspace_id(workspace)
    with ready_session() as session:
        built_version(session, name)
        dropped = drop_dead_letters(name, letters, stores=session.stores)
    for letter in dropped:
        out.print(plain(f"dropped {letter.dead_letter_id}; its bytes stay in {letter.raw_key}"), markup=False)


def _shown(policy: RedactionPolicy) -> RedactionPolicy:
    """Say what is redacted on a screen, where secrets never belong."""
    return RedactionPolicy.TOKENS if policy is RedactionPolicy.OFF else policy


def _redacted(letter: DeadLetter, policy: RedactionPolicy) -> DeadLetter:
    return replace(letter, reason=redact(letter.reason, policy).text, origin=redact(letter.origin, policy).text)
