"""What is handed over can be checked with other people's tools, and whatever is changed in it shows."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from domain.errors import ConfigError, StoreError
from domain.settings import Settings
from domain.values import Capture
from flows.evidence import export_captures, export_item
from storage.captures import save_captures
from storage.runs import begin_run
from storage.store import Store, open_store
from storage.verdicts import Ballot, Decision, decide
from storage.warc import write_warc
from tests.evidence.conftest import NOW, Site, look_again
from tests.flows.conftest import filler


def check_sums(folder: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    return subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False
    )


def check_all(folder: Path) -> subprocess.CompletedProcess[str]:
    """The little program that comes along, run where Sholu is not to be found: an empty folder, no site packages."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], cwd="/", capture_output=True, text=True, check=False
    )


def warc_records(data: bytes) -> Iterator[tuple[Any, bytes]]:
    for record in ArchiveIterator(BytesIO(data), check_digests="raise"):
        yield record, record.content_stream().read()


@pytest.fixture
def folder(filled: Settings, site: Site, store: Store, flagged_id: int, tmp_path: Path) -> Path:
    """Evidence on an item that was edited after an hour and decided by a person."""
    site.article(
        "/a1", "Rally in Almaty", filler("A rally was held in Almaty"), "Police detained forty people, the paper now says."
    )
    look_again(filled, timedelta(hours=1))
    decide(store, Ballot((flagged_id,), "Айгүл", Decision.RELEVANT, note="see the second version"), now=NOW + timedelta(hours=2))
    export_item(filled, flagged_id, tmp_path / "evidence", now=NOW + timedelta(hours=3))
    return tmp_path / "evidence"


def test_it_is_whole_by_sha256sum_and_by_the_program_that_comes_along(folder: Path) -> None:
    assert check_sums(folder).returncode == 0
    done = check_all(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Whole:" in done.stdout


def test_it_holds_everything_on_the_item(folder: Path) -> None:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "README.md",
        "captures.warc",
        "versions/version-1.txt",
        "versions/version-2.txt",
        "versions/version-2.diff",
        "chain.tsv",
    } <= names
    assert "[[" in (folder / "flags.md").read_text(encoding="utf-8")
    assert json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))[0]["reviewer"] == "Айгүл"
    assert "Police detained forty people" in (folder / "versions/version-2.diff").read_text(encoding="utf-8")
    read_me = (folder / "README.md").read_text(encoding="utf-8")
    assert "{{" not in read_me
    assert "sha256sum --check" in read_me


def test_every_span_stands_in_the_text_where_it_says(folder: Path) -> None:
    versions = {each["id"]: each["number"] for each in json.loads((folder / "item.json").read_text(encoding="utf-8"))["versions"]}
    spans = 0
    for flagging in json.loads((folder / "flags.json").read_text(encoding="utf-8")):
        title, text = (
            (folder / f"versions/version-{versions[flagging['version_id']]}.txt").read_text(encoding="utf-8").split("\n", 1)
        )
        for span in flagging["spans"]:
            assert {"title": title, "text": text}[span["field"]][span["start"] : span["end"]] == span["text"]
            spans += 1
    assert spans


def test_every_byte_flipped_in_any_file_shows(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in {"SHA256SUMS", "verify.py"}:
            continue
        kept = path.read_bytes()
        path.write_bytes(bytes([kept[len(kept) // 2] ^ 1]).join((kept[: len(kept) // 2], kept[len(kept) // 2 + 1 :])))
        assert check_sums(folder).returncode == 1, path
        done = check_all(folder)
        assert (done.returncode, path.name in done.stdout) == (1, True), path
        path.write_bytes(kept)
    assert check_all(folder).returncode == 0


def test_whoever_makes_the_sums_anew_is_still_found_by_the_chain(folder: Path) -> None:
    """A text and all hashes that name it are forged together; the chain's link cannot be."""
    text = folder / "versions/version-1.txt"
    text.write_text(text.read_text(encoding="utf-8").replace("rally", "feast"), encoding="utf-8")
    forged = hashlib.sha256(text.read_bytes()).hexdigest()
    record = next(
        path for path in folder.glob("records/version-*.json") if json.loads(path.read_text(encoding="utf-8"))["number"] == 1
    )
    said = json.loads(record.read_text(encoding="utf-8")) | {"sha256": forged}
    record.write_text(json.dumps(said, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    lines = [line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    sums = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in lines)
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
    assert check_sums(folder).returncode == 0
    done = check_all(folder)
    assert done.returncode == 1
    assert f"records/{record.name} is not what the chain names" in done.stdout


def test_a_file_taken_out_or_put_in_shows(folder: Path) -> None:
    (folder / "captures" / "capture-99.body").write_text("forged", encoding="utf-8")
    (folder / "verdicts.json").unlink()
    done = check_all(folder)
    assert "captures/capture-99.body was added" in done.stdout
    assert "verdicts.json is missing" in done.stdout


def test_the_warc_is_read_by_others_and_holds_what_was_received(folder: Path) -> None:
    kinds = []
    bodies = {path.read_bytes() for path in folder.glob("captures/*.body")}
    for record, content in warc_records((folder / "captures.warc").read_bytes()):
        kinds.append(record.rec_type)
        assert record.rec_headers.protocol == "WARC/1.1"
        if record.rec_type == "response":
            assert content in bodies
            assert record.rec_headers.get_header("WARC-Payload-Digest") == f"sha256:{hashlib.sha256(content).hexdigest()}"
            assert record.rec_headers.get_header("WARC-IP-Address") == "127.0.3.1"
            assert record.http_headers.get_statuscode() == "200"
            # The site answered with gzip: a reader must not be told to unpack what is unpacked already.
            assert record.http_headers.get_header("Content-Encoding") is None
            assert record.http_headers.get_header("X-Archive-Orig-Content-Encoding") == "gzip"
            assert record.http_headers.get_header("Content-Length") == str(len(content))
        if record.rec_type == "request":
            assert record.http_headers.get_header("User-Agent").startswith("Sholu/")
    assert kinds == ["warcinfo", *["response", "request", "metadata"] * 3], (
        "the page, the page as it was changed, and the feed that announced it"
    )


def test_a_zip_holds_the_same_files(filled: Settings, flagged_id: int, folder: Path, tmp_path: Path) -> None:
    export_item(filled, flagged_id, tmp_path / "e.zip", now=NOW + timedelta(hours=3))
    with zipfile.ZipFile(tmp_path / "e.zip") as packed:
        assert packed.testzip() is None
        held = {name.removeprefix("e/"): packed.read(name) for name in packed.namelist()}
    assert held == {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_evidence_is_never_written_over(filled: Settings, flagged_id: int, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="never written over"):
        export_item(filled, flagged_id, folder, now=NOW)
    (tmp_path / "there.warc").write_bytes(b"x")
    with pytest.raises(ConfigError, match="never written over"):
        export_captures(filled, tmp_path / "there.warc", since=None, until=None, now=NOW)


def test_an_item_that_is_not_there_is_said_so(filled: Settings, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no item 777"):
        export_item(filled, 777, tmp_path / "nothing", now=NOW)
    assert not (tmp_path / "nothing").exists()


def test_all_captures_of_a_time_go_into_one_compressed_warc(filled: Settings, tmp_path: Path) -> None:
    assert export_captures(filled, tmp_path / "all.warc.gz", since=NOW, until=NOW + timedelta(seconds=1), now=NOW) == 5, (
        "three pages and two feeds"
    )
    assert sum(record.rec_type == "response" for record, _ in warc_records((tmp_path / "all.warc.gz").read_bytes())) == 5
    assert export_captures(filled, tmp_path / "none.warc", since=NOW + timedelta(days=1), until=None, now=NOW) == 0


@pytest.mark.parametrize(
    "headers",
    [
        (("Content-Type", "text/html"), ("Content-Encoding", "gzip, deflate"), ("Transfer-Encoding", "chunked")),
        (("X-Title", "Протест в Алматы"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
        (("X-Split", "one\r\nWARC/1.1\r\nWARC-Type: response"), ("Content-Length", "999999")),
        (),
    ],
)
def test_strange_headers_and_bodies_survive_the_way_into_a_warc(headers: tuple[tuple[str, str], ...], now: datetime) -> None:
    body = b"WARC/1.1\r\nWARC-Type: warcinfo\r\n\r\n\x00\xff" * 50
    capture = Capture(
        url_asked="https://example.org/?q=ә&b=1",
        url_answered="https://example.org/?q=%D3%99&b=1",
        fetched_at=now,
        status=299,
        headers=headers,
        media_type="",
        body=body,
        server_address="2001:db8::1",
        request_headers=(("Host", "example.org"),),
        redirects=("https://example.org/old",),
    )
    out = BytesIO()
    write_warc(out, [(1, capture)], name="a.warc", software="Sholu", now=now, gzip=False)
    found = list(warc_records(out.getvalue()))
    assert [record.rec_type for record, _ in found] == ["warcinfo", "response", "request", "metadata"]
    assert found[1][1] == body
    assert b"redirected-from: https://example.org/old" in found[3][1]


def test_damaged_bytes_are_never_handed_out_as_evidence(filled: Settings, store: Store, flagged_id: int, tmp_path: Path) -> None:
    from sqlalchemy import text

    with store.begin() as connection:
        connection.execute(text("UPDATE blobs SET data = x'00112233'"))
    with pytest.raises(StoreError, match="restore a back-up"):
        export_item(filled, flagged_id, tmp_path / "e", now=NOW)


def test_a_thousand_captures_are_exported_without_holding_them_all(address: str, now: datetime, tmp_path: Path) -> None:
    with closing(open_store(address)) as store:
        run_id = begin_run(store, kind="collect", now=now, parameters={})
        bodies = [b"%d" % number * 10 for number in range(130)]
        given = [
            Capture(
                f"https://example.org/{n}",
                f"https://example.org/{n}",
                now,
                200,
                (),
                "",
                body,
                hashlib.sha256(body).hexdigest(),
                "192.0.2.1",
            )
            for n, body in enumerate(bodies)
        ]
        save_captures(store, run_id, given)
    settings = Settings(home=tmp_path, database_url=address, _env_file=None)  # type: ignore[call-arg]  # not a setting: type checkers see only those
    assert export_captures(settings, tmp_path / "all.warc", since=None, until=None, now=now) == 130
    responses = [
        content for record, content in warc_records((tmp_path / "all.warc").read_bytes()) if record.rec_type == "response"
    ]
    assert responses == bodies
