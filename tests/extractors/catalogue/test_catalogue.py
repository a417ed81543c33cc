"""The list of sources is read strictly, from every format a person may have it in."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.values import Ownership, Rung, RungKind, Source, SourceState
from extractors.catalogue import derived_id, load_sources, not_yet_listed, read_sources, written_stanzas
from extractors.opml import written_opml

FILE = Path("list.yaml")
STANZA = """
- id: lada
  title: Lada.kz
  home: https://www.lada.kz/
  feed: https://www.lada.kz/rss.xml
  sitemap: https://www.lada.kz/sitemap.news.xml
  section:
    - https://www.lada.kz/lastnews/
    - https://www.lada.kz/
  languages: [ru, kk]
  country: KZ
  region: KZ-MAN
  ownership: independent
  state: working
  verified: 2026-09-06
  verified_by: somebody
  rhythm: 3h
  note: >
    Aktau,
    the oil west.
"""
LADA = Source(
    id="lada",
    title="Lada.kz",
    home="https://www.lada.kz/",
    rungs=(
        Rung(RungKind.FEED, "https://www.lada.kz/rss.xml"),
        Rung(RungKind.SITEMAP, "https://www.lada.kz/sitemap.news.xml"),
        Rung(RungKind.SECTION, "https://www.lada.kz/lastnews/"),
        Rung(RungKind.SECTION, "https://www.lada.kz/"),
    ),
    languages=("ru", "kk"),
    country="KZ",
    region="KZ-MAN",
    ownership=Ownership.INDEPENDENT,
    state=SourceState.WORKING,
    verified=date(2026, 9, 6),
    verified_by="somebody",
    rhythm=timedelta(hours=3),
    note="Aktau, the oil west.",
)
SMALL = "- id: a\n  title: A\n  home: https://a.kz/\n  feed: https://a.kz/rss\n"


def refusal(text: str | bytes, path: Path = FILE) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_sources(text.encode() if isinstance(text, str) else text, path)
    return caught.value


def test_a_stanza_gives_every_fact_and_the_rungs_in_the_order_written() -> None:
    assert read_sources(STANZA.encode(), FILE) == (LADA,)


def test_what_is_written_reads_back_the_same() -> None:
    sources = (*read_sources(SMALL.encode(), FILE), LADA)
    assert read_sources(written_stanzas(sources).encode(), FILE) == sources


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        (SMALL + "  lanugages: [ru]\n", 5, "[0].lanugages", "did you mean 'languages'"),
        (SMALL + "  zzz: 1\n", 5, "[0].zzz", "unknown key; known keys: id,"),
        (SMALL.replace("  title: A\n", ""), 1, "[0]", "no 'title'"),
        (SMALL.replace("  feed: https://a.kz/rss\n", ""), 1, "[0]", "no address to read"),
        (SMALL.replace("https://a.kz/rss", "htp://a.kz/rss"), 4, "[0].feed", "begins with https:// or http://"),
        (SMALL.replace("https://a.kz/rss", "a.kz/rss"), 4, "[0].feed", "write https://a.kz/rss"),
        (SMALL.replace("https://a.kz/rss", "https://a b.kz/rss"), 4, "[0].feed", "not an address"),
        (SMALL.replace("https://a.kz/rss", "https://:80/rss"), 4, "[0].feed", "not an address"),
        (SMALL.replace("https://a.kz/rss", "https://a.kz:99999/rss"), 4, "[0].feed", "not an address"),
        (SMALL.replace("https://a.kz/rss", "https://u:p@a.kz/rss"), 4, "[0].feed", "name and password"),
        (SMALL.replace("https://a.kz/rss", "javascript:alert(1)"), 4, "[0].feed", "begins with"),
        (SMALL.replace("https://a.kz/rss", "file:///etc/passwd"), 4, "[0].feed", "begins with"),
        (SMALL.replace("https://a.kz/rss", "[https://a.kz/1, https://a.kz/1]"), 1, "[0]", "same address twice"),
        (SMALL.replace("id: a", "id: A b"), 1, "[0].id", "an id is"),
        (SMALL.replace("id: a", "id: 12"), 1, "[0].id", "an id is"),
        (SMALL.replace("title: A", "title:"), 2, "[0].title", "expected text"),
        (SMALL + "  languages: [russian!]\n", 5, "[0].languages", "a language is a tag"),
        (SMALL + "  country: kz\n", 5, "[0].country", "two capital letters"),
        (SMALL + "  country: KZ\n  region: RU-ORE\n", 6, "[0].region", "does not lie in the country KZ"),
        (SMALL + "  region: KZ-MAN\n", 5, "[0].region", "does not lie in"),
        (SMALL + "  ownership: mine\n", 5, "[0].ownership", "expected one of state, independent, exile, foreign"),
        (SMALL + "  state: alive\n", 5, "[0].state", "expected one of"),
        (SMALL + "  state: working\n", 5, "[0].state", "nothing is called working"),
        (SMALL + "  verified: yesterday\n", 5, "[0].verified", "expected a day"),
        (SMALL + "  rhythm: often\n", 5, "[0].rhythm", "a rhythm is"),
        (SMALL + "  rhythm: 1min\n", 5, "[0].rhythm", "lies between"),
        (SMALL + SMALL.replace("a.kz", "b.kz"), 5, "[1].id", "the id 'a' is already taken (list.yaml:1)"),
        (SMALL + SMALL.replace("id: a", "id: b"), 5, "[1]", "already that of 'a' (list.yaml:1)"),
        (SMALL + "  title: B\n", 5, "[0].title", "twice"),
        ("sources:\n  - id: a\n", 1, "", "must be a list of sources"),
        ("# nothing\n", 0, "", "no source"),
        ("- 5\n", 1, "[0]", "must be a stanza"),
    ],
)
def test_a_mistake_names_file_line_and_key(text: str, line: int, key: str, words: str) -> None:
    error = refusal(text)
    assert words in str(error)
    assert (error.file, error.line, error.key) == ("list.yaml", line, key)


def test_a_bare_list_of_addresses_is_a_list_of_sources() -> None:
    text = (
        "# the west\n\nhttps://www.lada.kz/rss.xml   # Aktau\r\nhttps://a.kz/x#y\nhttps://b.kz/news-sitemap.xml\nhttps://c.kz\n"
    )
    sources = {source.id: source for source in read_sources(text.encode(), Path("list.txt"))}
    assert set(sources) == {"lada.kz-rss.xml", "a.kz-x", "b.kz-news-sitemap.xml", "c.kz"}
    assert sources["lada.kz-rss.xml"].rungs == (Rung(RungKind.FEED, "https://www.lada.kz/rss.xml"),)
    assert sources["lada.kz-rss.xml"].home == "https://www.lada.kz/"
    assert sources["b.kz-news-sitemap.xml"].rungs[0].kind is RungKind.SITEMAP
    assert [rung.kind for rung in sources["c.kz"].rungs] == [RungKind.FEED, RungKind.SECTION]
    assert all(source.state is SourceState.LISTED for source in sources.values())


@pytest.mark.parametrize("name", ["list.txt", "list", "list.yaml", "list.lst"])
def test_a_bare_list_is_known_by_what_it_says_whatever_its_name(name: str) -> None:
    body = b"\xef\xbb\xbfhttp://127.0.0.1:8001/feed\nhttp://127.0.0.1:8002/feed\n"
    assert [source.id for source in read_sources(body, Path(name))] == ["127.0.0.1-8001-feed", "127.0.0.1-8002-feed"]


def test_addresses_as_items_of_a_yaml_list_are_sources_too() -> None:
    assert [source.id for source in read_sources(b"- https://a.kz/rss\n- https://b.kz/rss\n", FILE)] == ["a.kz-rss", "b.kz-rss"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("https://a.kz/rss\nnonsense\n", 2, "begins with https:// or http://"),
        ("https://a.kz/rss\nb.kz/rss\n", 2, "write https://b.kz/rss"),
        ("https://a.kz/rss\nhttps://a.kz/rss\n", 2, "already that of 'a.kz-rss' (list.txt:1)"),
        ("https://a.kz/rss Alpha\n", 1, "not an address"),
        (b"https://a.kz/rss\nhttps://b.kz/\xcf\n", 2, "not in UTF-8"),
    ],
)
def test_a_mistake_in_a_bare_list_names_its_line(text: str | bytes, line: int, words: str) -> None:
    error = refusal(text, Path("list.txt"))
    assert words in str(error)
    assert error.line == line


def test_ids_derived_from_addresses_are_stable_valid_and_distinct() -> None:
    addresses = [
        "https://www.azh.kz/ru/news",
        "https://azh.kz/kk/news",
        "https://azh.kz/?format=feed&type=rss",
        "https://azh.kz/?format=feed&type=atom",
        "https://жаңалық.қаз/таспа",
        "https://azh.kz/" + "a" * 500,
        "https://azh.kz:8443/ru/news",
        "http://[::1]:8000/feed",
    ]
    ids = [derived_id(address) for address in addresses]
    assert ids[0] == "azh.kz-ru-news"
    assert len(set(ids)) == len(ids)
    listed = "\n".join(addresses)
    assert {source.id for source in read_sources(listed.encode(), Path("x.txt"))} == set(ids)


def test_two_addresses_that_give_one_id_are_still_two_sources() -> None:
    sources = read_sources(b"https://a.kz/b/c\nhttps://a.kz/b-c\nhttp://www.a.kz/b/c\n", Path("x.txt"))
    assert len({source.id for source in sources}) == 3


def test_an_opml_of_another_program_is_read(tmp_path: Path) -> None:
    (tmp_path / "feeds.opml").write_bytes(
        b'<?xml version="1.0" encoding="windows-1251"?>\n<opml version="1.0"><head/><body>\n'
        b'<outline text="\xc7\xe0\xef\xe0\xe4">\n<outline text="Lada" xmlUrl="https://www.lada.kz/rss.xml" htmlUrl="https://www.lada.kz/"'
        b' language="ru"/>\n<outline text="no feed" url="https://x.kz"/></outline>\n'
        b'<outline text="again" xmlurl="https://www.lada.kz/rss.xml"/></body></opml>'
    )
    (source,) = load_sources(tmp_path / "feeds.opml")
    assert (source.id, source.title, source.languages) == ("lada.kz-rss.xml", "Lada", ("ru",))


def test_an_export_to_opml_comes_back_whole(now: datetime) -> None:
    only_section = Source("s", 'S "&" <x>', "https://s.kz/", (Rung(RungKind.SECTION, "https://s.kz/?a=1&b=2"),))
    exported = written_opml((only_section, LADA), title="Sholu", now=now).encode()
    assert read_sources(exported, Path("out.opml")) == (LADA, only_section)
    assert b'xmlUrl="https://www.lada.kz/rss.xml"' in exported
    assert exported.count(b"xmlUrl") == 1


LAUGHS = (
    b'<?xml version="1.0"?>\n<!DOCTYPE opml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n'
    b'<opml><body><outline text="&b;" xmlUrl="x"/></body></opml>'
)
OUTSIDE = b'<!DOCTYPE opml SYSTEM "file:///etc/passwd">\n<opml/>'


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (LAUGHS, 2, "document type"),
        (LAUGHS.decode().encode("utf-16"), 2, "document type"),
        (OUTSIDE, 1, "document type"),
        (b"<rss><channel/></rss>", 1, "begins with <rss>"),
        (b"<html><body>Not found</body></html>", 1, "begins with <html>"),
        (b"<opml><body></opml>", 1, "mismatched tag"),
        (b"<opml><body>\n<outline xmlUrl='ftp://x'/></body></opml>", 2, "begins with https:// or http://"),
        (b"<opml><body/></opml>", 0, "names no feed"),
        (b'<?xml version="1.0" encoding="klingon"?><opml/>', 0, "unknown encoding"),
        (b"<opml>" + b"<outline>" * 100_000, 1, "deeper than 50"),
        (b'<opml xmlns:sholu="urn:sholu:source"><body>\n<outline sholu:rungs="feed"/></body></opml>', 2, "pairs of a kind"),
        (b'<opml>\n<outline sholu:id="x" title="X" htmlUrl="https://x.kz" sholu:mood="1"/></opml>', 2, "unknown key"),
    ],
)
def test_an_opml_that_is_hostile_or_wrong_is_refused_with_its_line(body: bytes, line: int, words: str) -> None:
    error = refusal(body, Path("in.opml"))
    assert words in str(error)
    assert error.line == line


def test_a_folder_is_read_whole_and_its_readme_left_alone(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(SMALL.replace("id: a", "id: b").replace("a.kz", "b.kz"))
    (tmp_path / "a.yml").write_text(SMALL)
    (tmp_path / "c.txt").write_text("https://c.kz/rss\n")
    (tmp_path / "README.md").write_text("not a source")
    (tmp_path / ".hidden.yaml").write_text("not: [a, source]")
    assert [source.id for source in load_sources(tmp_path)] == ["a", "b", "c.kz-rss"]


def test_an_id_given_in_two_files_names_both(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALL)
    (tmp_path / "b.yaml").write_text(SMALL.replace("a.kz", "b.kz"))
    with pytest.raises(ConfigError, match=r"b\.yaml:1: \[0\]\.id: the id 'a' is already taken \(.*a\.yaml:1\)"):
        load_sources(tmp_path)


def test_a_missing_or_empty_place_is_a_mistake_in_the_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_sources(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="no such file"):
        load_sources(tmp_path / "none")
    with pytest.raises(ConfigError, match="no file of sources"):
        load_sources(tmp_path)


def test_an_import_adds_only_what_is_not_yet_listed() -> None:
    known = (LADA,)
    imported = (
        Source("x", "X", "https://lada.kz/", (Rung(RungKind.FEED, "http://lada.kz/rss.xml/"),)),
        Source("lada", "Other", "https://o.kz/", (Rung(RungKind.FEED, "https://o.kz/rss"),)),
    )
    new, present = not_yet_listed(known, imported)
    assert [source.id for source in present] == ["x"]
    assert [source.title for source in new] == ["Other"]
    assert new[0].id != "lada"


def test_ten_thousand_addresses_are_read() -> None:
    text = "\n".join(f"https://outlet-{number}.kz/rss" for number in range(10_000))
    sources = read_sources(text.encode(), Path("many.txt"))
    assert len(read_sources(written_opml(sources).encode(), Path("many.opml"))) == 10_000
