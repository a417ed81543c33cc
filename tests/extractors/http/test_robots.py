"""What a robots.txt lets us read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.robots import ALLOW_ALL, MAX_ROBOTS, read_robots

HOST = "https://news.example"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/c", False),
        ("User-agent: Sholu\nDisallow: /x\n\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: SHOLU/1.0\nDisallow: /x", "/x", False),
        ("User-agent: shol\nDisallow: /", "/a", True),
        ("User-agent: Googlebot\nDisallow: /", "/a", True),
        ("User-agent: Googlebot\nUser-agent: *\nDisallow: /p", "/p", False),
        ("\ufeffUser-agent: *\r\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\rDisallow: /p", "/p", False),
        ("<html><body>Not found</body></html>", "/a", True),
    ],
)
def test_rules_are_read_as_rfc_9309_says(text: str, path: str, allowed: bool) -> None:
    assert read_robots(text.encode()).allows(HOST + path) is allowed


def test_the_delay_asked_for_is_ours_or_everybody_s() -> None:
    assert read_robots(b"User-agent: *\nCrawl-delay: 7").delay == 7
    assert read_robots(b"User-agent: sholu\nCrawl-delay: 2\nUser-agent: *\nCrawl-delay: 7").delay == 2
    assert read_robots(b"User-agent: Bing\nCrawl-delay: 99").delay is None
    assert read_robots(b"User-agent: *\nCrawl-delay: soon").delay is None
    assert ALLOW_ALL.allows(HOST + "/a")


def test_a_robots_txt_made_to_cost_minutes_is_read_all_the_same() -> None:
    names = b"".join(b"User-agent: robot%d\n" % n for n in range(12_000))
    rules = b"".join(b"Disallow: /%d*a*b*c*d\n" % n for n in range(12_000))
    assert read_robots(names + rules).allows(HOST + "/a" * 2_000)
    assert not read_robots(b"User-agent: *\nDisallow: /" + b"*a" * 5_000 + b"\nDisallow: /p").allows(HOST + "/p" + "a" * 3_000)
    assert read_robots(b"#" * (MAX_ROBOTS * 3)).allows(HOST + "/a")


@given(st.binary(max_size=400) | st.text("Uuser-agentdislow:*$/# \n\t", max_size=200).map(str.encode), st.text(max_size=30))
def test_any_bytes_are_a_robots_txt(body: bytes, path: str) -> None:
    robots = read_robots(body)
    assert robots.allows(f"{HOST}/{path}") in (True, False)
    assert robots.delay is None or robots.delay >= 0
