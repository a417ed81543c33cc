"""The worker processes of a stream of lines; what a line is answered with is tested with the rules' desk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_rulebook import Folder

HOUSE = Path(__file__).parents[3]

# A command whose input stands still once its two workers are at work, as a pipe does whose other end is slow.
COMMAND = """
import multiprocessing, sys, time
from pathlib import Path
from rules.engine.rulebook import load_rulebook
from rules.engine.stream import CHUNK, flag_lines


def lines():
    for number in range(7 * CHUNK):
        yield '{"title": "A rally"}'
    print(*(each.pid for each in multiprocessing.active_children()), flush=True)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    for _ in flag_lines(lines(), load_rulebook(Path(sys.argv[1])), workers=2):
        pass
"""


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's table of processes")
def test_the_workers_of_a_command_that_was_killed_outright_end_with_it(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "command.py").write_text(COMMAND, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "command.py"), str(folder.root)]
    with subprocess.Popen(
        command, cwd=HOUSE, env=os.environ | {"PYTHONPATH": str(HOUSE)}, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        workers = [int(each) for each in running.stdout.readline().split()]
        assert len(workers) == 2
        running.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60
    try:
        while any(map(lives, workers)):
            assert time.monotonic() < deadline, "a worker outlived its command"
            time.sleep(0.05)
    finally:
        for worker in filter(lives, workers):
            os.kill(worker, signal.SIGKILL)
