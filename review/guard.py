"""What stands between the network and the desk: names it answers to, sizes it takes, headers it sends. No sessions here."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_REQUEST: Final = 2_000_000  # a rule to try is the largest thing sent here; a rules file of ours has 60,000 bytes
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms. Links out say noreferrer themselves.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)


def host_allowed(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header is ours. An address cannot be rebound to us by a stranger's name server; a name can."""
    match = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/]+?)\.?)(?::[0-9]{1,5})?", host.strip().lower())
    if match is None:
        return False
    name = match.group(1) or match.group(2)
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware: refuses strange hosts and oversized bodies, and adds the headers to every answer."""

    def __init__(self, app: App, *, names: frozenset[str], https: bool) -> None:
        self._app, self._names = app, names
        self._headers = (*HEADERS, (b"strict-transport-security", b"max-age=31536000")) if https else HEADERS

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                return
            await self._app(scope, receive, send)
            return
        sent = dict(reversed(scope["headers"]))
        answer = self._headed(send)
        host = sent.get(b"host", b"").decode("latin-1")
        if not host_allowed(host, self._names):
            text = "This desk does not answer under this name. Open it under its own address, or list the name in SHOLU_DESK_HOSTS.\n"
            await _refuse(answer, 421, text)
            return
        length = sent.get(b"content-length", b"0").decode("latin-1")
        if not length.isdigit() or int(length) > MAX_REQUEST:
            await _refuse(answer, 413, f"What was sent is larger than the desk takes ({MAX_REQUEST:,} bytes).\n")
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_REQUEST:  # sent in chunks, without a length: what is beyond the limit is never kept
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, counted, answer)

    def _headed(self, send: Send) -> Send:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                extra = [(name, value) for name, value in self._headers if name not in present]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        return headed


async def _refuse(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
