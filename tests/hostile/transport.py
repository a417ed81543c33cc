"""Hostile transport: connections, framing, headers, encodings and TLS that are slow, broken, endless or lies."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

import asyncio
import gzip
import zlib

from tests.hostile.server import Answer, Case, Exchange, case, ok

BODY = b"<rss version='2.0'><channel><title>ok</title></channel></rss>"
GOOD = ok(BODY)
BOMB = gzip.compress(bytes(200_000_000), 9)  # 200 MB of zeros in 200 kB


def raw(*lines: str, body: bytes = b"") -> bytes:
    """A 200 with exactly these headers."""
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode("latin-1") + body


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()


def encoded(body: bytes, encoding: str) -> bytes:
    return ok(body, f"Content-Encoding: {encoding}")


def raw_deflate(body: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(body) + squeezer.flush()


async def hang(on: Exchange) -> None:
    await on.hang()


def then_hang(start: bytes) -> Answer:
    async def answer(on: Exchange) -> None:
        await on.send(start)
        await on.hang()

    return answer


def then_close(start: bytes) -> Answer:
    async def answer(on: Exchange) -> None:
        await on.send(start)

    return answer


def then_reset(start: bytes) -> Answer:
    async def answer(on: Exchange) -> None:
        await on.send(start)
        await asyncio.sleep(0.05)
        on.reset()

    return answer


def drip(text: bytes, start: bytes = b"") -> Answer:
    async def answer(on: Exchange) -> None:
        await on.send(start)
        for byte in text:
            await on.send(bytes([byte]))
            await asyncio.sleep(0.1)

    return answer


def forever(start: bytes, part: bytes, every: float = 0.0) -> Answer:
    async def answer(on: Exchange) -> None:
        await on.send(start)
        await on.send_forever(part, every=every)

    return answer


async def stale_second_answer(on: Exchange) -> None:
    """Answer, and once the connection is back in the client's pool push an answer nobody asked for; then play fair."""
    await on.send(GOOD)
    await asyncio.sleep(0.02)
    await on.send(ok(b"poison"))
    while (head := await on.reader.readuntil(b"\r\n\r\n")) and not on.writer.is_closing():
        await on.send(ok(b"second " + head.split(b" ")[1]))


async def pipelined(on: Exchange) -> None:
    """Two whole answers in one packet: the second must never be taken for that of the next request."""
    await on.send(GOOD + ok(b"poison"))
    while (head := await on.reader.readuntil(b"\r\n\r\n")) and not on.writer.is_closing():
        await on.send(ok(b"second " + head.split(b" ")[1]))


_CHUNKED = raw("Content-Type: text/xml", "Transfer-Encoding: chunked")
_CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)

CASES: tuple[Case, ...] = (
    # Silence and slowness: one deadline for the whole, not for each read.
    case("transport", "hang", "takes the request and never answers", "timeout", hang),
    case("transport", "hang-status", "stops in the middle of the status line", "timeout", then_hang(b"HTTP/1.1 2")),
    case("transport", "hang-headers", "stops in the middle of the headers", "timeout", then_hang(b"HTTP/1.1 200 OK\r\nContent-Ty")),
    case("transport", "hang-body", "sends 10 of 1,000 bytes and stops", "timeout", then_hang(raw("Content-Length: 1000", body=b"0123456789"))),
    case("transport", "hang-chunk", "stops inside a chunk", "timeout", then_hang(_CHUNKED + b"400\r\nabc")),
    case("transport", "hang-gzip", "stops inside a gzip body", "timeout", then_hang(raw("Content-Encoding: gzip", "Content-Length: 900", body=BOMB[:50]))),
    case("transport", "drip-headers", "sends the headers a byte at a time", "timeout", drip(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 900)),
    case("transport", "drip-body", "sends the body a byte at a time", "timeout", drip(b"a" * 900, raw("Content-Length: 900"))),
    case("transport", "drip-chunks", "sends a chunk of a byte now and then", "timeout", forever(_CHUNKED, b"1\r\na\r\n", 0.1)),
    case("transport", "drip-interim", "sends an interim answer now and then", "timeout|protocol", forever(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.2)),
    # Connections that end early.
    case("transport", "close", "closes without a word", "unreachable", then_close(b"")),
    case("transport", "reset", "resets without a word", "unreachable", then_reset(b"")),
    case("transport", "closed-port", "nobody listens", "unreachable", url="{closed}/feed"),
    case("transport", "close-status", "closes in the status line", "unreachable|protocol", then_close(b"HTTP/1.1 2")),
    case("transport", "close-headers", "closes in the headers", "unreachable|protocol", then_close(b"HTTP/1.1 200 OK\r\nContent-Type: text")),
    case("transport", "close-body", "sends 10 of 1,000 bytes and closes", "protocol", then_close(raw("Content-Length: 1000", body=b"0123456789"))),
    case("transport", "reset-body", "resets in the body", "protocol|unreachable", then_reset(raw("Content-Length: 1000", body=b"0123456789"))),
    case("transport", "close-chunk", "closes inside a chunk", "protocol", then_close(_CHUNKED + b"400\r\nabc")),
    case("transport", "close-last-chunk", "closes before the last chunk", "protocol", then_close(_CHUNKED + _CHUNK)),
    case("transport", "close-after", "announces keep-alive and closes right after", "body", then_close(ok(BODY, "Connection: keep-alive"))),
    case("transport", "no-length", "gives no length and closes, as HTTP/1.0 did", "body", then_close(raw("Content-Type: text/xml", body=BODY))),
    # Lengths and framing that lie.
    case("transport", "longer-than-said", "sends more than Content-Length", "body|protocol", then_close(ok(BODY) + b"and more")),
    case("transport", "stale-answer", "pushes an answer nobody asked for into the kept connection", "body", stale_second_answer, url="{solo}/{group}/{name}"),
    case("transport", "two-lengths", "says two different lengths", "protocol", then_close(raw("Content-Length: 5", "Content-Length: 61", body=BODY))),
    case("transport", "length-negative", "says Content-Length: -1", "protocol", then_close(raw("Content-Length: -1", body=BODY))),
    case("transport", "length-words", "says Content-Length: many", "protocol", then_close(raw("Content-Length: many", body=BODY))),
    case("transport", "length-overflow", "says a length of 30 digits", "protocol|too-large", then_close(raw("Content-Length: " + "9" * 30, body=BODY))),
    case("transport", "length-huge", "says a length of a terabyte", "too-large", then_hang(raw("Content-Length: 1000000000000", body=BODY))),
    case("transport", "length-and-chunked", "says a length and chunked, as smugglers do", "protocol", then_close(raw("Content-Length: 5", "Transfer-Encoding: chunked") + _CHUNK + b"0\r\n\r\n")),
    case("transport", "chunk-size-words", "says a chunk size that is no number", "protocol", then_close(_CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n")),
    case("transport", "chunk-size-overflow", "says a chunk size of 20 digits", "protocol", then_close(_CHUNKED + b"f" * 20 + b"\r\nabc\r\n0\r\n\r\n")),
    case("transport", "chunk-size-negative", "says a negative chunk size", "protocol", then_close(_CHUNKED + b"-5\r\nabc\r\n0\r\n\r\n")),
    case("transport", "chunk-size-huge", "says a chunk of a terabyte", "timeout|too-large", forever(_CHUNKED + b"e8d4a51000\r\n", b"a" * 65_536)),
    case("transport", "chunks-tiny", "sends chunks of one byte without end", "protocol|too-large", forever(_CHUNKED, b"1\r\na\r\n" * 5_000)),
    case("transport", "chunk-extensions", "sends a chunk extension without end", "protocol", forever(_CHUNKED + b"5;", b"a=b;" * 10_000)),
    case("transport", "trailers", "sends trailers without end", "protocol", forever(_CHUNKED + b"0\r\n", b"X-Trailer: a\r\n" * 1_000)),
    case("transport", "trailers-garbage", "ends with garbage for trailers", "protocol|body", then_close(_CHUNKED + _CHUNK + b"0\r\n\x00\xff\r\n\r\n")),
    case("transport", "chunked-twice", "says chunked, chunked", "protocol|body", then_close(raw("Transfer-Encoding: chunked, chunked") + _CHUNK + b"0\r\n\r\n")),
    case("transport", "transfer-unknown", "says Transfer-Encoding: evil", "protocol|body", then_close(raw("Transfer-Encoding: evil", body=BODY))),
    case("transport", "endless", "sends a body without end", "too-large", forever(raw("Content-Type: text/xml"), b"a" * 65_536)),
    case("transport", "endless-chunked", "sends chunks without end", "too-large", forever(_CHUNKED, b"10000\r\n" + b"a" * 65_536 + b"\r\n")),
    # What is no HTTP.
    case("transport", "http-0.9", "sends a body without a head, as HTTP/0.9 did", "protocol", then_close(b"<html>no head at all</html>\r\n\r\n")),
    case("transport", "http-2", "answers with HTTP/2 frames", "protocol", then_close(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18))),
    case("transport", "ssh", "answers as an SSH server", "protocol", then_close(b"SSH-2.0-OpenSSH_9.6\r\n")),
    case("transport", "noise", "answers with bytes at random", "protocol", then_close(bytes(range(256)) * 40)),
    case("transport", "icy", "answers ICY 200 OK, as radio servers do", "protocol", then_close(b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nhi")),
    case("transport", "version-9", "answers HTTP/9.9", "protocol", then_close(GOOD.replace(b"HTTP/1.1", b"HTTP/9.9"))),
    case("transport", "status-words", "answers with a status in words", "protocol", then_close(b"HTTP/1.1 OKAY fine\r\n\r\n")),
    case("transport", "status-000", "answers with status 000", "protocol|status", then_close(b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n")),
    case("transport", "status-999", "answers with status 999", "protocol|status", then_close(b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n")),
    case("transport", "status-99999", "answers with a status of five digits", "protocol", then_close(b"HTTP/1.1 99999 No\r\nContent-Length: 0\r\n\r\n")),
    case("transport", "reason-long", "gives a reason of a megabyte", "protocol", then_close(b"HTTP/1.1 200 " + b"a" * 1_000_000 + b"\r\n\r\n")),
    case("transport", "interim-flood", "sends interim answers without end", "protocol", forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    case("transport", "interim-then-good", "sends two interim answers, then the real one", "body", then_close(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD)),
    case("transport", "upgrade", "answers 101 and changes the protocol", "protocol|status", then_close(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x02hi")),
    # Headers.
    case("transport", "headers-many", "sends 100,000 headers", "protocol", then_close(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n")),
    case("transport", "headers-endless", "sends headers without end", "protocol", forever(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 1_000)),
    case("transport", "headers-large", "sends 90 headers of 8 kB", "protocol", then_close(raw(*[f"X-{n}: {'a' * 8000}" for n in range(90)], "Content-Length: 2", body=b"hi"))),
    case("transport", "header-huge", "sends a header of 10 MB", "protocol", then_close(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 10_000_000 + b"\r\n\r\n")),
    case("transport", "header-endless", "sends a header without end", "protocol", forever(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65_536)),
    case("transport", "header-name-endless", "sends a header name without end", "protocol", forever(b"HTTP/1.1 200 OK\r\n", b"a" * 65_536)),
    case("transport", "header-nul", "has a NUL in a header", "protocol", then_close(raw("X: a\x00b", "Content-Length: 2", body=b"hi"))),
    case("transport", "header-no-colon", "has a header without a colon", "protocol", then_close(raw("nonsense", "Content-Length: 2", body=b"hi"))),
    case("transport", "header-no-name", "has a header without a name", "protocol", then_close(raw(": x", "Content-Length: 2", body=b"hi"))),
    case("transport", "header-folded", "folds a header over two lines", "body|protocol", then_close(raw("X: a\r\n b", "Content-Length: 2", body=b"hi"))),
    case("transport", "header-bytes", "has bytes in headers that are no text", "body", then_close(raw("X: \xff\xfe\xe0", 'ETag: "\xff"', "Last-Modified: \xe9", "Content-Length: 2", body=b"hi"))),
    case("transport", "header-types", "has nonsense in every header that is read", "body", then_close(raw(
        "Content-Type: ;;;=,text", "Cache-Control: max-age=99999999999999999999, =,", "Expires: yesterday", "Retry-After: soon", "Age: -1", "Date: 31 Feb 99999",
        "Last-Modified: Mon, 99 Foo 0000 99:99:99", 'ETag: W/"' + "a" * 5_000 + '"', "Content-Length: 2", body=b"hi"))),
    case("transport", "cookies", "sets 60 cookies", "body", then_close(raw(*[f"Set-Cookie: c{n}={'x' * 100}; Domain=.; Path=/" for n in range(60)], "Content-Length: 2", body=b"hi"))),
    case("transport", "http-1.0-kept", "keeps an HTTP/1.0 connection open after its body", "body", GOOD.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n", 1)),
    case("transport", "http-1.0-chunked", "sends chunks by HTTP/1.0, which has none", "body|protocol", then_close(_CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + _CHUNK + b"0\r\n\r\n")),
    case("transport", "pipelined", "sends a second answer in the packet of the first", "body|protocol|unreachable", pipelined, url="{solo}/{group}/{name}"),
    case("transport", "two-lengths-same", "says the same length twice", "body|protocol", then_close(raw("Content-Length: 2", "Content-Length: 2", body=b"hi"))),
    case("transport", "length-list", "says two lengths in one header", "body|protocol", then_close(raw("Content-Length: 2, 2", body=b"hi"))),
    case("transport", "length-plus", "says a length with a sign", "protocol", then_close(raw("Content-Length: +2", body=b"hi"))),
    case("transport", "length-digits", "says a length in Arabic digits", "protocol", then_close(raw("Content-Length: \xb2", body=b"hi"))),
    case("transport", "chunked-identity", "says chunked, then identity", "body|protocol", then_close(raw("Transfer-Encoding: chunked, identity") + _CHUNK + b"0\r\n\r\n")),
    case("transport", "chunked-spaced", "writes chunked with a blank before the colon", "body|protocol", then_close(raw("Transfer-Encoding : chunked") + _CHUNK + b"0\r\n\r\n")),
    case("transport", "chunk-extension-huge", "has one chunk extension without end", "protocol|too-large", forever(_CHUNKED + b"5;a=", b"x" * 65_536)),
    case("transport", "trailers-endless", "sends trailers without end", "protocol|body", forever(_CHUNKED + _CHUNK + b"0\r\n", b"X-Trailer: " + b"a" * 1_000 + b"\r\n")),
    case("transport", "interim-headers", "sends an interim answer of megabytes of headers", "protocol", forever(b"HTTP/1.1 103 Early Hints\r\n", b"Link: </x>; rel=preload\r\n" * 1_000)),
    case("transport", "upgrade-h2c", "switches to HTTP/2 unasked", "protocol|status|unreachable", then_close(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    case("transport", "reset-after", "resets after the whole body", "body|protocol|unreachable", then_reset(GOOD)),
    case("transport", "status-1xx-only", "answers with an interim answer and closes", "protocol|unreachable", then_close(b"HTTP/1.1 100 Continue\r\n\r\n")),
    case("transport", "content-location", "says that its content lives in the private network", "body", ok(BODY, "Content-Location: http://127.0.0.2/", "Link: <http://127.0.0.2/>; rel=preload", 'Alt-Svc: h2="127.0.0.2:443"')),
    case("transport", "bare-lf", "ends its lines with LF alone", "body|protocol", then_close(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi")),
    case("transport", "bare-cr", "ends its lines with CR alone", "protocol|unreachable", then_close(b"HTTP/1.1 200 OK\rContent-Length: 2\r\rhi")),
    # Encodings.
    case("transport", "gzip", "compresses, as asked", "body", encoded(gzip.compress(BODY), "gzip")),
    case("transport", "x-gzip", "compresses under the old name", "body", encoded(gzip.compress(BODY), "X-GZIP")),
    case("transport", "deflate", "deflates with zlib's header", "body", encoded(zlib.compress(BODY), "deflate")),
    case("transport", "deflate-raw", "deflates without zlib's header", "body", encoded(raw_deflate(BODY), "deflate")),
    case("transport", "gzip-members", "compresses in two members", "body", encoded(gzip.compress(BODY[:20]) + gzip.compress(BODY[20:]), "gzip")),
    case("transport", "gzip-padding", "pads a compressed body", "body", encoded(gzip.compress(BODY) + b"\0" * 100 + b"trailing", "gzip")),
    case("transport", "gzip-empty", "says gzip and sends nothing", "body", encoded(b"", "gzip")),
    case("transport", "identity", "says Content-Encoding: identity", "body", encoded(BODY, "identity")),
    case("transport", "gzip-twice", "compresses twice", "body", encoded(gzip.compress(gzip.compress(BODY)), "gzip, gzip")),
    case("transport", "gzip-bomb", "sends 200 MB of zeros in 200 kB", "too-large", encoded(BOMB, "gzip")),
    case("transport", "gzip-bomb-chunked", "sends the bomb in chunks of 100 bytes", "too-large", then_close(
        raw("Content-Encoding: gzip", "Transfer-Encoding: chunked") + b"".join(b"64\r\n" + BOMB[n : n + 100] + b"\r\n" for n in range(0, 100_000, 100)))),
    case("transport", "gzip-bomb-twice", "sends the bomb compressed again", "too-large", encoded(gzip.compress(BOMB), "gzip, gzip")),
    case("transport", "deflate-bomb", "sends 200 MB of zeros deflated", "too-large", encoded(zlib.compress(bytes(200_000_000), 9), "deflate")),
    case("transport", "gzip-bomb-members", "sends a bomb of many members", "too-large", encoded(gzip.compress(bytes(60_000)) * 900, "gzip")),
    case("transport", "gzip-members-empty", "sends 100,000 empty members", "body|protocol|too-large", encoded(gzip.compress(BODY) + gzip.compress(b"") * 100_000, "gzip")),
    case("transport", "gzip-name-huge", "names its gzip file at a length of five megabytes", "body|protocol|too-large", encoded(b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 5_000_000 + b"\0" + raw_deflate(BODY) + zlib.crc32(BODY).to_bytes(4, "little") + len(BODY).to_bytes(4, "little"), "gzip")),
    case("transport", "gzip-crc", "lies in the check sum of its gzip", "protocol", encoded(gzip.compress(BODY)[:-8] + b"\0" * 8, "gzip")),
    case("transport", "deflate-bomb-twice", "deflates the gzip of a bomb", "too-large", encoded(zlib.compress(BOMB, 9), "gzip, deflate")),
    case("transport", "encoding-mixed-case", "writes its encoding in odd letters, with blanks", "body", encoded(gzip.compress(BODY), " GZip ,  identity")),
    case("transport", "encoding-headers-two", "says its two encodings in two headers", "body", ok(gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip", "Content-Encoding: gzip")),
    case("transport", "compress", "compresses as Unix did in 1985", "protocol", encoded(b"\x1f\x9d\x90" + bytes(20), "compress")),
    case("transport", "gzip-ten-times", "says gzip ten times", "protocol", encoded(gzip.compress(BODY), ", ".join(["gzip"] * 10))),
    case("transport", "gzip-truncated", "cuts a compressed body short, with a length that agrees", "protocol", encoded(gzip.compress(BODY)[:-20], "gzip")),
    case("transport", "gzip-damaged", "flips a bit in a compressed body", "protocol", encoded(bytes(b ^ (n == 40) for n, b in enumerate(gzip.compress(BODY))), "gzip")),
    case("transport", "gzip-lie", "says gzip and sends plain text", "protocol", encoded(BODY, "gzip")),
    case("transport", "br-unasked", "sends br though it was not offered", "protocol", encoded(b"\x0b\x02\x80hello\x03", "br")),
    case("transport", "zstd-unasked", "sends zstd though it was not offered", "protocol", encoded(b"\x28\xb5\x2f\xfd\x04\x00", "zstd")),
    case("transport", "encoding-unknown", "says an encoding that does not exist", "protocol", encoded(BODY, "evil;q=1\x7f")),
    # Statuses.
    case("transport", "304-unasked", "says that nothing changed, to a first request", "protocol", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"),
    case("transport", "204", "has no content", "status", then_close(b"HTTP/1.1 204 No Content\r\n\r\n")),
    case("transport", "206-unasked", "sends a part though the whole was asked for", "status", ok(BODY).replace(b"200 OK", b"206 Partial Content")),
    case("transport", "401", "wants a password", "status", status("401 Unauthorized\r\nWWW-Authenticate: Basic realm=x")),
    case("transport", "407", "pretends to be a proxy that wants a password", "status", status("407 Proxy\r\nProxy-Authenticate: Basic realm=x")),
    case("transport", "403", "forbids", "status", status("403 Forbidden")),
    case("transport", "404-endless", "has nothing, at endless length", "status", forever(b"HTTP/1.1 404 Not Found\r\n\r\n", b"a" * 65_536)),
    case("transport", "410", "is gone", "status", status("410 Gone")),
    case("transport", "429-forever", "asks to be left alone for a century", "status", status("429 Too Many\r\nRetry-After: 3155760000")),
    case("transport", "429-negative", "asks to be left alone since yesterday", "status", status("429 Too Many\r\nRetry-After: -5")),
    case("transport", "503-date", "asks to be left alone until the year 9999", "status", status("503 No\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT")),
    case("transport", "500", "has an error", "status", status("500 Error")),
    # TLS.
    case("transport", "tls", "is as it should be, over TLS", "body", GOOD, url="{tls}/{group}/{name}"),
    case("transport", "tls-1.2", "is as it should be, over TLS 1.2", "body", GOOD, url="{tls_1_2}/{group}/{name}"),
    case("transport", "tls-self-signed", "has a certificate of its own making", "tls", GOOD, url="{tls_self_signed}/{group}/{name}"),
    case("transport", "tls-expired", "has a certificate that ran out", "tls", GOOD, url="{tls_expired}/{group}/{name}"),
    case("transport", "tls-wrong-name", "has another host's certificate", "tls", GOOD, url="{tls_wrong_name}/{group}/{name}"),
    case("transport", "tls-plain", "speaks plain HTTP where TLS is due", "tls|unreachable|timeout", url="https://127.0.0.1:{port}/transport/tls-plain"),
    case("transport", "plain-tls", "speaks TLS where plain HTTP is due", "protocol|unreachable", url="http://127.0.0.1:{tls_port}/transport/plain-tls"),
    case("transport", "tls-drip", "drips its body over TLS", "timeout", drip(b"a" * 900, raw("Content-Length: 900")), url="{tls}/{group}/{name}"),
    case("transport", "tls-cut", "cuts the TLS connection inside the body", "protocol|unreachable", then_reset(raw("Content-Length: 900", body=b"abc")), url="{tls}/{group}/{name}"),
    # What smugglers and careless servers write.
    case("transport", "early-hints", "hints at a machine of the private network before it answers", "body", b"HTTP/1.1 103 Early Hints\r\nLink: <http://127.0.0.2/>; rel=preload\r\n\r\n" + GOOD),
    case("transport", "hints", "names other machines in every header that loads something", "body", ok(BODY, 'Alt-Svc: h3="127.0.0.2:443"', "Link: <http://127.0.0.2/>; rel=preload", "SourceMap: http://127.0.0.2/", "Location: http://127.0.0.2/", "Refresh: 0;url=http://127.0.0.2/", "Content-Disposition: attachment; filename=../../etc/passwd")),
    case("transport", "203", "has passed a proxy (203)", "body", GOOD.replace(b"200 OK", b"203 Changed")),
    case("transport", "201-location", "says created, and where", "status", b"HTTP/1.1 201 Created\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"),
    case("transport", "205", "wants its form reset", "status", status("205 Reset Content")),
    case("transport", "451", "is withheld", "status", status("451 Unavailable For Legal Reasons")),
    case("transport", "511", "wants a login to the network", "status", status("511 Network Authentication Required")),
    case("transport", "401-negotiate", "wants to know who is logged in to this machine", "status", b"HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"),
    case("transport", "429-words", "asks to be left alone for nonsense", "status", b"HTTP/1.1 429 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n"),
    case("transport", "429-digits", "asks to be left alone for a number of 5,000 digits", "status", b"HTTP/1.1 429 No\r\nRetry-After: " + b"9" * 5_000 + b"\r\nContent-Length: 0\r\n\r\n"),
    case("transport", "no-reason", "gives no reason phrase", "body", GOOD.replace(b"200 OK", b"200")),
    case("transport", "status-blanks", "writes two blanks before its status", "body|protocol", GOOD.replace(b" 200", b"  200")),
    case("transport", "status-small", "writes http in small letters", "body|protocol", GOOD.replace(b"HTTP", b"http")),
    case("transport", "version-1.10", "answers HTTP/1.10", "body|protocol", GOOD.replace(b"HTTP/1.1", b"HTTP/1.10")),
    case("transport", "lines-before", "sends empty lines before its answer", "body|protocol", b"\r\n\r\n" + GOOD),
    case("transport", "lines-endless", "sends empty lines for ever", "protocol|timeout|unreachable|too-large", forever(b"", b"\r\n" * 30_000)),
    case("transport", "header-pseudo", "has a header that begins with a colon", "protocol", raw(":status: 200", f"Content-Length: {len(BODY)}", body=BODY)),
    case("transport", "header-blank", "has a blank in the name of a header", "protocol", raw("Content Type: text/xml", f"Content-Length: {len(BODY)}", body=BODY)),
    case("transport", "header-unicode", "has a header named in Cyrillic", "body|protocol", b"HTTP/1.1 200 OK\r\n" + "Тип: text/xml\r\n".encode() + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY),
    case("transport", "length-empty", "says an empty length", "body|protocol", raw("Content-Length: ", body=BODY)),
    case("transport", "length-zeros", "says its length with leading zeros", "body|protocol", raw(f"Content-Length: 000000{len(BODY)}", body=BODY)),
    case("transport", "length-hex", "says its length in hexadecimal", "protocol", raw("Content-Length: 0x3d", body=BODY)),
    case("transport", "length-underscore", "says a length with an underscore", "protocol", raw("Content-Length: 6_1", body=BODY)),
    case("transport", "length-fraction", "says a length with a fraction", "protocol", raw("Content-Length: 61.0", body=BODY)),
    case("transport", "lengths-list-other", "says two other lengths in one header", "protocol", raw("Content-Length: 5, 61", body=BODY)),
    case("transport", "chunked-and-length", "says chunked and then a length", "protocol", raw("Transfer-Encoding: chunked", "Content-Length: 5", body=_CHUNK + b"0\r\n\r\n")),
    case("transport", "chunked-gzip", "says gzip, chunked as a transfer", "body|protocol", raw("Transfer-Encoding: gzip, chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(gzip.compress(BODY, mtime=0)), gzip.compress(BODY, mtime=0)))),
    case("transport", "chunked-last-not", "says chunked, gzip: chunked not last", "body|protocol|timeout", raw("Transfer-Encoding: chunked, gzip", body=_CHUNK + b"0\r\n\r\n")),
    case("transport", "chunked-folded", "folds its Transfer-Encoding", "body|protocol", b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + _CHUNK + b"0\r\n\r\n"),
    case("transport", "chunk-0x", "writes a chunk size with 0x", "protocol", _CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n"),
    case("transport", "chunk-underscore", "writes a chunk size with an underscore", "protocol", _CHUNKED + b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    case("transport", "chunk-plus", "writes a chunk size with a sign", "protocol", _CHUNKED + b"+5\r\nabcde\r\n0\r\n\r\n"),
    case("transport", "chunk-blank", "writes a chunk size with blanks", "body|protocol", _CHUNKED + b" %x \r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)),
    case("transport", "chunk-lf", "ends its chunk sizes with LF alone", "body|protocol", _CHUNKED + b"%x\n%s\n0\n\n" % (len(BODY), BODY)),
    case("transport", "chunk-no-end", "leaves out the line end after a chunk", "protocol", _CHUNKED + b"5\r\nabcde5\r\nabcde\r\n0\r\n\r\n"),
    case("transport", "chunk-short", "sends more than the size of its chunk", "protocol", _CHUNKED + b"5\r\nabcdefgh\r\n0\r\n\r\n"),
    case("transport", "chunk-empty-size", "leaves out the size of a chunk", "protocol", _CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    case("transport", "trailer-headers", "says encoding, length and place anew in its trailers", "body|protocol", _CHUNKED + _CHUNK + b"0\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\nLocation: http://127.0.0.2/\r\n\r\n"),
    case("transport", "encoding-utf-8", "says Content-Encoding: utf-8, as careless servers do", "protocol", encoded(BODY, "utf-8")),
    case("transport", "encoding-none", "says Content-Encoding: none", "body|protocol", encoded(BODY, "none")),
    case("transport", "encoding-quality", "says gzip;q=1.0", "body|protocol", encoded(gzip.compress(BODY), "gzip;q=1.0")),
    case("transport", "encoding-empty", "says an empty encoding", "body", encoded(BODY, "")),
    case("transport", "encoding-commas", "says an encoding of commas", "body|protocol", encoded(gzip.compress(BODY), ",,gzip,,")),
    case("transport", "encoding-br-gzip", "stacks br on gzip", "protocol", encoded(gzip.compress(BODY), "gzip, br")),
    case("transport", "encoding-dictionary", "compresses with a dictionary nobody has", "protocol", encoded(b"\xffDCB" + bytes(100), "dcb")),
    case("transport", "deflate-dictionary", "deflates with a dictionary nobody has", "protocol", encoded(b"x\xbb\x00\x00\x00\x01" + bytes(50), "deflate")),
    case("transport", "deflate-bomb-raw", "sends 200 MB of zeros deflated without a header", "too-large", encoded(raw_deflate(bytes(200_000_000)), "deflate")),
    case("transport", "gzip-flags", "sets every flag of gzip", "body|protocol", encoded(b"\x1f\x8b\x08\xff" + bytes(6) + b"\xff\xff" + bytes(400), "gzip")),
    case("transport", "gzip-slow", "drips a compressed body", "timeout", drip(BOMB[:900], raw("Content-Encoding: gzip", "Content-Length: 90000"))),
    case("transport", "cookie-huge", "sets a cookie of 8 kB for every host", "body", ok(BODY, f"Set-Cookie: a={'x' * 7_000}; Domain=.com; Path=/", "Set-Cookie: b=1; Domain=127.0.0.2", "Clear-Site-Data: *")),
    case("transport", "type-huge", "says a media type of 8 kB", "body", ok(BODY, kind="text/xml; " + "a=b; " * 1_500)),
    case("transport", "tags-odd", "gives tags and dates that break requests", "body", ok(BODY, 'ETag: "a\tb"', "Last-Modified: Sun, 99 Foo 2026", "Cache-Control: max-age=99999999999999999999, max-age=-1", "Expires: -1", "Age: x", "Date: never")),
    case("transport", "keep-alive-odd", "says nonsense of how long it keeps the connection", "body", ok(BODY, "Connection: keep-alive, close, upgrade", "Keep-Alive: timeout=-5, max=99999999999")),
    case("transport", "websocket", "upgrades to a web socket", "protocol|status|unreachable", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello"),
    case("transport", "ftp-banner", "answers as an FTP server", "protocol|timeout", then_hang(b"220 FTP ready\r\n")),
    case("transport", "redis", "answers as Redis", "protocol|timeout", then_hang(b"-ERR unknown command\r\n")),
    # A body where there is none, and compression nobody spoke of.
    case("transport", "204-body", "has no content and sends some", "status", then_close(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")),
    case("transport", "304-body", "says that nothing changed and sends a page", "protocol", then_close(b"HTTP/1.1 304 Not Modified\r\nContent-Type: text/xml\r\n\r\n" + BODY)),
    case("transport", "304-chunked", "says that nothing changed, in chunks", "protocol", then_close(b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
    case("transport", "304-smuggled", "says that nothing changed and sends another answer at once", "protocol", then_close(b"HTTP/1.1 304 Not Modified\r\n\r\n" + ok(b"smuggled"))),
    case("transport", "gzip-unsaid", "compresses and does not say so", "body", ok(gzip.compress(BODY))),
    case("transport", "gzip-unsaid-twice", "compresses twice and says so once", "body", encoded(gzip.compress(gzip.compress(BODY)), "gzip")),
    case("transport", "gzip-unsaid-bomb", "sends a bomb and does not say so", "too-large", ok(BOMB)),
    case("transport", "gzip-unsaid-bomb-twice", "sends a bomb compressed again and says so once", "too-large", encoded(gzip.compress(BOMB), "gzip")),
    case("transport", "gzip-unsaid-truncated", "cuts a gzip file short that it does not name", "protocol", ok(gzip.compress(BODY)[:-20])),
    case("transport", "policy-long", "has a policy of 12 kB in a header, as honest servers have", "body", ok(BODY, "Content-Security-Policy: " + "script-src https://cdn.example; " * 375)),
)  # fmt: skip
