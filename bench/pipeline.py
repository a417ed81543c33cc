"""The whole job beside a bare loop, in one run: CPU of the tree, peak memory, and a second poll where nothing changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.measure import Cost, run

HOUSE = Path(__file__).resolve().parent.parent
SHARED = HOUSE.parent / "shared"
OUT = HOUSE / "bench" / "out"


def serve(feeds: int, articles: int, port: int, sources: Path) -> subprocess.Popen[str]:
    """Real pages as feeds where they are to be had (see CONTRIBUTING), else the demo's site."""
    script = SHARED / "replay" / "serve.py"
    if not script.exists():
        raise SystemExit("The real pages are not on this machine; `python -m bench.pipeline` needs ../shared.")
    command = [
        sys.executable,
        str(script),
        "--feeds",
        str(feeds),
        "--articles",
        str(articles),
        "--port",
        str(port),
        "--sources",
        str(sources),
    ]
    # Its handlers complain of every client that hangs up; nobody needs to read that.
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    server.stdout.readline()
    return server


def environment(home: Path, sources: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOLU_", "PREFECT_"))}
    kept |= {"SHOLU_HOME": str(home), "SHOLU_SOURCES": str(sources), "SHOLU_ALLOW_ADDRESSES": "127.0.0.0/8"}
    # Rules of one's own choice may be measured: SHOLU_RULES alone is passed on.
    return kept | ({"SHOLU_RULES": os.environ["SHOLU_RULES"]} if os.environ.get("SHOLU_RULES") else {})


def show(rows: list[Cost], floor: Cost, unit: str) -> None:
    print(f"\n{'':34} {'CPU s':>8} {'x floor':>8} {'wall s':>8} {'peak MB':>8}   {unit}")
    for row in rows:
        print(
            f"{row.name:34} {row.cpu:8.1f} {row.cpu / floor.cpu:8.2f} {row.wall:8.1f} {row.peak / 1e6:8.0f}   {row.output[:60]}"
        )


def main() -> None:
    """Print the tables and keep them as JSON in bench/out."""
    articles = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    polls = int(sys.argv[2]) if len(sys.argv) > 2 else 250
    sholu = [str(Path(sys.executable).parent / "sholu"), "run", "--plain", "--json"]
    kept: dict[str, list[dict[str, object]]] = {}
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        home, sources = Path(place) / "var", Path(place) / "sources.txt"
        server = serve(50, articles, 8070, sources)
        try:
            env = environment(home, sources)
            bare = run("bare loop", [sys.executable, "bench/bare.py", "articles", str(sources)], cwd=HOUSE, env=env)
            ours = run("sholu run", sholu, cwd=HOUSE, env=env)
            again = run("sholu run, nothing new", sholu, cwd=HOUSE, env=env)
            bare_again = run("bare loop", [sys.executable, "bench/bare.py", "articles", str(sources)], cwd=HOUSE, env=env)
        finally:
            server.terminate()
        summary = json.loads(ours.output)
        print(
            f"{articles} articles from 50 feeds: stored {summary['new']}, failed {summary['failed']}, flagged {summary['flagged']}"
        )
        show([bare, ours, bare_again, again], bare, "last line")
        kept["articles"] = [asdict(row) for row in (bare, ours, bare_again, again)]
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        home, sources = Path(place) / "var", Path(place) / "sources.txt"
        server = serve(polls, polls, 8071, sources)
        try:
            env = environment(home, sources)
            first = run("sholu run (first)", sholu, cwd=HOUSE, env=env)
            etags = str(Path(place) / "etags")
            command = [sys.executable, "bench/bare.py", "polls", str(sources), etags]
            run("bare polls (first)", command, cwd=HOUSE, env=env)
            bare = run("bare aiohttp, 304s", command, cwd=HOUSE, env=env)
            ours = run("sholu run, 304s", sholu, cwd=HOUSE, env=env)
        finally:
            server.terminate()
        print(f"\n{polls} feeds where nothing changed (first run stored {json.loads(first.output)['new']})")
        show([bare, ours], bare, "")
        kept["polls"] = [asdict(row) for row in (bare, ours)]
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "pipeline.json").write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
