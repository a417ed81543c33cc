"""Machines to be had on one: network namespaces with a host name each, and one in which all the watched hosts live; needs root.

Where namespaces are not permitted everything runs on this machine as it is, and ``why_not`` says so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

BRIDGE = "sholubench"
HOSTS = "10.1.0.0/16"  # where the watched hosts live, see bench.server.hosts
GATE = "10.254.0.1"


def why_not() -> str:
    """Why namespaces cannot be used here; "" where they can."""
    try:
        _ip("netns", "add", f"{BRIDGE}-try")
        _ip("netns", "exec", f"{BRIDGE}-try", "unshare", "--uts", "true")
        _ip("link", "add", BRIDGE, "type", "bridge")
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        return f"network namespaces are not permitted here ({said.decode(errors='replace').strip()})"
    finally:
        _quietly("link", "del", BRIDGE)
        _quietly("netns", "del", f"{BRIDGE}-try")
    return ""


@contextmanager
def machines(count: int) -> Iterator[list[list[str]]]:
    """Prefixes for commands: the first for the machine of the watched hosts, then one for each of ``count`` workers."""
    names = [f"{BRIDGE}-{number}" for number in range(count + 1)]
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
        _ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names):
            wire = f"sb{number}"
            _ip("netns", "add", name)
            _ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", wire, "master", BRIDGE, "up")
            _ip("-n", name, "addr", "add", f"10.254.0.{number + 1}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")
            # Every address of the watched hosts is this machine's own, without ten thousand of them being entered.
            _ip("-n", name, "route", "add", *(("local", HOSTS, "dev", "lo") if number == 0 else (HOSTS, "via", GATE)))
        yield [
            ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh"] for name in names
        ]
    finally:
        for number, name in enumerate(names):
            _quietly("link", "del", f"sb{number}")
            _quietly("netns", "del", name)
        _quietly("link", "del", BRIDGE)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _quietly(*words: str) -> None:
    subprocess.run(["ip", *words], check=False, capture_output=True)
