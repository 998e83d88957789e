"""The `neural-memory` command: its subcommands, and how errors become exit codes.

Exit codes: 0 done; 1 a check or a build failed, or some input was refused; 2 bad usage, input or configuration;
3 a store or service did not answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from neural_memory_pipelines.cli import demo, ingest, memory, stack
from neural_memory_pipelines.cli.output import err
from neural_memory_pipelines.errors import NeuralMemoryError, TransientError

app = typer.Typer(
    help="Turn a team's source events into a searchable memory.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(ingest.app, name="ingest")
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(demo.demo, memory.build, memory.search, memory.status),
    *(stack.up, stack.down, stack.doctor, stack.migrate, stack.reset, stack.env),
)
for _command in _COMMANDS:
    app.command()(_command)


def main() -> None:
    """Run the command; our own errors end in one line and an exit code, all others in a traceback."""
    try:
        app()
    except TransientError as error:
        err.print(f"[red]error:[/red] {_plain(error)}")
        sys.exit(3)
    except NeuralMemoryError as error:
        err.print(f"[red]error:[/red] {_plain(error)}")
        sys.exit(2)


def _plain(error: Exception) -> str:
    # Square brackets in a message are not markup.
    return str(error).replace("[", "\\[")


if __name__ == "__main__":
    main()
