"""How fast stored documents are judged anew: ``python bench/reflag_rate.py --items 100000 --workers 1 2``.

Fills a database of its own with items in the demo's words (three languages, made up of its sentences), then runs ``sholu reflag`` on
it as a user would, dry, once for each number of workers, and says documents a second of wall time (that is the question here) and CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOUSE))

import yaml  # noqa: E402  # the path is set just above

from bench.desk_data import Voice, fill  # noqa: E402
from bench.measure import run  # noqa: E402
from storage.store import open_store  # noqa: E402

ARTICLES = HOUSE / "demo" / "articles"
OUT = HOUSE / "bench" / "out"
WORDS = 150  # of an item: what a short news item has
SENTENCE = re.compile(r"(?<=[.!?»])\s+")


def sentences() -> dict[str, list[list[str]]]:
    """Language → sentences of the demo's articles as words."""
    found: dict[str, list[list[str]]] = {}
    for path in sorted(ARTICLES.glob("*.yaml")):
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        texts = [f"{one['title']}.\n{one['text']}" for one in told["articles"] if one.get("text")]
        found.setdefault(told["outlet"]["language"], []).extend(
            sentence.split() for text in texts for sentence in SENTENCE.split(text) if sentence
        )
    return found


def demo_voice(chance: random.Random) -> Voice:
    """Items in the demo's words: whole sentences of it in a new order."""
    known = sentences()
    languages = sorted(known)

    def say() -> tuple[str, list[str]]:
        language = chance.choice(languages)
        said: list[str] = []
        while len(said) < WORDS:
            said.extend(chance.choice(known[language]))
        return language, said

    return say


def measure(items: int, workers: list[int], within: float) -> dict[str, Any]:
    """Fill a database, reflag it dry with each number of workers, and say what each took."""
    with tempfile.TemporaryDirectory(prefix="sholu-reflag-") as place:
        home = Path(place)
        address = f"sqlite:///{home / 'large.db'}"
        begun = time.monotonic()
        store = open_store(address)
        fill(store, count=items, verdict_count=0, voice=demo_voice(random.Random(1)))
        store.close()
        print(f"  {items:,} items of {WORDS} words made in {time.monotonic() - begun:.0f} s", flush=True)
        env = {**os.environ, "SHOLU_HOME": str(home), "SHOLU_DATABASE_URL": address}
        sholu = [sys.executable, "-m", "cli.main", "reflag", "--since", "2000-01-01", "--json"]
        # The first start compiles the rules: not what is measured.
        run("warm", [sys.executable, "-m", "cli.main", "rules", "check"], cwd=HOUSE, env=env, timeout=within)
        lines = []
        for count in workers:
            cost = run(f"{count} workers", [*sholu, "--workers", str(count)], cwd=HOUSE, env=env, timeout=within)
            judged = json.loads(cost.output)["judged"] if cost.status == 0 and cost.output else 0
            lines.append(
                {
                    "workers": count,
                    "judged": judged,
                    "wall_s": round(cost.wall, 1),
                    "cpu_s": round(cost.cpu, 1),
                    "documents_a_second": round(judged / cost.wall),
                    "cpu_ms_each": round(1000 * cost.cpu / max(judged, 1), 2),
                    "peak_mb": round(cost.peak / 1e6),
                    "status": cost.status,
                }
            )
            print("  " + "  ".join(f"{name} {value}" for name, value in lines[-1].items()), flush=True)
    return {"items": items, "words": WORDS, "load": os.getloadavg()[0], "runs": lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--within", type=float, default=900.0, help="seconds each run may take")
    given = parser.parse_args()
    found = measure(given.items, given.workers, given.within)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "reflag.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
