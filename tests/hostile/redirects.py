"""Hostile redirects: in circles, without end, to nowhere, to what is no address, and to where nobody should be led."""

# ruff: noqa: E501  (a table: a case a line)

from __future__ import annotations

import asyncio

from tests.hostile.server import Answer, Case, Exchange, case, ok

GOOD = ok(b"<rss version='2.0'><channel><title>ok</title></channel></rss>")


def to(location: str, code: int = 302) -> bytes:
    return f"HTTP/1.1 {code} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("utf-8", "surrogateescape")


def onward(step: str, last: bytes, *, code: int = 302, pause: float = 0.0) -> Answer:
    """A chain: /…/name?n leads to ?n+1 until ``step`` says stop, then ``last``."""
    stop = int(step)

    async def answer(on: Exchange) -> None:
        path, _, number = on.path.partition("?")
        at = int(number or 0)
        await asyncio.sleep(pause)
        await on.send(last if at >= stop else to(f"{path}?{at + 1}", code))

    return answer


def placed(template: str, code: int = 302) -> Answer:
    """To an address of the world (a canary, a TLS door)."""

    async def answer(on: Exchange) -> None:
        await on.send(to(template.format(**on.world.places), code))

    return answer


def first_then(first: str, then: bytes, code: int = 302) -> Answer:
    """Redirect the bare path to itself with ``?x``; there, answer."""

    async def answer(on: Exchange) -> None:
        await on.send(then if "?" in on.path else to(first, code))

    return answer


async def endless_body(on: Exchange) -> None:
    if "?" in on.path:
        await on.send(GOOD)
        return
    await on.send(b"HTTP/1.1 302 Elsewhere\r\nLocation: ?x\r\n\r\n")
    await on.send_forever(b"a" * 65_536)


async def growing(on: Exchange) -> None:
    await on.send(to(f"{on.path}{'&' if '?' in on.path else '?'}{'a' * 900}=1"))


async def tls_circle(on: Exchange) -> None:
    tls = on.writer.get_extra_info("ssl_object") is not None
    await on.send(to(f"{on.world.places['base' if tls else 'tls']}/redirects/tls-circle"))


async def placed_scheme_relative(on: Exchange) -> None:
    await on.send(to(on.world.places["canary"].removeprefix("http:")))


def case_(name: str, does: str, right: str, answer: Answer = b"", **more: object) -> Case:
    return case("redirects", name, does, right, answer, **more)


CASES: tuple[Case, ...] = (
    case_("self", "leads to itself", "redirect", to("/redirects/self")),
    case_("two", "leads to another that leads back", "redirect", first_then("?x", to("/redirects/two"))),
    case_("cookie-wall", "leads to itself until a cookie comes back", "redirect", to("/redirects/cookie-wall").replace(b"Content", b"Set-Cookie: a=b\r\nContent")),
    case_("endless", "leads on without end", "redirect", onward("1000000", GOOD)),
    case_("fifty", "leads on 50 times", "redirect", onward("50", GOOD)),
    case_("five", "leads on 5 times, which is allowed", "body", onward("5", GOOD)),
    case_("six", "leads on 6 times, which is not", "redirect", onward("6", GOOD)),
    case_("slow-chain", "takes a while at each hop, so that only the whole is too slow", "timeout", onward("5", GOOD, pause=0.3)),
    case_("permanent", "moved for good", "body", onward("1", GOOD, code=301)),
    case_("permanent-308", "moved for good, by 308", "body", onward("2", GOOD, code=308)),
    case_("307", "moved for now, by 307", "body", onward("1", GOOD, code=307)),
    case_("303", "says see other", "body", onward("1", GOOD, code=303)),
    case_("no-location", "leads without saying where to", "redirect", b"HTTP/1.1 302 Elsewhere\r\nContent-Length: 0\r\n\r\n"),
    case_("empty-location", "leads to an empty address", "redirect", to("")),
    case_("blank-location", "leads to blanks", "redirect", to(" \t ")),
    case_("relative", "leads to a relative address", "body", first_then("../redirects/relative?x", GOOD)),
    case_("scheme-relative", "leads to an address without a scheme", "body", placed("//127.0.0.1:{port}/healthy/scheme-relative")),
    case_("fragment", "leads to an address with a fragment", "body", first_then("/redirects/fragment?x#top", GOOD)),
    case_("two-locations", "gives two addresses", "body|redirect|protocol|refused", b"HTTP/1.1 302 E\r\nLocation: /healthy/one\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"),
    case_("utf-8", "leads to a path in Kazakh letters", "body", first_then("/redirects/utf-8?қазақ", GOOD)),
    case_("latin-1", "leads to a path in bytes that are no UTF-8", "body", first_then("/redirects/latin-1?caf\udce9", GOOD)),
    case_("bytes-host", "leads to a host of bytes that are no text", "refused|redirect", to("http://\udcff\udcfe.test/")),
    case_("spaces", "leads to an address with spaces in it", "refused|redirect|body", first_then("/redirects/spaces?a b c", GOOD)),
    case_("control", "leads to an address with a control character in it", "refused|redirect|protocol", to("/a\x01b")),
    case_("crlf", "slips a line break and a header into the address", "refused|redirect|protocol|status", to("/a%0d%0aX-Evil:%20yes")),
    case_("cr", "slips a bare CR into the address", "refused|redirect|protocol", to("/a\rX-Evil: yes")),
    case_("backslash", "writes the address with backslashes", "refused|redirect", to("http:\\\\127.0.0.2\\")),
    case_("long", "leads to an address of 7,000 characters", "refused|redirect", to("/" + "a" * 7_000)),
    case_("huge", "leads to an address of a megabyte", "protocol|refused|redirect", to("/" + "a" * 1_000_000)),
    case_("body-endless", "sends a body without end with the redirect", "body", endless_body),
    case_("multiple-choices", "offers a choice (300)", "status|redirect", to("/healthy/x", 300)),
    case_("use-proxy", "wants a proxy used (305)", "status|redirect", placed("{canary}/", 305)),
    case_("refresh", "leads on by a Refresh header, which is not followed", "body", ok(b"<rss/>", "Refresh: 0; url=http://127.0.0.2/")),
    case_("304-after", "leads on, and says there that nothing changed", "protocol", first_then("?x", b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    case_("to-closed", "leads to where nobody listens", "unreachable", placed("{closed}/")),
    case_("to-hang", "leads to where nobody answers", "timeout", to("/transport/hang")),
    case_("to-404", "leads to nothing", "status", to("/nowhere")),
    case_("file", "leads to a file", "refused|redirect", to("file:///etc/passwd")),
    case_("ftp", "leads to FTP", "refused|redirect", to("ftp://127.0.0.2/")),
    case_("gopher", "leads to gopher, as tricks on mail servers do", "refused|redirect", to("gopher://127.0.0.2:25/_HELO")),
    case_("javascript", "leads to a script", "refused|redirect", to("javascript:alert(1)")),
    case_("data", "leads to a data address", "refused|redirect", to("data:text/xml,<rss/>")),
    case_("ws", "leads to a web socket", "refused|redirect", to("ws://127.0.0.2/")),
    case_("canary", "leads to a machine of the private network", "refused", placed("{canary}/")),
    case_("canary-6", "leads to a machine of the private network by IPv6", "refused", placed("{canary6}/")),
    case_("canary-permanent", "says that it moved there for good", "refused", placed("{canary}/", 301)),
    case_("canary-second", "leads there at the second hop", "refused", first_then("?x", to("http://127.0.0.2/"))),
    case_("canary-user", "hides it behind a user name", "refused", placed("http://127.0.0.1:{port}@127.0.0.2:{canary_port}/")),
    case_("canary-mapped", "hides it in an IPv6 address", "refused", placed("http://[::ffff:127.0.0.2]:{canary_port}/")),
    case_("canary-decimal", "hides it in a number", "refused", placed("http://2130706434:{canary_port}/")),
    case_("canary-hex", "hides it in a hexadecimal number", "refused", placed("http://0x7f000002:{canary_port}/")),
    case_("canary-octal", "hides it in an octal number", "refused", placed("http://0177.0.0.2:{canary_port}/")),
    case_("metadata", "leads to a cloud's metadata", "refused", to("http://169.254.169.254/latest/meta-data/")),
    case_("port-22", "leads to another host's SSH", "refused", to("http://93.184.216.34:22/")),
    case_("user", "leads on with a user name, which is dropped", "body", placed("http://user:secret@127.0.0.1:{port}/healthy/user")),
    case_("port-0", "leads to port 0", "refused|redirect|unreachable", to("http://127.0.0.1:0/")),
    case_("port-99999", "leads to a port that does not exist", "refused|redirect", to("http://127.0.0.1:99999/")),
    case_("refresh-circle", "leads to itself by a Refresh header", "body", ok(b"<rss/>", "Refresh: 0")),
    case_("query-grows", "leads to itself with a query that grows", "redirect|refused", growing),
    case_("circle-fragment", "leads in a circle under ever other fragments", "redirect", first_then("?x#1", to("/redirects/circle-fragment#2"))),
    case_("canary-after-five", "leads into the private network at the last hop that is allowed", "refused", onward("4", to("http://127.0.0.2/"))),
    case_("canary-nat64", "hides the private network behind NAT64", "refused", to("http://[64:ff9b::7f00:2]/")),
    case_("canary-6to4", "hides it in 6to4", "refused", to("http://[2002:7f00:2::]/")),
    case_("canary-compatible", "hides it in an old IPv4-compatible address", "refused", to("http://[::127.0.0.2]/")),
    case_("canary-short", "hides it in a shortened address", "refused", to("http://127.2/")),
    case_("canary-full-width", "hides it in letters of full width", "refused", to("http://１２７.０.０.２/")),
    case_("canary-percent", "hides it behind percent signs", "refused", to("http://%31%32%37.0.0.2/")),
    case_("canary-scheme", "leads there without a scheme", "refused", placed_scheme_relative),
    case_("canary-308-body", "leads there by 308 with a body of megabytes", "refused", to("http://127.0.0.2/", 308).replace(b"Content-Length: 0", b"Content-Length: 3000000") + b"a" * 3_000_000),
    case_("port-other", "leads to another port of its own host, on the list of none", "refused", to("http://93.184.216.34:6379/")),
    case_("two-hosts", "leads on by a host with a user name that looks like another host", "refused|unreachable", to("http://example.org%20@127.0.0.2/")),
    case_("blob", "leads to a blob", "redirect|refused", to("blob:http://127.0.0.2/x")),
    case_("about", "leads to about:blank", "redirect|refused", to("about:blank")),
    case_("zone", "leads to an address with a zone", "redirect|refused", to("http://[fe80::1%25eth0]/")),
    case_("empty-host", "leads to an address without a host", "redirect|refused", to("http://:80/")),
    case_("tls-circle", "leads between plain HTTP and TLS for ever", "redirect", tls_circle),
    case_("to-tls", "leads to TLS", "body", placed("{tls}/healthy/tls")),
    case_("to-bad-tls", "leads to a certificate of its own making", "tls", placed("{tls_self_signed}/healthy/tls")),
    case_("downgrade", "leads from TLS to plain HTTP", "body", placed("{base}/healthy/plain", 301), url="{tls}/redirects/downgrade"),
    case_("upper", "leads on by HTTP in capitals", "body", placed("HTTP://127.0.0.1:{port}/healthy/upper")),
    case_("dots", "leads on by dots in the path", "body", placed("{base}/a/b/../../healthy/dots")),
    case_("query-only", "leads on by a query alone", "body|status|redirect", first_then("?x", ok(b"<rss/>"))),
    case_("304-location", "says that nothing changed, and leads on", "protocol|redirect", b"HTTP/1.1 304 Not Modified\r\nLocation: http://127.0.0.2/\r\n\r\n"),
    case_("300-location", "offers a choice and leads on", "redirect|status|refused", b"HTTP/1.1 300 Choices\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"),
    case_("306", "leads on by a status that is no longer used", "redirect|status|refused", b"HTTP/1.1 306 Switch Proxy\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"),
    case_("308-again", "leads on by 309, which does not exist", "status", b"HTTP/1.1 309 Next\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n"),
    case_("canary-hash", "hides it behind a fragment with a user name", "refused|body|status|redirect|unreachable", placed("http://127.0.0.2:{canary_port}#@127.0.0.1:{port}/")),
    case_("canary-question", "hides it before a question mark with a user name", "refused", placed("http://127.0.0.2:{canary_port}?@127.0.0.1:{port}/")),
    case_("canary-semicolon", "hides it before a semicolon with a user name", "refused|redirect|unreachable", placed("http://127.0.0.1;@127.0.0.2:{canary_port}/")),
    case_("canary-slashes", "hides it behind many slashes", "refused|redirect", placed("http:////127.0.0.2:{canary_port}/")),
    case_("canary-one-slash", "hides it behind one slash", "refused|redirect", placed("http:/127.0.0.2:{canary_port}/")),
    case_("canary-slash-back", "hides it behind a slash and a backslash", "refused|redirect", placed("/\\127.0.0.2:{canary_port}/")),
    case_("canary-tab", "hides it behind a tab", "refused|redirect|protocol", placed("ht\ttp://127.0.0.2:{canary_port}/")),
    case_("canary-dot", "hides it behind a dot at the end", "refused|unreachable", placed("http://127.0.0.2.:{canary_port}/")),
    case_("canary-brackets", "hides it in brackets", "refused|redirect", placed("http://[127.0.0.2]:{canary_port}/")),
    case_("canary-circled", "hides it in circled digits", "refused|redirect|unreachable", placed("http://①②⑦.⓪.⓪.②:{canary_port}/")),
    case_("canary-mixed", "hides it in octal and hexadecimal parts", "refused", placed("http://0177.0.0x0.2:{canary_port}/")),
    case_("canary-letters", "hides it in a hexadecimal IPv6 address", "refused", placed("http://[::ffff:7f00:2]:{canary_port}/")),
    case_("canary-isatap", "hides it in ISATAP", "refused|unreachable", to("http://[2001:db8::5efe:7f00:2]/")),
    case_("canary-https", "leads there by TLS", "refused", placed("https://127.0.0.2:{canary_port}/")),
    case_("canary-fifty-bytes", "leads there at the end of 7,000 blanks", "refused|redirect|protocol", placed(" " * 7_000 + "http://127.0.0.2:{canary_port}/")),
    *(case_(f"scheme-{name}", f"leads to {address}", "redirect|refused|status", to(address)) for name, address in {
        "dict": "dict://127.0.0.2:6379/info", "ldap": "ldap://127.0.0.2/", "sftp": "sftp://127.0.0.2/", "tftp": "tftp://127.0.0.2/x", "smb": "smb://127.0.0.2/x", "netdoc": "netdoc:///etc/passwd",
        "jar": "jar:http://127.0.0.2!/", "php": "php://filter/resource=/etc/passwd", "expect": "expect://id", "mailto": "mailto:a@b.example", "tel": "tel:112", "intent": "intent://x#Intent;end",
        "feed": "feed://127.0.0.2/", "view-source": "view-source:http://127.0.0.2/", "filesystem": "filesystem:http://127.0.0.2/x", "unix": "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "h2c": "h2c://127.0.0.2/", "empty": "://127.0.0.2/", "colon": ":", "chrome": "chrome://settings",
    }.items()),
)  # fmt: skip
