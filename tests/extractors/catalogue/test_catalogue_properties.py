"""Whatever a list of sources holds, reading it gives sources or a ConfigError; what is written reads back."""

from __future__ import annotations

import contextlib
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.values import Ownership, Rung, RungKind, Source, SourceState
from domain.yamlfile import read_yaml
from extractors.catalogue import derived_id, read_sources, written_stanzas
from extractors.opml import written_opml

LETTERS = st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\x85\u2028\u2029\ufffe\uffff")
LINES = st.text(LETTERS, min_size=1, max_size=60).map(lambda text: " ".join(text.split())).filter(bool)
PATHS = st.text("abcXYZ019-._/~?=&%", max_size=30)


@st.composite
def some_sources(draw: st.DrawFn) -> tuple[Source, ...]:
    count = draw(st.integers(1, 5))
    found = []
    for number in range(count):
        kinds = draw(st.lists(st.sampled_from(RungKind), min_size=1, max_size=3, unique=True))
        rungs = tuple(Rung(kind, f"https://host-{number}.kz/{kind}/{draw(PATHS)}") for kind in kinds)
        verified = draw(st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)))
        found.append(
            Source(
                id=f"source-{number}",
                title=draw(LINES),
                home=f"https://host-{number}.kz/",
                rungs=rungs,
                languages=tuple(draw(st.lists(st.sampled_from(["en", "ru", "kk", "kk-Latn"]), max_size=3, unique=True))),
                country=draw(st.none() | st.just("KZ")),
                ownership=draw(st.none() | st.sampled_from(Ownership)),
                state=SourceState.WORKING if verified else SourceState.LISTED,
                verified=verified,
                verified_by=draw(LINES) if verified else "",
                rhythm=draw(st.sampled_from([timedelta(minutes=30), timedelta(hours=6), timedelta(days=2), timedelta(weeks=1)])),
                note=draw(st.just("") | LINES),
            )
        )
    return tuple(found)


@given(some_sources())
@settings(max_examples=60, deadline=None)
def test_what_is_written_as_yaml_or_opml_reads_back_the_same(sources: tuple[Source, ...]) -> None:
    assert read_sources(written_stanzas(sources).encode(), Path("x.yaml")) == sources
    assert read_sources(written_opml(sources).encode(), Path("x.opml")) == sources


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_sources_or_a_mistake_in_the_data(body: bytes) -> None:
    for name in ("x.yaml", "x.opml", "x.txt"):
        with contextlib.suppress(ConfigError):
            read_sources(body, Path(name))
    with contextlib.suppress(ConfigError):
        read_yaml(body, Path("x.yaml"))


MARKS = st.lists(st.sampled_from(["- ", "id: a", "  ", "\n", "feed: ", "https://a.kz", "&x", "*x", "!", "[", "]", "{", "}", ":", "'", '"', "|", ">", "#", "\t", "---", "?", "%", "<", "&", "<outline ", "xmlUrl=", "/>", "<opml>"]), max_size=40).map("".join)  # fmt: skip  # noqa: E501


@given(MARKS)
@settings(max_examples=300, deadline=None)
def test_broken_yaml_and_opml_are_a_mistake_in_the_data(text: str) -> None:
    for name in ("x.yaml", "x.opml", "x.txt"):
        with contextlib.suppress(ConfigError):
            read_sources(text.encode(), Path(name))


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_an_id_can_be_derived_from_any_address(path: str) -> None:
    one = derived_id(f"https://a.kz/{path}")
    assert one == derived_id(f"https://a.kz/{path}")
    assert 0 < len(one) <= 80
