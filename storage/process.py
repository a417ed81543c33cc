"""Which process this is and whether another one still lives; reads the kernel's tables, not the database."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process told apart from all others: ``boot`` holds the boot and the pid space (a container has its own)."""

    host: str
    boot: str
    pid: int
    started: str


def this_process() -> Process:
    """The process that asks."""
    return Process(platform.node(), _boot(), os.getpid(), started(os.getpid()))


def started(pid: int) -> str:
    """When ``pid`` started, in ticks since the boot; ``""`` where it is gone, a zombie, or the system does not say."""
    try:
        # The name in brackets may hold spaces and brackets itself; field 3 (the state) begins after the last one.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def is_gone(process: Process) -> bool | None:
    """True when the process surely ended, False when it lives, ``None`` when that cannot be known from here."""
    here = this_process()
    boot, _, space = process.boot.partition("/")
    boot_here, _, space_here = here.boot.partition("/")
    if process.host == here.host and boot != boot_here:
        return True  # the machine was started anew since
    if process.host != here.host or space != space_here:
        return None  # another machine, or another container on this one
    if Path("/proc/self/stat").exists():
        return started(process.pid) != process.started
    return not _answers(process.pid)


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "/"
    return f"{boot}/{space}"
