"""What went wrong with a request, said in a sentence: any exception of the transport becomes a FetchError; pure."""

from __future__ import annotations

import errno
import socket
import ssl
from traceback import clear_frames

import aiohttp

from domain.errors import AddressRefused, FetchError
from extractors.decoding import DecodingError
from extractors.guard import shown
from extractors.transport import MalformedError, RefusedError

_CONNECT = {
    errno.ECONNREFUSED: "The host refuses the connection",
    errno.ECONNRESET: "The host broke the connection off",
    errno.EHOSTUNREACH: "The host cannot be reached",
    errno.ENETUNREACH: "The network of the host cannot be reached",
    errno.ETIMEDOUT: "The host does not answer",
    errno.EPIPE: "The host broke the connection off",
    errno.EMFILE: "This program has too many files open to connect",
}
_TRY_AGAIN = frozenset({408, 421, 425, 429, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 525, 526, 527, 530, 598, 599})
_SAYS = {
    401: "The server wants a password (401)",
    402: "The server wants to be paid (402)",
    403: "The server forbids it (403)",
    404: "There is nothing at this address (404)",
    407: "A proxy in between wants a password (407)",
    410: "The page is gone for good (410)",
    429: "The server says that it was asked too often (429)",
    451: "The page is withheld for legal reasons (451)",
    500: "The server has an error (500)",
    502: "The server's own back end fails (502)",
    503: "The server is not available for now (503)",
    504: "The server's own back end does not answer (504)",
}


def status_error(url: str, status: int, retry_after: float | None) -> FetchError:
    """The error for an answer whose status is not one that yields a body."""
    reason = _SAYS.get(status, f"The server answers with status {status}")
    return FetchError(shown(url), reason, kind="status", retry=status in _TRY_AGAIN, status=status, retry_after=retry_after)


def explain(error: Exception, url: str) -> FetchError:
    """The FetchError for any exception a request can raise; its sentence never shows a password."""
    url = shown(url)
    if isinstance(error, FetchError):
        return error
    if isinstance(error, RefusedError):
        return AddressRefused(url, str(error))
    if isinstance(error, aiohttp.InvalidURL):
        return AddressRefused(url, "The address is malformed")
    kind, reason, retry = _say(error)
    return FetchError(url, reason, kind=kind, retry=retry)


def let_go(error: BaseException) -> None:
    """Empty the frames an error came through: the body that was refused lies in them, and would until the next collection.

    A frame that holds the error which it raised is a circle, and circles of a few large things are collected late.
    """
    link: BaseException | None = error
    while link is not None:
        clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__


def _say(error: Exception) -> tuple[str, str, bool]:  # a table: one row an error
    """Kind, sentence, and whether trying again may help; the order matters, aiohttp's classes inherit from several."""
    match error:
        case DecodingError():
            kind = "too-large" if error.kind == "too-large" else "protocol"
            return kind, error.reason, error.kind in ("truncated", "broken")
        case aiohttp.ClientConnectorDNSError():
            return "unreachable", f"The name of the host cannot be looked up ({_words(error.os_error)})", True
        case aiohttp.ClientConnectorCertificateError() | ssl.CertificateError():
            return "tls", f"The server's certificate is not to be trusted: {_tls(error)}", False
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls", f"No secure connection comes about: {_tls(error)}", True
        case MalformedError():
            return "protocol", str(error), False
        case aiohttp.ServerDisconnectedError():
            return "unreachable", "The server closed the connection before it answered", True
        case aiohttp.ClientPayloadError():
            return "protocol", "The answer breaks off or is garbled before its end", True
        case aiohttp.ClientResponseError():
            return "protocol", f"What the server sends is not HTTP as it should be: {_short(error.message)}", False
        case TimeoutError():
            return "timeout", "The request took too long", True
        case OSError():
            return "unreachable", _CONNECT.get(error.errno or 0) or f"The host cannot be connected to ({_words(error)})", True
        case _:
            return "protocol", f"The request failed: {type(error).__name__}: {_short(str(error))}", False


def _short(text: str) -> str:
    return " ".join(shown(text).split())[:200]


def _words(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return _short(error.strerror or str(error))
    return _short(error.strerror or str(error) or type(error).__name__)


def _tls(error: Exception) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    said = getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or str(inner)
    return _short(str(said).replace("_", " ").lower())
