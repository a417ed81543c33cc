"""Commands that look after sources and store as a person types them: `sholu sources`, `backup`, `restore`, `maintain`, `evidence`, `warc`."""

from __future__ import annotations

import zipfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import update

from domain.settings import Settings
from storage.schema.evidence import blobs
from storage.store import open_store
from tests.cli.conftest import Shell, Site


def test_sources_are_listed_with_how_their_last_poll_ended(sholu: Shell) -> None:
    one, two = sholu("sources", "list", "--json").rows
    assert (one["source"]["id"], one["rung"]["kind"], one["poll"]["last_kind"]) == ("one", "feed", "ok")
    assert two["poll"]["entries_last"] == 1
    assert "one en KZ" in sholu("sources", "list").out
    said = sholu("sources", "list", "--language", "english")
    assert (said.code, "they are in en" in said.complaint) == (2, True)
    said = sholu("sources", "list", "--ownership", "mine")
    assert (said.code, "independent" in said.complaint) == (2, True)


def test_a_check_says_what_each_source_yields_and_stores_nothing(sholu: Shell, site: Site) -> None:
    before = sholu("items", "--json").rows
    site.feed("/one.xml", ("Rally in Almaty", "/a1"), ("A third article", "/a3"))
    site.put("/two.xml", "<html><body>We have moved.</body></html>")
    said = sholu("sources", "check", "--json")
    assert said.code == 1
    one, two = said.rows
    assert (one["verdict"], one["status"], one["entries"]) == ("alive", 200, 2)
    assert (two["verdict"], two["status"]) == ("not a feed", 200)
    assert two["reason"]
    assert sholu("items", "--json").rows == before
    assert site.asked["/a3"] == 0


def test_a_list_goes_to_a_feed_reader_and_back_without_a_loss(sholu: Shell, filled: Settings, tmp_path: Path) -> None:
    opml, extra = tmp_path / "list.opml", tmp_path / "more.txt"
    assert sholu("sources", "export", "--opml", "--out", str(opml)).code == 0
    known = sholu("sources", "import", str(opml))
    assert "0 new, 2 listed already" in known.complaint
    extra.write_text("https://new.example.org/feed\n", encoding="utf-8")
    stanzas = tmp_path / "new.yaml"
    assert "1 new, 0 listed already" in sholu("sources", "import", str(extra), "--out", str(stanzas)).complaint
    assert "https://new.example.org/feed" in stanzas.read_text(encoding="utf-8")
    again = sholu("sources", "import", str(extra), "--out", str(stanzas))
    assert (again.code, "not overwritten" in again.complaint) == (2, True)
    assert sholu("sources", "list", "--json", SHOLU_SOURCES=str(opml)).rows[0]["source"]["id"] == "one"


def test_what_was_lost_is_put_back_from_the_back_up(sholu: Shell, filled: Settings, tmp_path: Path) -> None:
    kept = tmp_path / "kept.db"
    before = sholu("items", "--json").rows
    assert sholu("backup", str(kept)).code == 0
    assert sholu("backup", str(kept)).code != 0, "a back-up is never written over another"
    assert sholu("restore", str(kept), "--check").code == 0
    (filled.home / "sholu.db").unlink()
    for left in filled.home.glob("sholu.db-*"):
        left.unlink()
    assert sholu("items").out.startswith("No items yet.")
    said = sholu("restore", str(kept))
    assert said.code == 0
    assert "kept as" in said.out
    assert sholu("items", "--json").rows == before
    assert sholu("verify").code == 0
    broken = tmp_path / "broken.db"
    broken.write_bytes(kept.read_bytes()[:20_000])
    said = sholu("restore", str(broken))
    assert (said.code, "broken.db" in said.complaint) == (4, True)
    assert sholu("items", "--json").rows == before


def test_upkeep_backs_up_and_leaves_the_store_sound(sholu: Shell, filled: Settings) -> None:
    dry = sholu("maintain", "--dry-run")
    assert dry.code == 0
    assert not list(filled.home.glob("backups/*"))
    assert sholu("maintain").code == 0
    (kept,) = filled.home.glob("backups/*")
    assert sholu("restore", str(kept), "--check").code == 0
    assert sholu("db", "check", "--deep").code == 0
    assert sholu("alarms").out == "Nothing is wrong."


def test_a_check_says_how_deep_it_looked_and_a_deep_one_finds_an_altered_body(sholu: Shell, filled: Settings) -> None:
    shallow, deep = sholu("db", "check"), sholu("db", "check", "--deep")
    assert (shallow.code, "were not looked at" in shallow.out) == (0, True)
    assert (deep.code, "every page its bytes" in deep.out) == (0, True)
    with closing(open_store(filled.database)) as store, store.begin() as connection:
        connection.execute(update(blobs).values(data=b"altered"))
    found = sholu("db", "check", "--deep")
    assert (found.code, "cannot be unpacked" in " ".join(found.out.split())) == (1, True)


def test_all_that_is_held_on_an_item_can_be_handed_to_another_person(sholu: Shell, tmp_path: Path) -> None:
    (flagged,) = sholu("items", "--flagged", "--json").rows
    bundle, archive = tmp_path / "bundle.zip", tmp_path / "all.warc.gz"
    assert sholu("evidence", str(flagged["id"]), "--out", str(bundle)).code == 0
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        held = b"\n".join(opened.read(name) for name in opened.namelist())
    assert b"A rally was held in Almaty" in held
    assert flagged["url"].encode() in held
    assert "Wrote" in sholu("warc", str(archive)).out
    assert sholu("warc", str(archive)).code != 0, "an archive is never written over another"
    assert archive.read_bytes()[:2] == b"\x1f\x8b"


def test_the_digest_is_shown_before_anybody_gets_it(sholu: Shell, tmp_path: Path) -> None:
    page = tmp_path / "mail.html"
    shown = sholu("digest", "--dry-run", "--to", "aigul@example.org")
    assert shown.code == 0
    assert "Subject:" in shown.out
    assert sholu("digest", "--out", str(page), "--to", "aigul@example.org").code == 0
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    said = sholu("digest", "--out", str(tmp_path / "mail.pdf"))
    assert (said.code, ".eml, .html, .txt" in said.complaint) == (2, True)
    said = sholu("digest", "--to", "aigul@example.org")
    assert (said.code, "SHOLU_MAIL_FROM" in said.complaint) == (2, True)
