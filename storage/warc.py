"""Captures as WARC 1.1 records, the format web archives read; which captures, and where the file goes, is decided elsewhere.

Of each capture three records: the response, the request, and metadata (redirects, certificate, what was decoded). The body kept
is the one after transfer and content decoding, so a header that would make a reader decode it again cannot stand as it was:
``Content-Encoding`` and ``Transfer-Encoding`` (and a ``Content-Length`` that is not the body's) are written under the prefix
``X-Archive-Orig-``, as web archives do, and the payload's digest is that of the decoded body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from domain.values import Capture
from storage.chain import capture_digest

ORIGINAL = "X-Archive-Orig-"
DECODED = frozenset({"content-encoding", "transfer-encoding"})
LINE_BREAKS = re.compile(r"[\r\n\x00]+")


def write_warc(
    out: IO[bytes], captures: Iterable[tuple[int, Capture]], *, name: str, software: str, now: datetime, gzip: bool
) -> int:
    """Write captures, each given with its id, as one WARC file; returns how many. The same captures give the same records."""
    from warcio.warcwriter import WARCWriter

    writer = WARCWriter(out, gzip=gzip, warc_version="1.1")
    about = {
        "software": software,
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "description": (
            "Bodies are as received, after transfer and content decoding; headers that spoke of the encoding on the wire "
            f"stand under the prefix {ORIGINAL}."
        ),
    }
    info = writer.create_warcinfo_record(name, about)
    info.rec_headers.replace_header("WARC-Date", warc_date(now))
    info.rec_headers.replace_header("WARC-Record-ID", _record_id("warcinfo", f"{name} {now.isoformat()}"))
    writer.write_record(info)
    count = 0
    for capture_id, capture in captures:
        _write_capture(writer, capture_id, capture)
        count += 1
    return count


def warc_date(moment: datetime) -> str:
    """A time as WARC 1.1 writes it, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def response_headers(capture: Capture) -> list[tuple[str, str]]:
    """The response's headers as they can stand before a decoded body."""
    size = str(len(capture.body))
    told: list[tuple[str, str]] = []
    for name, value in capture.headers:
        lower = name.lower()
        kept = lower not in DECODED and not (lower == "content-length" and value.strip() != size)
        told.append((name if kept else f"{ORIGINAL}{name}", LINE_BREAKS.sub(" ", value)))
    if not any(name.lower() == "content-length" for name, _ in told):
        told.append(("Content-Length", size))
    return told


def _write_capture(writer: Any, capture_id: int, capture: Capture) -> None:
    from warcio.statusandheaders import StatusAndHeaders

    identity = capture_digest(capture)
    response_id = _record_id("response", identity)
    common = {"WARC-Date": warc_date(capture.fetched_at)} | (
        {"WARC-IP-Address": capture.server_address} if capture.server_address else {}
    )
    url = LINE_BREAKS.sub("", capture.url_answered)
    status = HTTPStatus(capture.status).phrase if capture.status in HTTPStatus.__members__.values() else ""
    writer.write_record(
        writer.create_warc_record(
            url,
            "response",
            payload=BytesIO(capture.body),
            length=len(capture.body),
            http_headers=StatusAndHeaders(f"{capture.status} {status}".strip(), response_headers(capture), protocol="HTTP/1.1"),
            warc_headers_dict={**common, "WARC-Record-ID": response_id, "WARC-Payload-Digest": f"sha256:{capture.sha256}"},
        )
    )
    if capture.request_headers:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        asked = [(name, LINE_BREAKS.sub(" ", value)) for name, value in capture.request_headers]
        headers = StatusAndHeaders(f"GET {target} HTTP/1.1", asked, is_http_request=True)
        concurrent = {"WARC-Record-ID": _record_id("request", identity), "WARC-Concurrent-To": response_id}
        writer.write_record(
            writer.create_warc_record(url, "request", http_headers=headers, warc_headers_dict={**common, **concurrent})
        )
    facts = [("capture", str(capture_id)), ("capture-record-sha256", identity), ("address-asked", capture.url_asked)]
    facts += [("redirected-from", hop) for hop in capture.redirects]
    facts += [("certificate-sha256", capture.certificate)] if capture.certificate else []
    facts.append(("body", "as received, after transfer and content decoding"))
    written = "".join(f"{name}: {LINE_BREAKS.sub(' ', value)}\r\n" for name, value in facts).encode("utf-8", "replace")
    about = {**common, "WARC-Record-ID": _record_id("metadata", identity), "WARC-Concurrent-To": response_id}
    writer.write_record(
        writer.create_warc_record(
            url,
            "metadata",
            payload=BytesIO(written),
            length=len(written),
            warc_content_type="application/warc-fields",
            warc_headers_dict=about,
        )
    )


def _record_id(kind: str, identity: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'sholu:{kind}:{identity}')}>"
