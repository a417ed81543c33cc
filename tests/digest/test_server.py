"""The mail server as the settings name it: encryption, login, certificates; every trouble in a sentence that names the server."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from pydantic import SecretStr

from digest.send import Fate, Line, Server, read_server
from domain.errors import ConfigError, MailError
from tests.digest.conftest import MORNING, Clock, Mailbox, Newsroom, Send

MESSAGE = b"Subject: x\r\nFrom: a@news.example\r\n\r\n.dot\r\n..two\r\nend\r\n"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext {names} -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return folder / "both.pem"


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def login(box_of: dict[str, Any]) -> Callable[..., AuthResult]:
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        box_of.setdefault("logins", []).append((data.login.decode(), data.password.decode()))
        right = data.password == b"s3cret:@/"
        return AuthResult(success=right, handled=right)  # a refusal that is not "handled" is answered by aiosmtpd itself

    return authenticate


def hand_over(server: Server) -> Fate:
    with Line(server) as line:
        return line.hand_over("a@news.example", "anna@example.org", MESSAGE).fate


def test_starttls_and_login_are_used_and_dots_arrive_as_they_were(
    post_office: Callable[..., Mailbox], context: ssl.SSLContext, certificate: Path
) -> None:
    seen: dict[str, Any] = {}
    box = post_office(tls_context=context, authenticator=login(seen), auth_required=True, require_starttls=True)
    server = Server("localhost", box.port, "starttls", "me", "s3cret:@/", certificate, 5.0)
    assert hand_over(server) is Fate.SENT
    assert seen["logins"] == [("me", "s3cret:@/")]
    assert box.taken == [("anna@example.org", MESSAGE)]


def test_tls_from_the_start(post_office: Callable[..., Mailbox], context: ssl.SSLContext, certificate: Path) -> None:
    box = post_office(context=context)
    assert hand_over(Server("localhost", box.port, "implicit", ca=certificate, timeout=5.0)) is Fate.SENT


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_nobody_vouches_for_is_not_trusted(
    tls: str, post_office: Callable[..., Mailbox], context: ssl.SSLContext
) -> None:
    box = post_office(context=context) if tls == "implicit" else post_office(tls_context=context)
    with pytest.raises(
        MailError, match=rf"certificate of the mail server localhost:{box.port} cannot be trusted: .*SHOLU_SMTP_CA"
    ):
        hand_over(Server("localhost", box.port, tls, timeout=5.0))
    assert not box.taken


def test_without_encryption_neither_mail_nor_password_leaves_this_machine(post_office: Callable[..., Mailbox]) -> None:
    seen: dict[str, Any] = {}
    box = post_office(authenticator=login(seen), auth_require_tls=False)
    with pytest.raises(MailError, match="does not offer STARTTLS"):
        hand_over(Server("127.0.0.1", box.port, "starttls", "me", "s3cret:@/", timeout=5.0))
    assert not seen


def test_a_wrong_password_is_told_without_the_password_and_every_mail_waits(
    post_office: Callable[..., Mailbox], send: Send, room: Newsroom, clock: Clock
) -> None:
    box = post_office(authenticator=login({}), auth_require_tls=False, auth_exclude_mechanism=["LOGIN"])
    room.publish("A rally", at=MORNING - timedelta(hours=1))
    report = send(smtp_url=SecretStr(f"smtp://me:wrong-one@127.0.0.1:{box.port}"), smtp_timeout=30.0)
    assert report.exit_code == 5
    assert re.search(
        rf"127\.0\.0\.1:{box.port} refused the login of me: 535 .*; check user and password",
        report.closing(),
    )
    assert "wrong-one" not in str(report.summary())
    assert {each.state for each in report.letters} == {"queued"}
    clock.now += timedelta(hours=1)
    assert send(smtp_url=SecretStr(f"smtp://me:s3cret%3A%40%2F@127.0.0.1:{box.port}")).exit_code == 0
    assert len(box.taken) == 3


def test_a_server_that_trickles_is_cut_off_at_the_limit() -> None:
    """smtplib's own limit starts anew with every byte; this server would take an hour for its greeting."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        stop = threading.Event()

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(200):
                    try:
                        connection.sendall(b"2")
                    except OSError:
                        return
                    if stop.wait(0.05):
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        started = time.monotonic()
        with pytest.raises(MailError, match=r"cannot be reached: no answer within 0.6 seconds"):
            Line(Server("127.0.0.1", listener.getsockname()[1], "none", timeout=0.6))
        assert time.monotonic() - started < 8
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.org", "mail.example.org", 587, "starttls"),
        ("smtps://u:p@mail.example.org", "mail.example.org", 465, "implicit"),
        ("smtp://mail.example.org:2525?tls=none", "mail.example.org", 2525, "none"),
        ("smtp://localhost", "localhost", 25, "none"),
        ("smtp://[::1]:1025", "::1", 1025, "none"),
    ],
)
def test_addresses_of_servers_mean_what_they_say(url: str, host: str, port: int, tls: str) -> None:
    server = read_server(url)
    assert (server.host, server.port, server.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://h:99999",
        "smtp://h?tls=maybe",
        "smtp://u:p%0d%0aRSET@h",
    ],
)
def test_what_is_no_address_of_a_server_is_refused_with_the_right_form(url: str) -> None:
    with pytest.raises(ConfigError, match=r"SHOLU_SMTP_URL: .*smtp://USER:PASSWORD@HOST:587"):
        read_server(url)
