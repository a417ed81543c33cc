"""What the benches feed on: the labelled real pages and feeds beside the project where they are, else the demo's; nothing is served here."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import mean
from urllib.parse import urlsplit

HOUSE = Path(__file__).resolve().parent.parent
SHARED = HOUSE.parent / "shared"
RIGHT = 0.9  # F1 from which on one body counts as right


@dataclass(frozen=True, slots=True)
class Page:
    """A page as received; ``outlet`` is the host it came from, without "www.".

    ``text`` is what its article says in truth, read by a person; "" where nobody did (such a page is not judged).
    """

    title: str
    body: bytes
    charset: str
    outlet: str
    text: str


def pages(outlets: set[str] | None = None) -> list[Page]:
    """All pages there are, in a fixed order; with ``outlets`` those of these hosts only."""
    found = _real_pages() if (SHARED / "pages").exists() else _demo_pages()
    Random(1).shuffle(found)  # in any part of them all kinds are met
    return [page for page in found if outlets is None or page.outlet in outlets]


def _real_pages() -> list[Page]:
    rows = map(json.loads, (SHARED / "pages" / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        Page(
            row["title"] or "",
            gzip.decompress((SHARED / "pages" / row["file"]).read_bytes()),
            "utf-8",
            (urlsplit(row["url"] or "").hostname or "").removeprefix("www."),
            # The texts beside the other pages were made by a program, not by a person.
            row["text"] if row["file"].startswith("benchmark/") else "",
        )
        for row in rows
    ]


def _demo_pages() -> list[Page]:
    from demo.desk import Desk
    from demo.newsroom import load_newsroom

    now, found = datetime.now(UTC), []
    for outlet in load_newsroom():
        desk = Desk(outlet, f"http://{outlet.id}.example", now)
        for article in outlet.articles:
            reply = desk.reply(f"/news/{article.slug}")
            if reply.status == 200 and not article.behind:
                text = "\n\n".join(article.wording.paragraphs)
                found.append(Page(article.wording.title, reply.body, outlet.charset, f"{outlet.id}.example", text))
    return found


def feed_files() -> list[Path]:
    """Real feeds as received (XML only); else those of the demo, written to a temporary folder."""
    folder = SHARED / "feeds"
    if not folder.exists():
        folder = Path(tempfile.mkdtemp(prefix="sholu-bench-feeds-"))
        _write_demo_feeds(folder)
    return sorted(file for file in folder.iterdir() if file.suffix in {".xml", ".rss", ".rdf", ".atom"})


def _write_demo_feeds(folder: Path) -> None:
    from demo.desk import Desk
    from demo.newsroom import load_newsroom

    for outlet in load_newsroom():
        reply = Desk(outlet, f"http://{outlet.id}.example", datetime.now(UTC)).reply("/rss.xml")
        if reply.status == 200:
            (folder / f"{outlet.id}.xml").write_bytes(reply.body)


@dataclass(frozen=True, slots=True)
class Bodies:
    """How well texts match the truth: the benchmark's F1 over all, and how many are right by themselves."""

    f1: float
    right: int
    count: int


def judged(texts: Mapping[int, str], truth: Sequence[Page], numbers: Iterable[int]) -> Bodies:
    """Judge the texts of these articles by their numbers; one that is missing counts as empty. Of pages used again each use counts."""
    told = ((truth[number % len(truth)].text, texts.get(number, "")) for number in numbers)
    each = [shares(expected, found) for expected, found in told if expected]
    return Bodies(f1(each), sum(2 * both / (2 * both + extra + missing) >= RIGHT for both, extra, missing in each), len(each))


def shares(expected: str, found: str) -> tuple[float, float, float]:
    """The measure of the article extraction benchmark: four-word shingles had in common, found in excess, and missed, as shares."""
    one, other = _shingles(expected), _shingles(found)
    both, extra, missing = (one & other).total(), (other - one).total(), (one - other).total()
    whole = (both + extra + missing) or 1
    return both / whole, extra / whole, missing / whole


def f1(measured: Sequence[tuple[float, float, float]]) -> float:
    """The benchmark's F1 of texts by their ``shares``: from the means of precision and of recall; 0 where nothing was found."""
    precision = mean([both / (both + extra) for both, extra, _ in measured if both + extra] or [0.0])
    recall = mean([both / (both + missing) for both, _, missing in measured if both + missing] or [0.0])
    return 2 * precision * recall / ((precision + recall) or 1)


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(shingle for place in range(max(1, len(words) - 3)) if (shingle := tuple(words[place : place + 4])))
