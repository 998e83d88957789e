"""The `neural-memory` command: its subcommands, and how errors become exit codes.

Exit codes: 0 done; 1 a check or a build failed, or something was refused; 2 bad usage, input or configuration;
3 a store or service did not answer; 130 interrupted.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import typer

from neural_memory_pipelines.cli import (
    consolidate,
    consolidation,
    contents,
    dead_letters,
    demo,
    doctor,
    embeddings,
    evaluate,
    evaluation,
    ingest,
    memory,
    persons,
    profile,
    questions,
    rebuild,
    redaction,
    search,
    similar,
    stack,
    summaries,
    topics,
    trace,
)
from neural_memory_pipelines.cli.output import print_error
from neural_memory_pipelines.errors import NeuralMemoryError, TransientError

_EXIT_CODES = """Exit codes: 0 done; 1 a check or a build failed, or something was refused; 2 bad usage, input or
settings; 3 a store or service did not answer; 130 interrupted."""

app = typer.Typer(
    help="Turn a team's source events into a searchable memory.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _group, _name in (
    (ingest.app, "ingest"),
    (dead_letters.app, "dead-letters"),
    (persons.app, "persons"),
    (redaction.app, "redaction"),
    (embeddings.app, "embeddings"),
    (questions.app, "questions"),
    (evaluation.app, "evaluation"),
    (consolidation.app, "consolidation"),
    (rebuild.app, "rebuild"),
):
    app.add_typer(_group, name=_name)
_COMMANDS: tuple[Callable[..., None], ...] = (
    *(demo.demo, memory.build, search.search, memory.status, ingest.replay),
    *(trace.trace, similar.similar, contents.contents),
    *(evaluate.evaluate, consolidate.consolidate, topics.topics, summaries.summary, profile.profile),
    *(stack.up, stack.down, doctor.doctor, stack.migrate, stack.reset, stack.env),
)
for _command in _COMMANDS:
    app.command()(_command)


def main() -> None:
    """Run the command; our own errors end in one line and an exit code, all others in a traceback."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that knows no umlaut is no reason to fail
    try:
        app()
    except TransientError as error:
        print_error(error)
        sys.exit(3)
    except NeuralMemoryError as error:
        print_error(error)
        sys.exit(2)


if __name__ == "__main__":
    main()
