"""Measures whole commands: CPU seconds of a process and all its children, and the peak memory of the tree; judges nothing."""

from __future__ import annotations

import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE = 0.05  # seconds between two looks at the tree's memory


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost: CPU seconds (user and system, with its children), wall seconds, peak memory of the tree in bytes."""

    name: str
    cpu: float
    wall: float
    peak: int
    status: int
    output: str


def run(name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float = 1800) -> Cost:
    """Run a command to its end and measure it; its last line of output is kept."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=cwd, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    peak = [0]
    over = threading.Event()

    def watch() -> None:
        tree = psutil.Process(process.pid)
        while not over.wait(SAMPLE):
            total = 0
            try:
                members = [tree, *tree.children(recursive=True)]
            except psutil.Error:
                return
            for member in members:
                try:
                    # PSS shares what is mapped by several fairly; RSS would count shared libraries once a process.
                    total += member.memory_full_info().pss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            process.kill()
        over.set()
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    lines = output.strip().splitlines()
    return Cost(name, cpu, time.monotonic() - start, peak[0], process.returncode, lines[-1] if lines else "")
