"""What every bench stands on: the other side being served, the environment of a run, and a folder that is gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Cost, run

HOUSE = Path(__file__).resolve().parent.parent
SHOLU = str(Path(sys.executable).parent / "sholu")
PLAIN = (SHOLU, "run", "--plain", "--json")


@dataclass(frozen=True, slots=True)
class Stand:
    """A place of its own with a list of sources, and the environment for commands in it."""

    place: Path
    sources: Path
    port: int
    env: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.place / "var"

    def run(self, name: str, *command: str, timeout: float = 1800, **more: str) -> Cost:
        """Run a command of the house and measure it."""
        cost = run(name, command, cwd=HOUSE, env={**self.env, **more}, timeout=timeout)
        if name:
            # A suite of minutes says where it is.
            print(f"  {cost.cpu:8.2f} s  {name}", file=sys.stderr, flush=True)
        return cost

    def ready(self) -> Cost:
        """Compile the rules: that is done once for each edit of them, not once a run, and has a line of its own."""
        return self.run("sholu rules check (compiles the rules)", SHOLU, "rules", "check")

    def forget(self) -> None:
        """Begin with no store again; what was compiled stays."""
        for file in self.home.glob("sholu.db*"):
            file.unlink()


@contextmanager
def standing(site: str | None, *options: str) -> Iterator[Stand]:
    """Serve a site of ``bench.server`` in a process that is not measured, with a new home folder beside it; None: no site."""
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as name:
        place, port = Path(name), free_port()
        sources = place / "sources.txt"
        stand = Stand(place, sources, port, environment(place / "var", sources))
        if site is None:
            yield stand
            return
        command = [sys.executable, "-m", "bench.server", site, "--list", str(sources), "--port", str(port), *options]
        server = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield stand
        finally:
            server.terminate()
            server.wait()


def environment(home: Path, sources: Path) -> dict[str, str]:
    """The variables of a run: nobody's own settings, loopback allowed, the rules of the house (or those SHOLU_RULES names)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOLU_", "PREFECT_"))}
    kept |= {"SHOLU_HOME": str(home), "SHOLU_SOURCES": str(sources), "SHOLU_ALLOW_ADDRESSES": "127.0.0.0/8,10.0.0.0/8"}
    return kept | ({"SHOLU_RULES": os.environ["SHOLU_RULES"]} if os.environ.get("SHOLU_RULES") else {})


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
