"""A mail server that misbehaves at any word of the session: a mail is sent, put off or refused, and the server's words are one line."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress

import pytest

from digest.send import Fate, Line, Server
from domain.errors import MailError

MESSAGE = b"Subject: x\r\nFrom: a@news.example\r\n\r\n.dot\r\nend\r\n"
GOOD = {
    "": b"220 ready\r\n",
    "EHLO": b"250-here\r\n250 8BITMIME\r\n",
    "HELO": b"250 here\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 queued\r\n",
    "RSET": b"250 ok\r\n",
    "QUIT": b"221 bye\r\n",
}
Reply = bytes | Callable[[socket.socket], None]


def endless(start: bytes) -> Reply:
    def send(line: socket.socket) -> None:
        while True:
            line.sendall(start * 500)

    return send


def hang_up(line: socket.socket) -> None:
    line.shutdown(socket.SHUT_RDWR)


def says_and_hangs_up(words: bytes) -> Reply:
    def send(line: socket.socket) -> None:
        line.sendall(words)
        line.shutdown(socket.SHUT_RDWR)

    return send


def is_asked_for(reply: Reply) -> bool:
    return isinstance(reply, bytes) and reply.startswith(b"354")


@contextmanager
def server(script: Mapping[str, Reply]) -> Iterator[Server]:
    replies = {**GOOD, **script}

    def say(line: socket.socket, word: str) -> None:
        reply = replies.get(word, b"500 what\r\n")
        reply(line) if callable(reply) else line.sendall(reply)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError, ValueError):
            line, _ = listener.accept()
            with closing(line), line.makefile("rb") as words:
                say(line, "")
                for heard in words:
                    word = heard[:4].decode("latin-1").strip().upper()
                    say(line, word)
                    if word == "DATA" and is_asked_for(script.get("DATA", b"354")):
                        for text in words:
                            if text == b".\r\n":
                                break
                        say(line, ".")
                    elif word == "QUIT":
                        return

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield Server("127.0.0.1", listener.getsockname()[1], "none", timeout=1.5)
    thread.join(5)


@pytest.mark.parametrize(
    ("does", "script", "right"),
    [
        ("greets in many lines", {"": b"220-hello\r\n220-there\r\n220 ready\r\n"}, Fate.SENT),
        ("knows no EHLO", {"EHLO": b"502 5.5.1 what\r\n"}, Fate.SENT),
        ("offers what nobody knows", {"EHLO": b"250-here\r\n250-X-\xff\xfe\r\n250-SIZE abc\r\n250 SMTPUTF8\r\n"}, Fate.SENT),
        ("ends its lines with LF", {word: reply.replace(b"\r", b"") for word, reply in GOOD.items()}, Fate.SENT),
        ("forwards (251)", {"RCPT": b"251 will forward\r\n"}, Fate.SENT),
        ("says good-bye never", {"QUIT": hang_up}, Fate.SENT),
        ("answers in two lines with codes of its own", {".": b"250-2.0.0 ok\r\n250 2.6.0 queued\r\n"}, Fate.SENT),
        ("takes DATA for done", {"DATA": b"250 ok\r\n"}, Fate.LATER),
        ("is one answer ahead", {"RCPT": b"250 ok\r\n250 queued\r\n"}, Fate.LATER),
        ("says go on twice", {".": b"354 go on\r\n"}, Fate.LATER),
        ("hangs up before it is asked for the text", {"DATA": hang_up}, Fate.LATER),
        ("hangs up when it has the text", {".": hang_up}, Fate.LATER),
        ("hangs up in the middle of its answer", {".": says_and_hangs_up(b"250-queu")}, Fate.LATER),
        ("has no code", {".": b"ok\r\n"}, Fate.LATER),
        ("has a code of letters", {".": b"2x0 ok\r\n"}, Fate.LATER),
        ("has a code that does not exist", {".": b"999 ok\r\n"}, Fate.LATER),
        ("closes in the middle (421)", {"RCPT": b"421 4.3.2 closing\r\n"}, Fate.LATER),
        ("puts the reader off (450)", {"RCPT": b"450 4.2.0 greylisted\r\n"}, Fate.LATER),
        ("puts the text off (451)", {".": b"451 4.7.1 try later\r\n"}, Fate.LATER),
        ("does not know the sender", {"MAIL": b"550 5.1.0 who\r\n"}, Fate.LATER),
        ("finds the mail too large", {"MAIL": b"552 5.3.4 too large\r\n"}, Fate.REFUSED),
        ("does not know the reader", {"RCPT": b"550 5.1.1 who\r\n"}, Fate.REFUSED),
        ("refuses the text", {".": b"554 5.7.1 spam\r\n"}, Fate.REFUSED),
        ("refuses in control characters", {".": b"554 \x1b[31mno\x07\x00 \xe2\x80\xaeeil\r\n"}, Fate.REFUSED),
        ("refuses in a hundred lines", {"RCPT": b"550-no\r\n" * 100 + b"550 no\r\n"}, Fate.REFUSED),
        ("answers the reader without end", {"RCPT": endless(b"250-ok\r\n")}, Fate.LATER),
        ("answers the text without end", {".": endless(b"250-ok " + b"a" * 400 + b"\r\n")}, Fate.LATER),
        ("answers in a line without end", {".": endless(b"250 aaaaaaaaaaaaaaaa")}, Fate.LATER),
        ("refuses the reader and hangs up", {"RCPT": b"550 no\r\n", "RSET": hang_up}, Fate.REFUSED),
        ("refuses the reader and says nothing more", {"RCPT": b"550 no\r\n", "RSET": b""}, Fate.REFUSED),
    ],
)
def test_whatever_a_mail_server_says_a_mail_has_one_fate(does: str, script: dict[str, Reply], right: Fate) -> None:
    with server(script) as at, Line(at) as line:
        found = line.hand_over("a@news.example", "anna@example.org", MESSAGE)
    assert found.fate is right, f"it {does}: {found}"
    assert found.answer.isprintable()
    assert len(found.answer) < 400


@pytest.mark.parametrize(
    ("does", "script"),
    [
        ("turns everybody away", {"": b"554 no service\r\n"}),
        ("is closing", {"": b"421 busy\r\n"}),
        ("is a web server", {"": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n"}),
        ("is a shell", {"": b"SSH-2.0-OpenSSH_9.2\r\n"}),
        ("says nothing", {"": b""}),
        ("hangs up", {"": hang_up}),
        ("greets without end", {"": endless(b"220-hello " + b"a" * 400 + b"\r\n")}),
        ("greets in a line without end", {"": endless(b"220 aaaaaaaaaaaaaa")}),
        ("offers without end", {"EHLO": endless(b"250-X-A\r\n"), "HELO": hang_up}),
        ("knows neither EHLO nor HELO", {"EHLO": b"500 what\r\n", "HELO": b"500 what\r\n"}),
        ("colours its refusal", {"": b"554 \x1b[31mno\x1b]0;x\x07\r\n"}),
    ],
)
def test_a_mail_server_that_is_none_is_told_in_a_sentence(does: str, script: dict[str, Reply]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with server(script) as at, pytest.raises(MailError) as told, Line(at):
        pass
    assert at.shown in str(told.value), does
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 600
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB
