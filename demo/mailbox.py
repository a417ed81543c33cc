"""A mailbox on loopback for the demo: a mail server that takes what it is given and sends nothing on. No server for real use."""

from __future__ import annotations

import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Final, Self, cast

HOST: Final = "127.0.0.1"
LINE: Final = 10_000  # bytes; RFC 5321 allows 1,000


class Mailbox:
    """A context manager; ``mails`` holds each mail taken, as it came over the line."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """What SHOLU_SMTP_URL would be."""
        return f"smtp://{HOST}:{self._server.server_address[1]}"


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        super().__init__((HOST, 0), _Talk)


class _Talk(StreamRequestHandler):
    """One connection: every command is well, and what follows DATA is kept."""

    timeout = 30

    def handle(self) -> None:
        self._say("220 the demo's mailbox")
        while line := self.rfile.readline(LINE):
            command = line.strip().upper()
            if command == b"DATA":
                self._say("354 go on, a dot alone ends it")
                cast("_Server", self.server).box.mails.append(self._text())
                self._say("250 taken")
            elif command == b"QUIT":
                self._say("221 goodbye")
                return
            else:
                self._say("250 well")

    def _text(self) -> bytes:
        lines = []
        while (line := self.rfile.readline(LINE)) and line != b".\r\n":
            lines.append(line.removeprefix(b"."))  # a dot at a line's beginning was doubled on the way
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
