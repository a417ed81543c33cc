"""Handing mails to a mail server: one connection for many, a limit of time for each, every answer told apart; no state is kept here."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

from domain.errors import ConfigError, MailError

TEXT: Final = "the text"
HANDED_OVER: Final = 354  # the server's last word was "go on with the text": it may have taken the mail and hung up
ANSWER_SHOWN: Final = 300
MOST_LINES: Final = 200
"""Of one answer: servers greet and list what they can do in some thirty; smtplib would read on for ever, and keep it all."""


class Fate(StrEnum):
    """How handing over one mail ended."""

    SENT = "sent"
    LATER = "later"  # the server said so, or did not answer: the same mail again
    REFUSED = "refused"  # this mail or its reader, for good


@dataclass(frozen=True, slots=True)
class Handing:
    """The server's answer to one mail: ``code`` is SMTP's, 0 without any, 354 when the line broke after the text was given."""

    fate: Fate
    code: int
    answer: str
    hung_up: bool = False

    @property
    def in_doubt(self) -> bool:
        return self.fate is Fate.LATER and self.code == HANDED_OVER


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server as the settings name it. ``tls``: implicit (smtps), starttls, or none (this machine only, unless told)."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    timeout: float = 60.0

    @property
    def shown(self) -> str:
        return f"{self.host}:{self.port}"


def read_server(url: str, *, ca: Path | None = None, timeout: float = 60.0) -> Server:
    """The server out of SHOLU_SMTP_URL; raises ConfigError without showing the address, which holds the password."""

    def wrong(message: str) -> ConfigError:
        form = "smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465"
        return ConfigError(f"{message}; write {form}", file="environment or .env", key="SHOLU_SMTP_URL")

    if not url:
        raise wrong("no mail server is set")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wrong("this is not an address of a mail server") from None
    if parts.scheme not in {"smtp", "smtps"}:
        raise wrong("the address must begin with smtp:// or smtps://")
    if not parts.hostname:
        raise wrong("the address names no host")
    query = parse_qs(parts.query)
    if set(query) - {"tls"} or query.get("tls", ["none"]) != ["none"]:
        raise wrong("after the host only ?tls=none is known, for a server that cannot encrypt")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if any(ord(letter) < 32 for letter in user + password):
        raise wrong("user and password must not hold control characters")
    tls = "implicit" if parts.scheme == "smtps" else "none" if "tls" in query or _is_here(parts.hostname) else "starttls"
    if ca is not None and not ca.is_file():
        raise ConfigError(f"there is no file {ca}", file="environment or .env", key="SHOLU_SMTP_CA")
    return Server(
        parts.hostname, port or (465 if tls == "implicit" else 587 if tls == "starttls" else 25), tls, user, password, ca, timeout
    )


class _Answer:
    """The lines of one answer, and no more than a server has reason to send."""

    def __init__(self, lines: BinaryIO) -> None:
        self._lines, self._left = lines, MOST_LINES

    def readline(self, most: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("an answer without end")
        return self._lines.readline(most)

    def close(self) -> None:
        self._lines.close()


class _Session(smtplib.SMTP):
    """smtplib's session with a bound on the length of an answer."""

    def getreply(self) -> tuple[int, bytes]:
        lines: BinaryIO = self.file if self.file is not None else self.sock.makefile("rb")  # type: ignore[union-attr]
        self.file = _Answer(lines)
        try:
            return super().getreply()
        finally:
            if self.file is not None:  # None: smtplib has closed the line
                self.file = lines


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """The same, encrypted from the start."""


class Line:
    """A connection to the server for as many mails as it takes; a context manager. Raises MailError when there is none to be had."""

    def __init__(self, server: Server, *, helo: str = "") -> None:
        self.server = server
        self._smtp = self._connected(helo or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(smtplib.SMTPException, OSError), _limited(self._smtp, 5.0):
            self._smtp.quit()
        self._smtp.close()

    def hand_over(self, sender: str, address: str, message: bytes) -> Handing:
        """Give the server one mail for one reader, and say what became of it. After ``hung_up`` the line is dead."""
        stage = "MAIL FROM"
        code = 0
        try:
            with _limited(self._smtp, self.server.timeout):
                self._smtp.ehlo_or_helo_if_needed()
                code, said = self._smtp.mail(sender, [f"SIZE={len(message)}"] if self._smtp.has_extn("size") else [])
                if code == 250:
                    stage = "RCPT TO"
                    code, said = self._smtp.rcpt(address)
                if code in (250, 251):
                    stage = "DATA"
                    code, said = self._smtp.docmd("DATA")
                if stage == "DATA" and code == HANDED_OVER:
                    self._smtp.send(_stuffed(message))
                    stage = TEXT
                    code, said = self._smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            return self._broken(error, stage)
        handing = self._judged(stage, code, _words(said))
        if stage == TEXT or handing.hung_up or self._begins_anew():
            return handing
        return replace(handing, hung_up=True)

    def _begins_anew(self) -> bool:
        """Whether the server, which has taken no text, is ready for the next mail."""
        try:
            with _limited(self._smtp, self.server.timeout):
                self._smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._smtp.close()
            return False
        return True

    def _judged(self, stage: str, code: int, words: str) -> Handing:
        said = f"{self.server.shown} answered {stage} with {code} {words}".rstrip()
        if stage == TEXT and code == 250:
            return Handing(Fate.SENT, code, f"{code} {words}".rstrip())
        # A refused sender is our own trouble, not the reader's: their digest waits until it is mended.
        # 552 there is about the size we announced, and no later try makes this mail smaller.
        if 500 <= code < 600 and (stage != "MAIL FROM" or code == 552):
            return Handing(Fate.REFUSED, code, said)
        return Handing(Fate.LATER, code, said, hung_up=code == 421)

    def _broken(self, error: Exception, stage: str) -> Handing:
        handed = stage == TEXT
        what = "after the text had been handed over, so that it may have arrived" if handed else f"at {stage}"
        # smtplib tells of its own time limit as of a server that went away.
        late = (
            isinstance(error, TimeoutError)
            or isinstance(error.__context__, TimeoutError)
            or getattr(self._smtp, "timed_out", False)
        )
        how = f"did not answer within {self.server.timeout:g} seconds" if late else "broke the connection"
        self._smtp.close()
        return Handing(Fate.LATER, HANDED_OVER if handed else 0, f"{self.server.shown} {how} {what}", hung_up=True)

    def _connected(self, helo: str | None) -> smtplib.SMTP:
        server = self.server
        smtp: smtplib.SMTP | None = None
        try:
            if server.tls == "implicit":
                smtp = _TlsSession(local_hostname=helo, timeout=server.timeout, context=_context(server))
            else:
                smtp = _Session(local_hostname=helo, timeout=server.timeout)
            # Given no host at first, so that connecting and the greeting are within the limit; certificates are checked for this name.
            smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001
            with _limited(smtp, server.timeout):
                code, said = smtp.connect(server.host, server.port)
                if code != 220:
                    raise smtplib.SMTPConnectError(code, said)
                smtp.ehlo_or_helo_if_needed()
                if server.tls == "starttls":
                    _encrypt(smtp, server)
                if server.user:
                    _log_in(smtp, server)
        except smtplib.SMTPAuthenticationError as error:
            _close(smtp)
            answer = f"{error.smtp_code} {_words(error.smtp_error)}"
            raise MailError(
                f"The mail server {server.shown} refused the login of {server.user}: {answer}; check user and password in SHOLU_SMTP_URL."
            ) from error
        except smtplib.SMTPResponseException as error:
            _close(smtp)
            raise MailError(
                f"The mail server {server.shown} does not take mail now: {error.smtp_code} {_words(error.smtp_error)}."
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            _close(smtp)
            raise MailError(
                f"The mail server {server.shown} does not offer the login set in SHOLU_SMTP_URL ({error})."
            ) from error
        except ssl.SSLCertVerificationError as error:
            _close(smtp)
            raise MailError(
                f"The certificate of the mail server {server.shown} cannot be trusted: {error.verify_message}; name its issuer in SHOLU_SMTP_CA."
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            _close(smtp)
            raise MailError(f"The mail server {server.shown} cannot be reached: {_reason(error, server)}.") from error
        except MailError:
            _close(smtp)
            raise
        return smtp


@contextmanager
def _limited(smtp: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """One limit for a whole exchange: smtplib's own starts anew with every byte that trickles in."""

    def cut() -> None:
        smtp.timed_out = True  # type: ignore[attr-defined]  # told apart from a connection that broke by itself
        sock = smtp.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    broken: Exception | None = None
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        broken = error
    finally:
        timer.cancel()
    if getattr(smtp, "timed_out", False):
        # What was read before the line was cut may look like an answer, but it is a piece of one.
        raise TimeoutError from broken
    if broken is not None:
        raise broken


def _encrypt(smtp: smtplib.SMTP, server: Server) -> None:
    if not smtp.has_extn("starttls"):
        raise MailError(
            f"The mail server {server.shown} does not offer STARTTLS, and nothing is sent unencrypted; "
            "use smtps://, or add ?tls=none if you trust the way to it."
        )
    smtp.starttls(context=_context(server))
    smtp.ehlo()


def _log_in(smtp: smtplib.SMTP, server: Server) -> None:
    try:
        smtp.login(server.user, server.password)
    except smtplib.SMTPServerDisconnected as error:
        # Servers hang up on whoever tries several ways to log in, as smtplib does after the first is refused.
        raise MailError(
            f"The mail server {server.shown} closed the connection during the login of {server.user}; check user and password in SHOLU_SMTP_URL."
        ) from error


def _stuffed(message: bytes) -> bytes:
    """The text as DATA wants it: CR LF at every line's end, a dot doubled at every line's beginning, a dot alone at the end."""
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if server.ca is not None:
        try:
            context.load_verify_locations(server.ca)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(
                f"{server.ca} holds no certificates in PEM form", file="environment or .env", key="SHOLU_SMTP_CA"
            ) from error
    return context


def _is_here(host: str) -> bool:
    """Whether the host is this machine, to which nothing needs to be encrypted."""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


def _reason(error: Exception, server: Server) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no answer within {server.timeout:g} seconds"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection"
    if isinstance(error, socket.gaierror):
        return f"there is no host {server.host}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _words(said: bytes | str) -> str:
    """A server's words as one line that can be shown."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:ANSWER_SHOWN]


def _close(smtp: smtplib.SMTP | None) -> None:
    if smtp is not None:
        smtp.close()
