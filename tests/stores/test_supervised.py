from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil


def test_programs_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.stores.supervised import supervised\n"
        "with supervised(['sleep', '1000'], Path(sys.argv[1]), log=Path(sys.argv[1], 'log')) as program:\n"
        "    print(program.pid, flush=True); time.sleep(1000)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        program = psutil.Process(int(owner.stdout.readline()))
        assert program.is_running()
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while program.is_running() and program.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the program outlived its owner"
        time.sleep(0.01)
