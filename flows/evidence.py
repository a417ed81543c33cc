"""Evidence on one item as a folder or a ZIP that another person can check without this program; plain steps, no scheduler."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from domain import __version__
from domain.errors import ConfigError, SholuError
from domain.settings import Settings
from domain.values import Flagging
from storage.evidence import Evidence, Link, load_evidence, stream_captures
from storage.store import open_store
from storage.warc import write_warc

HERE = Path(__file__).resolve().parent / "evidence_files"
SUMS = "SHA256SUMS"
CHECKER = "verify.py"
LIMIT = 60  # characters of text shown on each side of a matched word


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: where, how many files, and the hash that stands for all of them."""

    path: Path
    files: int
    captures: int
    sums_sha256: str


def export_item(settings: Settings, item_id: int, out: Path, *, now: datetime) -> Exported:
    """Write the evidence on an item to ``out``: a ZIP where the name ends in .zip, else a folder. Never overwrites.

    Raises ConfigError where ``out`` is there already, StoreError where there is no such item or its bytes are damaged.
    """
    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise ConfigError("is there already, and evidence is never written over; name another folder or file", file=out)
    with closing(open_store(settings.database, migrate=False)) as store:
        evidence = load_evidence(store, item_id)
    files = evidence_files(evidence, now=now)
    try:
        if out.suffix.lower() == ".zip":
            _write_zip(files, out, now)
        else:
            _write_folder(files, out)
    except OSError as error:
        raise SholuError(f"The evidence cannot be written to {out}: {error.strerror or error}.") from error
    return Exported(out, len(files), len(evidence.captures), hashlib.sha256(files[SUMS]).hexdigest())


def export_captures(settings: Settings, out: Path, *, since: datetime | None, until: datetime | None, now: datetime) -> int:
    """Write all captures of a time as one WARC file (compressed by record where it ends in .gz); returns how many."""
    if out.exists():
        raise ConfigError("is there already, and captures are never written over; name another file", file=out)
    part = out.with_name(f"{out.name}.part")
    with closing(open_store(settings.database, migrate=False)) as store:
        try:
            with part.open("wb") as file:
                kept = ((each.id, each.capture) for each in stream_captures(store, since=since, until=until) if each.kept)
                count = write_warc(file, kept, name=out.name, software=software(), now=now, gzip=out.suffix == ".gz")
            part.rename(out)
        except OSError as error:
            raise SholuError(f"The captures cannot be written to {out}: {error.strerror or error}.") from error
        finally:
            part.unlink(missing_ok=True)
    return count


def evidence_files(evidence: Evidence, *, now: datetime) -> dict[str, bytes]:
    """The files by name, their hashes last; the same evidence at the same time gives the same bytes."""
    files = dict(_files(evidence, now))
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    return files | {SUMS: sums.encode()}


def _files(evidence: Evidence, now: datetime) -> Iterator[tuple[str, bytes]]:
    yield "README.md", _read_me(evidence, now).encode()
    yield CHECKER, (HERE / f"{CHECKER}.template").read_bytes()
    yield "item.json", _json(_item(evidence))
    yield "flags.md", _flags(evidence).encode()
    yield "flags.json", _json([{**row, **_reasons(flagging)} for row, flagging in evidence.flaggings])
    yield "verdicts.json", _json([dict(row) for row in evidence.verdicts])
    yield "rechecks.json", _json([dict(row) for row in evidence.rechecks])
    for each in evidence.versions:
        # A title, a line feed and the text: exactly the bytes whose SHA-256 is the version's.
        yield f"versions/version-{each['number']}.txt", f"{each['title']}\n{each['text']}".encode(errors="replace")
        if each["diff"]:
            yield f"versions/version-{each['number']}.diff", f"{each['diff']}\n".encode(errors="replace")
    for held in evidence.captures:
        if held.kept:
            yield f"captures/capture-{held.id}.body", held.capture.body
    for record in evidence.records:
        yield f"records/{record.subject}-{record.id}.json", record.written.encode()
    yield "chain.tsv", _chain(evidence.excerpt)
    warc = BytesIO()
    kept = [(held.id, held.capture) for held in evidence.captures if held.kept]
    write_warc(warc, kept, name="captures.warc", software=software(), now=now, gzip=False)
    yield "captures.warc", warc.getvalue()


def _reasons(flagging: Flagging) -> dict[str, Any]:
    """Spans and rulings with every field spelled out; in the store, fields at their default are left out."""
    return {"spans": [asdict(span) for span in flagging.spans], "rulings": [asdict(ruling) for ruling in flagging.rulings]}


def software() -> str:
    """The program and its version, as files name it."""
    return f"Sholu {__version__}"


def _item(evidence: Evidence) -> dict[str, Any]:
    return {
        "item": dict(evidence.item),
        "outlets": [dict(each) for each in evidence.outlets],
        "tags": list(evidence.tags),
        "versions": [{name: value for name, value in each.items() if name not in {"text", "diff"}} for each in evidence.versions],
        "captures": [
            {
                "id": held.id,
                "bytes_kept": held.kept,
                **{
                    name: getattr(held.capture, name)
                    for name in (
                        "url_asked",
                        "url_answered",
                        "fetched_at",
                        "status",
                        "media_type",
                        "server_address",
                        "certificate",
                        "sha256",
                    )
                },
                "redirects": list(held.capture.redirects),
                "headers": [list(pair) for pair in held.capture.headers],
                "request_headers": [list(pair) for pair in held.capture.request_headers],
            }
            for held in evidence.captures
        ],
        "chain": {"head": _link(evidence.head), "excerpt_reaches_head": evidence.whole},
    }


def _link(link: Link | None) -> dict[str, Any] | None:
    return None if link is None else {"seq": link.seq, "link": link.link}


def _json(value: object) -> bytes:
    def told(each: object) -> str:
        return each.astimezone(UTC).isoformat() if isinstance(each, datetime) else str(each)

    return (json.dumps(value, ensure_ascii=False, indent=1, default=told) + "\n").encode("utf-8", "replace")


def _chain(excerpt: tuple[Link, ...]) -> bytes:
    lines = ["seq\tsubject\tsubject_id\tdigest\tbefore\tlink"]
    lines += [f"{each.seq}\t{each.subject}\t{each.subject_id}\t{each.digest}\t{each.before}\t{each.link}" for each in excerpt]
    return ("\n".join(lines) + "\n").encode()


def _flags(evidence: Evidence) -> str:
    """What the rules said, for a person: each verdict with its rules, points and the words in their sentence."""
    by_id = {row["id"]: row for row in evidence.versions}
    lines = ["# What the rules said, and why", ""]
    if not evidence.flaggings:
        lines.append("No rules have judged this item.")
    for row, flagging in evidence.flaggings:
        text = by_id[row["version_id"]]
        word = "flagged" if flagging.flagged else "a near miss" if flagging.near_miss else "not flagged"
        force = ", in force" if row["id"] == evidence.item["flagging_id"] else ""
        lines += [
            f"## Version {text['number']}: {word} (score {flagging.score:g}, threshold {flagging.threshold:g}{force})",
            "",
            f"Judged at {row['at']:%Y-%m-%d %H:%M:%S} UTC by rules {flagging.rules_version}. Themes: {', '.join(flagging.themes) or 'none'}.",
            "",
            *_rulings(flagging, text),
        ]
    return "\n".join(lines) + "\n"


def _rulings(flagging: Flagging, text: Mapping[Any, Any]) -> Iterator[str]:
    for ruling in flagging.rulings:
        yield f"### Rule {ruling.rule} ({ruling.theme}): {ruling.score:g} of {ruling.threshold:g}"
        yield ""
        for part in ruling.parts:
            yield f"- {part.points:+g} {part.signal}{': ' + part.why if part.why else ''}"
            for span in (flagging.spans[index] for index in part.spans):
                told = text[span.field]
                before, after = told[max(0, span.start - LIMIT) : span.start], told[span.end : span.end + LIMIT]
                shown = f"{before}[[{span.text}]]{after}".replace("\n", " ")
                yield f"    - {span.field} {span.start}–{span.end}: …{shown}…{' (' + span.why + ')' if span.why else ''}"
        yield ""


def _read_me(evidence: Evidence, now: datetime) -> str:
    item, head = evidence.item, evidence.head
    dropped = [held.id for held in evidence.captures if not held.kept]
    lost = f"\nThe bytes of captures {dropped} were dropped by retention; their hashes stay.\n" if dropped else ""
    bare = "" if evidence.captures else "\nNo page was captured for this item: its text is what the feed itself said.\n"
    facts = {
        "title": str(item["title"]),
        "url": str(item["url"]),
        "item": str(item["id"]),
        "first_seen": f"{item['first_seen']:%Y-%m-%d %H:%M:%S} UTC",
        "outlets": ", ".join(f"{each['title']} ({each['url']})" for each in evidence.outlets),
        "gone": f"- The page was found gone at {item['gone_at']:%Y-%m-%d %H:%M} UTC.\n" if item["gone_at"] else "",
        "now": f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "software": software(),
        "head": f"link {head.seq}, {head.link}" if head else "none: nothing was chained yet",
        "excerpt": (
            "every link from this item's first record to the head of the chain at the time of export"
            if evidence.whole
            else "the links of this item's records, each with the link before it"
        ),
        "notes": lost + bare,
    }
    text = (HERE / "README.md").read_text(encoding="utf-8")
    for name, value in facts.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def _write_folder(files: Mapping[str, bytes], out: Path) -> None:
    for name, content in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _write_zip(files: Mapping[str, bytes], out: Path, now: datetime) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f"{out.name}.part")
    stamp = max(now.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC) + timedelta(days=1)).timetuple()[:6]
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(zipfile.ZipInfo(f"{out.stem}/{name}", stamp), content, zipfile.ZIP_DEFLATED)
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
