"""The whole suite in one run: ``python -m bench [--articles 300] [--polls 1000] [--peers 100] [--growth]``; see docs/performance.md.

Every figure is CPU of a whole process with all its children (start-up included) and the peak memory of the tree; wall times are noise on
shared machines and are not shown. Tables go to the terminal, the same as JSON to ``bench/out/suite.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.environments import python_of
from bench.measure import Cost, run
from bench.pipeline import HOUSE, OUT, environment, serve

SHOLU = [str(Path(sys.executable).parent / "sholu"), "run", "--plain", "--json"]
PEERS = ("trafilatura", "newspaper4k", "news-please")
PORT = 8070


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what was measured on how many articles or feeds, beside the floor of the same table."""

    cost: Cost
    count: int
    done: str

    @property
    def each(self) -> float:
        """Milliseconds of CPU an article or feed."""
        return 1000 * self.cost.cpu / max(1, self.count)


def show(title: str, lines: list[Line], unit: str) -> None:
    """Print a table; the first line is the floor."""
    print(f"\n{title}\n{'':36} {'CPU s':>8} {'ms each':>8} {'x floor':>8} {'peak MB':>8}   done")
    for line in lines:
        share = line.each / lines[0].each
        print(
            f"{line.cost.name:36} {line.cost.cpu:8.2f} {line.each:8.2f} {share:8.2f} {line.cost.peak / 1e6:8.0f}   {line.done} {unit}"
        )


def stored(cost: Cost, what: str) -> str:
    """How much a run of ours says it did."""
    return str(json.loads(cost.output).get(what, "?")) if cost.output.startswith("{") else f"status {cost.status}"


def articles(count: int, sample: int) -> tuple[list[Line], list[Line]]:
    """The whole job beside the bare loop and the peers on the same pages; and reader for feeds only."""
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        home, sources = Path(place) / "var", Path(place) / "sources.txt"
        server = serve(50, count, PORT, sources)
        try:
            env = environment(home, sources)
            # Compiling the rules is done once for each edit of them, not once a run: it has a line of its own.
            rules = run("sholu rules check (compiles the rules)", [SHOLU[0], "rules", "check"], cwd=HOUSE, env=env)
            bare = run("bare loop (the floor)", [sys.executable, "bench/bare.py", "articles", str(sources)], cwd=HOUSE, env=env)
            ours = run("sholu run, everything", SHOLU, cwd=HOUSE, env=env)
            again = run("sholu run, nothing new", SHOLU, cwd=HOUSE, env=env)
            lines = [
                Line(bare, count, bare.output),
                Line(ours, count, stored(ours, "new")),
                Line(again, count, stored(again, "new")),
                Line(rules, 1, "1"),
            ]
            lines += [line for peer in PEERS if (line := peer_line(peer, sources, sample, env))]
            feeds = feeds_only(sources, env)
        finally:
            server.terminate()
    return lines, feeds


def peer_line(peer: str, sources: Path, sample: int, env: dict[str, str]) -> Line | None:
    """A peer on its sample; None, with a word, where it cannot be had."""
    # trafilatura is what we ourselves are made of: the same version, out of our own environment.
    python = sys.executable if peer == "trafilatura" else python_of(peer)
    if isinstance(python, str) and peer != "trafilatura":
        print(f"{peer}: {python}; skipped")
        return None
    cost = run(f"{peer} (of its own accord)", [str(python), "bench/peer.py", peer, str(sources), str(sample)], cwd=HOUSE, env=env)
    return Line(cost, sample, cost.output or f"status {cost.status}")


def feeds_only(sources: Path, env: dict[str, str]) -> list[Line]:
    """The 50 feeds alone, without their pages: bare feedparser loop by reader, and ours as a dry run of nothing new."""
    python = python_of("reader")
    if isinstance(python, str):
        print(f"reader: {python}; skipped")
        return []
    cost = run("reader (feeds only)", [str(python), "bench/peer.py", "reader", str(sources), "0"], cwd=HOUSE, env=env)
    return [Line(cost, 50, cost.output)]


def quiet(count: int) -> list[Line]:
    """Polls of feeds where nothing has changed, beside a bare aiohttp loop."""
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        home, sources, etags = Path(place) / "var", Path(place) / "sources.txt", Path(place) / "etags"
        command = [sys.executable, "bench/quiet_server.py", str(count), str(PORT + 1), str(sources)]
        server = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            env = environment(home, sources)
            bare = [sys.executable, "bench/bare.py", "polls", str(sources), str(etags)]
            run("", bare, cwd=HOUSE, env=env)
            first = run("sholu run, all new", SHOLU, cwd=HOUSE, env=env)
            # Noise only ever adds: the least of three.
            floor = min(
                (run("bare aiohttp loop (the floor)", bare, cwd=HOUSE, env=env) for _ in range(3)), key=lambda one: one.cpu
            )
            ours = min((run("sholu run, 304s", SHOLU, cwd=HOUSE, env=env) for _ in range(3)), key=lambda one: one.cpu)
        finally:
            server.terminate()
    return [
        Line(floor, count, floor.output),
        Line(ours, count, stored(ours, "failed") + " failed"),
        Line(first, count, stored(first, "new")),
    ]


def main() -> None:
    """Run what was asked for, print the tables, keep the JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed and memory beside peers, in one run.")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--peers", type=int, default=100, help="articles each peer is given")
    parser.add_argument("--polls", type=int, default=1000)
    given = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {platform.system()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine}")
    kept: dict[str, list[Line]] = {}
    # Kept after each table: a suite that is stopped half-way has not run in vain.
    kept["polls"] = quiet(given.polls)
    show(f"{given.polls} feeds, nothing changed", kept["polls"], "")
    keep(machine, kept)
    kept["articles"], kept["feeds"] = articles(given.articles, given.peers)
    show(f"The whole job on {given.articles} articles from 50 feeds (peers: {given.peers})", kept["articles"], "articles")
    if kept["feeds"]:
        show("The 50 feeds alone", kept["feeds"], "entries")
    keep(machine, kept)


def keep(machine: str, tables: dict[str, list[Line]]) -> None:
    """Write what has been measured so far to ``bench/out/suite.json``."""
    OUT.mkdir(parents=True, exist_ok=True)
    told = {name: [asdict(line) | {"ms_each": line.each} for line in lines] for name, lines in tables.items()}
    (OUT / "suite.json").write_text(json.dumps({"machine": machine, "tables": told}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
