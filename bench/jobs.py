"""The stages that stand beside peers: starting, unchanged polls, feeds alone, and the whole job; each in one run with its floor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from bench.environments import python_of
from bench.material import Page, judged, pages
from bench.measure import Cost
from bench.stand import PLAIN, SHOLU, Stand, standing
from bench.tables import Table

HEADS = ("", "CPU s", "ms each", "of the floor", "peak MB")
FLOOR = "bare loop (the floor)"
EACH = 20  # articles of a feed where there are more feeds: a source with more of them than a run has time for leaves the rest to the next
FEEDS = 50  # that the articles are spread over; as many as bench.server has by itself


def row(cost: Cost, count: int, floor: float) -> tuple[str, float, float, float, int]:
    """One line of a table; ``floor`` is the floor's milliseconds for one."""
    each = 1000 * cost.cpu / max(1, count)
    return cost.name, round(cost.cpu, 2), round(each, 2), round(each / floor, 3), round(cost.peak / 1e6)


def said(cost: Cost, what: str) -> object:
    """A number a run of ours says at its end; where it failed, how."""
    with suppress(ValueError):
        return json.loads(cost.output).get(what, "?")
    return f"status {cost.status}"


def least(costs: Iterable[Cost]) -> Cost:
    """The cheapest of several: noise only ever adds."""
    return min(costs, key=lambda cost: cost.cpu)


def starting() -> Table:
    """What commands cost before they do anything, and how many modules they load."""
    count = "import sys; {}; print(len(sys.modules))"
    desk = "import review.app"
    document = json.dumps({"id": "1", "title": "", "text": "A rally in Almaty", "lang": "en"})
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "sholu --help": (SHOLU, "--help"),
        "sholu flag (one document)": ("sh", "-c", f"echo '{document}' | {SHOLU} flag -"),
        "import of the desk": (sys.executable, "-c", count.format(desk)),
        "import of Prefect (for comparison)": (sys.executable, "-c", count.format("import prefect.flows")),
    }
    with standing(None) as stand:
        stand.ready()
        costs = [least(stand.run(name, *command) for _ in range(3)) for name, command in commands.items()]
    rows = tuple((cost.name, round(cost.cpu, 3), round(cost.peak / 1e6), cost.status) for cost in costs)
    return Table("start-up", "Starting (least of three)", ("", "CPU s", "peak MB", "status"), rows)


def unchanged(count: int) -> Table:
    """Polls of feeds where nothing has changed, beside a bare aiohttp loop; the least of three each, one after the other."""
    with standing("quiet", "--feeds", str(count)) as stand:
        bare = (sys.executable, "bench/bare.py", "polls", str(stand.sources), str(stand.place / "etags"))
        stand.run("", *bare)
        stand.ready()
        first = stand.run("sholu run, all new (with their articles)", *PLAIN)
        pairs = [(stand.run("bare aiohttp loop (the floor)", *bare), stand.run("sholu run, 304s", *PLAIN)) for _ in range(3)]
        counted = stand.run("", sys.executable, "-m", "bench.counted", *PLAIN[1:])
    floor, ours = least(one for one, _ in pairs), least(other for _, other in pairs)
    each = 1000 * floor.cpu / count
    note = (
        f"Statements to the database for {count:,} polls: {said(counted, 'statements')}. "
        f"{floor.output} answers were 304; ours failed: {said(ours, 'failed')}."
    )
    return Table(
        "polls", f"{count:,} feeds, nothing changed", HEADS, tuple(row(cost, count, each) for cost in (floor, ours, first)), note
    )


def feeds_alone(rounds: int) -> list[Table]:
    """Real feeds as they were received, without their pages: all of them new, then two new entries each, then nothing new."""
    titles = {"feeds": "all new", "feeds-changed": "two new entries each", "feeds-again": "nothing changed"}
    done: dict[str, list[list[Cost]]] = {name: [] for name in titles}
    count = 0
    for _ in range(rounds):
        with standing("feeds") as stand:
            stand.ready()
            count = len(stand.sources.read_text(encoding="utf-8").split())
            kept = stand.place / "kept"
            kept.mkdir()
            for name in titles:
                done[name].append([
                    stand.run("feedparser as we call it, bare loop (the floor)", sys.executable, "bench/bare.py", "feeds", str(stand.sources)),
                    stand.run("feedparser as it comes, bare loop", sys.executable, "bench/bare.py", "feeds-default", str(stand.sources)),
                    stand.run("ours: asked, read, entries kept", sys.executable, "-m", "bench.ours_feeds"),
                    *(cost for peer in ("reader", "rss2email") if (cost := peers_run(stand, peer, 0, stand.place / "t", kept))),
                ])  # fmt: skip
                if name == "feeds":
                    urlopen(f"http://127.0.0.1:{stand.port}/__news").read()
    made = []
    for name, title in titles.items():
        costs = [least(each) for each in zip(*done[name], strict=True)]
        each = 1000 * costs[0].cpu / count
        note = f"Ours: {costs[2].output}. The floor read {costs[0].output} entries. {spread(done[name])}"
        made.append(
            Table(name, f"{count} real feeds alone, {title}", HEADS, tuple(row(cost, count, each) for cost in costs), note)
        )
    return made


def spread(rounds: Sequence[Sequence[Cost]]) -> str:
    """What each cost in each round, where there were several: how far the machine's noise goes."""
    if len(rounds) < 2:
        return "One round."
    told = "; ".join(f"{costs[0].name} {', '.join(f'{cost.cpu:.2f}' for cost in costs)}" for costs in zip(*rounds, strict=True))
    return f"The least of {len(rounds)} rounds in turn: {told}."


def peers_run(stand: Stand, peer: str, limit: int, texts: Path, more: Path | None = None) -> Cost | None:
    """A peer on the sources of the stand; None, with a word, where it cannot be had."""
    # trafilatura is what we ourselves are made of: the same version, out of our own environment.
    python = Path(sys.executable) if peer == "trafilatura" else python_of(peer.removesuffix("-outlets"))
    if isinstance(python, str):
        print(f"{peer}: {python}; skipped", flush=True)
        return None
    command = [str(python), "bench/peer.py", peer, str(stand.sources), str(limit), str(texts), *([str(more)] if more else [])]
    name = "trafilatura's own chain" if peer == "trafilatura" else peer
    return stand.run(name, *command)


def whole_job(count: int, heavy: int, rounds: int) -> list[Table]:
    """Everything, for articles from 50 feeds, beside the bare loop and the peers; ``heavy`` articles for the slowest peers."""
    truth = pages()
    with standing("pages", "--articles", str(count)) as stand:
        rules = stand.ready()
        texts = stand.place / "texts"
        done, kept = in_turn(stand, rounds, "trafilatura", count, texts)
        again = stand.run("sholu run, nothing new", *PLAIN)
        costs = [(cost, count, kept[cost.name]) for cost in map(least, zip(*done, strict=True))]
        slow = ((peers_run(stand, peer, heavy, texts), texts) for peer in ("newspaper4k", "news-please"))
        costs.extend((cost, heavy, texts_of(file)) for cost, file in slow if cost)
    ours = done[-1][1]
    note = (
        f"Nothing new the second time: {again.cpu:.2f} s. Compiling the rules, once for each edit of them: {rules.cpu:.2f} s. "
        f"sholu stored {said(ours, 'new')}, failed {said(ours, 'failed')}, flagged {said(ours, 'flagged')}. {spread(done)}"
    )
    return [compared("articles", f"The whole job, {count:,} articles from 50 feeds", costs, truth, note)]


def in_turn(
    stand: Stand, rounds: int, peer: str, count: int, texts: Path, more: Path | None = None
) -> tuple[list[list[Cost]], dict[str, dict[int, str]]]:
    """The bare loop, ours on a new store and a peer, so many rounds: what each cost in each, and the texts of the last by name."""
    done: list[list[Cost]] = []
    kept: dict[str, dict[int, str]] = {}
    for _ in range(rounds):
        bare = stand.run(FLOOR, sys.executable, "bench/bare.py", "articles", str(stand.sources), str(texts))
        kept[bare.name] = texts_of(texts)
        stand.forget()
        ours = stand.run("sholu run, everything", *PLAIN)
        kept[ours.name] = stored(stand)
        done.append([bare, ours])
        if theirs := peers_run(stand, peer, count, texts, more):
            kept[theirs.name] = texts_of(texts)
            done[-1].append(theirs)
    return done, kept


def fundus_job(count: int, rounds: int) -> list[Table]:
    """The whole job on pages of Fundus' own publishers, for which it has selectors written by hand."""
    with standing(None) as stand:
        stand.sources.write_text("", encoding="utf-8")
        known = peers_run(stand, "fundus-outlets", 0, stand.place / "outlets")
        if known is None or known.status:
            return []
        outlets = [json.loads(line)[0] for line in (stand.place / "outlets").read_text(encoding="utf-8").splitlines()]
    truth = pages(set(outlets))
    if not truth:
        print("fundus: none of the pages here are of its publishers; skipped", flush=True)
        return []
    order = Path(stand.place.parent, f"{stand.place.name}-outlets")
    order.write_text("\n".join(page.outlet for page in truth), encoding="utf-8")
    try:
        with standing("pages", "--articles", str(count), "--outlets", str(order)) as stand:
            stand.ready()
            done, kept = in_turn(stand, rounds, "fundus", count, stand.place / "texts", order)
            costs = [(cost, count, kept[cost.name]) for cost in map(least, zip(*done, strict=True))]
    finally:
        order.unlink()
    note = (
        f"sholu stored {said(done[-1][1], 'new')}. Fundus stores nothing and judges nothing; its selectors are of today, "
        f"the pages of 2019. {spread(done)}"
    )
    title = f"Pages of Fundus' own publishers: {count:,} articles made of {len(truth)} pages"
    return [compared("fundus", title, costs, truth, note)]


def compared(name: str, title: str, costs: list[tuple[Cost, int, dict[int, str]]], truth: list[Page], note: str) -> Table:
    """A table of costs with how many bodies came out right; of a peer that did fewer articles the same ones are judged of all."""
    floor = 1000 * costs[0][0].cpu / costs[0][1]
    rows = []
    for cost, count, texts in costs:
        bodies = judged(texts, truth, asked_for(count, costs))
        rows.append((*row(cost, count, floor), count, f"{bodies.right / max(1, bodies.count):.1%}", f"{bodies.f1:.3f}"))
    heads = (*HEADS, "articles", "bodies right", "F1")
    return Table(name, title, heads, tuple(rows), note)


def asked_for(count: int, costs: list[tuple[Cost, int, dict[int, str]]]) -> list[int]:
    """The numbers of the first ``count`` articles in the order of the feeds: those a peer with fewer was given."""
    whole = costs[0][1]
    return [number for feed in range(FEEDS) for number in range(feed, whole, FEEDS)][:count]


def number_of(url: str) -> int:
    """The number of an article by its address."""
    return int(url.rpartition("/")[2].removesuffix(".html"))


def texts_of(file: Path) -> dict[int, str]:
    """Texts that a peer wrote, by article."""
    return {number_of(url): text for url, text in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def stored(stand: Stand) -> dict[int, str]:
    """Texts that we stored, by article."""
    listed = stand.place / "items.jsonl"
    stand.run("", "sh", "-c", f"{SHOLU} items --json > {listed}")
    lines = map(json.loads, listed.read_text(encoding="utf-8").splitlines())
    # Where a page names another address as its own, the feed's is the one in the entry: both end in the number or the item is not ours to judge.
    return {
        number_of(item["url"]): item["text"] for item in lines if item["url"].endswith(".html") and "/article/" in item["url"]
    }


def flat_memory(small: int, large: int) -> Table:
    """Peak memory of the whole job on few and on many articles."""
    rows = []
    for count in (small, large):
        with standing("pages", "--articles", str(count), "--feeds", str(max(FEEDS, count // EACH))) as stand:
            stand.ready()
            cost = stand.run(f"sholu run, {count:,} articles", *PLAIN)
            size = sum(file.stat().st_size for file in stand.home.glob("sholu.db*"))
            rows.append(
                (
                    cost.name,
                    round(cost.cpu, 1),
                    round(1000 * cost.cpu / count, 2),
                    round(cost.peak / 1e6),
                    round(size / count / 1000, 1),
                    said(cost, "new"),
                )
            )
    heads = ("", "CPU s", "ms each", "peak MB", "database kB each", "stored")
    return Table(
        "memory", "Memory of the tree", heads, tuple(rows), f"{EACH} articles a feed; PSS of all processes, sampled every 50 ms."
    )
