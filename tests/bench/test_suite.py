"""The benches themselves: that what they measure with is right, and that no stage is there without a name; nothing is measured here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.charts import draw
from bench.material import Page, judged
from bench.server import Asked, Feeds, Pages, Quiet, tag_of
from bench.tables import Report, Table, as_markdown, as_text
from tests.conftest import HOUSE

GROWN = Table(
    "sources", "Growth", ("sources", "CPU s", "ms", "MB", "statements"), (("10", 1.0, 100.0, 60, 66), ("1,000", 2.5, 2.5, 80, 72))
)


def page(text: str) -> Page:
    return Page("A title", f"<p>{text}</p>".encode(), "utf-8", "paper.example", text)


def test_a_body_is_right_when_it_is_the_text_and_wrong_when_half_of_it_is_missing() -> None:
    whole = " ".join(f"word{number}" for number in range(40))
    truth = [page(whole), page(""), page(whole)]
    found = judged({0: whole, 1: "whatever", 2: whole[: len(whole) // 2]}, truth, range(3))
    assert (found.right, found.count) == (1, 2), "a page nobody has read is not judged"
    assert 0.6 < found.f1 < 0.95
    assert judged({}, truth, range(3)).f1 == 0


def test_an_article_that_is_used_again_has_bytes_of_its_own_and_every_feed_its_share() -> None:
    site = Pages([page("one"), page("two")], feeds=2, articles=6)
    one, other = (site.body("127.0.2.1:80", f"/article/{number}.html") for number in (0, 2))
    assert one is not None
    assert other is not None
    assert tag_of(one[1]) != tag_of(other[1])
    feeds = [site.body(f"{host}:80", "/feed.xml") for host in site.hosts]
    numbers = sorted(number for feed in feeds if feed for number in range(6) if f"/article/{number}.html<".encode() in feed[1])
    assert numbers == sorted([0, 1, 2, 3, 4, 5])
    assert site.body("127.0.2.1:80", "/else") is None


def test_news_of_a_real_feed_are_two_more_entries_under_names_of_their_own(tmp_path: Path) -> None:
    import feedparser

    file = tmp_path / "a.xml"
    file.write_bytes(Quiet(1, "127").body("127.1.0.1", "/feed.xml")[1])  # type: ignore[index]
    site = Feeds([file])
    for expected in (3, 5):
        site.body("127.0.2.1", "/__news")
        found = site.body("127.0.2.1", "/feed.xml")
        assert found is not None
        entries = feedparser.parse(found[1]).entries
        assert len(entries) == len({entry.id for entry in entries}) == len({entry.link for entry in entries}) == expected


def test_a_host_tells_when_two_machines_came_to_it() -> None:
    asked = Asked()
    for host, client in (("a", "10.0.0.1"), ("b", "10.0.0.2"), ("a", "10.0.0.1")):
        asked.note(host, client)
    assert json.loads(asked.told()) == {"hosts": 2, "requests": 3, "most": 2, "nearest": None}
    asked.note("a", "10.0.0.2")
    assert json.loads(asked.told())["nearest"] is not None


def test_tables_are_kept_as_they_come_and_drawn_as_pictures_that_can_be_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(tmp_path, "python -m bench sources")
    report.add(GROWN)
    assert as_text(GROWN) in capsys.readouterr().out
    kept = json.loads((tmp_path / "suite.json").read_text(encoding="utf-8"))
    assert kept["tables"]["sources"]["rows"][1] == ["1,000", 2.5, 2.5, 80, 72]
    assert "| 1,000 | 2.50 | 2.50 | 80 | 72 |" in as_markdown(GROWN)
    jobs = Table("polls", "Polls", ("", "CPU s", "ms each"), (("floor", 1.0, 1.0), ("sholu run <304s>", 2.0, 2.0)))
    drawn = draw([GROWN, jobs, Table("start-up", "Starting", ("", "CPU s"), ())], tmp_path)
    assert [file.name for file in drawn] == ["sources.svg", "polls.svg"]
    for file in drawn:
        words = "".join(ET.fromstring(file.read_text(encoding="utf-8")).itertext())
        assert ("10,000" in words or "1,000" in words) if file.stem == "sources" else "sholu run <304s>" in words


def test_a_stage_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "speed"], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no stage speed; there are start-up, polls," in done.stderr


def test_every_peer_is_locked_with_hashes() -> None:
    for lock in sorted((HOUSE / "bench" / "peers").glob("*.txt")):
        lines = lock.read_text(encoding="utf-8").splitlines()
        pinned = [number for number, line in enumerate(lines) if line and line[0].isalnum()]
        assert pinned, lock.name
        for number in pinned:
            assert "==" in lines[number], f"{lock.name}:{number + 1}"
            assert "--hash=sha256:" in lines[number + 1], f"{lock.name}:{number + 1}"
