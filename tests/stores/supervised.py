"""Programs that tests start, and that end with them. Nothing here knows which program it is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# Kills the program, its children and itself (one group) at the end of its input, which comes when the test process
# dies, however it does.
_SUPERVISED = 'exec 3<&0; { read -r _ <&3; kill -9 -$$; } & exec "$@" </dev/null 3<&-'


@contextmanager
def supervised(argv: Sequence[str], directory: Path, *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the end of the block, or until this process dies."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "TMPDIR": str(directory)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISED, "sh", *argv],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # an interrupt in the terminal is for the tests, which then end this
        ) as program,
    ):
        try:
            yield program
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
