"""The whole suite in one run: ``python -m bench [STAGE …] [--quick | --full] [--minutes 15] [--to FOLDER] [--charts FOLDER]``.

Every figure is CPU of whole processes with all their children, start-up included, and the peak memory of the tree (PSS); wall times
are noise on shared machines and are shown only where they are the question. Tables go to the terminal, to ``suite.json`` and
``suite.md`` (in ``bench/out``), and some to charts. A stage that no time is left for is not begun, and that is said.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import growth, jobs, pool, workers
from bench.charts import draw
from bench.stand import HOUSE
from bench.tables import Report, Table, machine
from bench.workers import Round

QUICK, USUAL, FULL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the suite: what it makes at a size (quick, usual, full), and the minutes each takes on two idle cores."""

    make: Callable[[int], list[Table]]
    minutes: tuple[float, float, float]


def crew(size: int) -> list[Table]:
    """Workers: few sources when quick, ten thousand when full."""
    sources, new, share = ((400, 40, 50), (3_000, 150, 250), (10_000, 400, 500))[size]
    rounds = [Round(number, 0, sources, new, share) for number in ((1, 2) if size == QUICK else (1, 2, 4))]
    return [workers.rates(rounds + ([Round(3, 1, sources, new, share)] if size else []))]


STAGES = {
    "start-up": Stage(lambda _: [jobs.starting()], (0.3, 0.3, 0.3)),
    "polls": Stage(lambda size: [jobs.unchanged((300, 1_000, 1_000)[size])], (0.4, 1, 1)),
    "feeds": Stage(lambda size: jobs.feeds_alone((1, 1, 3)[size]), (1, 1, 3)),
    "articles": Stage(lambda size: jobs.whole_job((100, 300, 1_000)[size], (20, 100, 300)[size], (1, 1, 3)[size]), (0.8, 3, 9)),
    "fundus": Stage(lambda size: jobs.fundus_job((60, 180, 1_000)[size], (1, 1, 3)[size]), (0.4, 0.6, 4)),
    "prefect": Stage(lambda size: [pool.with_prefect((50, 200, 1_000)[size], (100, 500, 1_000)[size])], (1.2, 1.5, 3)),
    "memory": Stage(lambda size: [jobs.flat_memory(*((50, 150), (300, 1_000), (1_000, 10_000))[size])], (0.5, 1, 6)),
    "sources": Stage(lambda size: [growth.by_sources(((10, 300), (10, 100, 1_000, 3_000), (10, 100, 1_000, 10_000))[size])], (0.5, 1, 2)),
    "items": Stage(lambda size: [growth.by_items(((1_000, 2_000), (1_000, 3_000, 10_000), (1_000, 10_000, 50_000))[size])], (0.5, 2, 12)),
    "desk": Stage(lambda size: [growth.by_desk(((1_000, 3_000), (1_000, 10_000, 30_000), (1_000, 10_000, 100_000, 1_000_000))[size])], (0.5, 1.5, 20)),
    "rules": Stage(lambda _: [growth.by_names()], (2, 2, 2)),
    "workers": Stage(crew, (1, 6, 12)),
    "pool": Stage(lambda size: [pool.work_pool(3, (150, 400, 2_000)[size], (25, 60, 250)[size])], (1.5, 2, 4)),
}  # fmt: skip
IN_QUICK = ("start-up", "polls", "feeds", "articles", "sources", "items")


def main() -> int:
    """Run what was asked for; each table is printed and kept as soon as it is there."""
    # Whose shell forbids Python to keep what it compiled would have our own files, and no peer's, compiled anew with every command.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"which: {', '.join(STAGES)} (all, if none is named)")
    parser.add_argument(
        "--quick", action="store_const", dest="size", const=QUICK, default=USUAL, help="small sizes, about three minutes"
    )
    parser.add_argument(
        "--full", action="store_const", dest="size", const=FULL, help="sizes of docs/performance.md, more than an hour"
    )
    parser.add_argument(
        "--minutes", type=float, help="begin no stage that would end later (15, with --quick 4; --full: no limit)"
    )
    parser.add_argument("--to", type=Path, default=HOUSE / "bench" / "out", help="folder of suite.json and suite.md")
    parser.add_argument("--charts", type=Path, help="folder of the charts (default: that of --to)")
    given = parser.parse_args()
    if unknown := set(given.stages) - set(STAGES):
        parser.error(f"there is no stage {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    budget = given.minutes if given.minutes is not None else (4.0, 15.0, float("inf"))[given.size]
    report = Report(given.to, " ".join(["python -m bench", *sys.argv[1:]]))
    print(machine())
    failed = run(given.stages or (IN_QUICK if given.size == QUICK else tuple(STAGES)), given.size, budget, report)
    for chart in draw(report.tables, given.charts or given.to):
        print(f"chart: {chart}")
    print(f"\nKept: {given.to / 'suite.json'}, {given.to / 'suite.md'}")
    return failed


def run(names: tuple[str, ...] | list[str], size: int, budget: float, report: Report) -> int:
    """The stages in order, as far as the time goes; a stage that fails is told and costs the others nothing. Returns how many failed."""
    begun, failed = time.monotonic(), 0
    for name in names:
        stage, gone = STAGES[name], (time.monotonic() - begun) / 60
        if gone + stage.minutes[size] > budget:
            print(
                f"\n{name}: not begun, {gone:.0f} of {budget:g} minutes are gone and it takes about {stage.minutes[size]:g}",
                flush=True,
            )
            continue
        try:
            report.add(*stage.make(size))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever it is: the other tables are still worth having
            failed += 1
            print(f"\n{name}: failed: {type(error).__name__}: {error}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
