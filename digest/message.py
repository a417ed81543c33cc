"""A rendered digest as a mail: headers that machines and readers rely on; nothing a title says can become one of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

from digest.plain import one_line
from digest.recipients import checked_address
from digest.render import Rendered
from domain.errors import ConfigError
from domain.telling import Recipient

SUBJECT_SHOWN: Final = 180
_LIST_ID: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
# Lines of at most 78, ASCII only on the way: not every server between here and the reader takes eight bits.
POLICY: Final = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mail is from, which list it belongs to and how one leaves it ("" where that is not set)."""

    name: str
    address: str
    list_id: str
    unsubscribe: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def read_sender(mail_from: str, *, list_id: str = "", unsubscribe: str = "") -> Sender:
    """The sender out of the settings; raises ConfigError naming the variable."""

    def wrong(name: str, message: str) -> ConfigError:
        return ConfigError(message, file="environment or .env", key=f"SHOLU_{name}")

    name, address = parseaddr(mail_from)
    if not address:
        raise wrong("MAIL_FROM", "set the sender of the mail, as in: Sholu <sholu@example.org>")
    try:
        checked = checked_address(address)
    except ValueError as error:
        raise wrong("MAIL_FROM", str(error)) from error
    made = list_id or f"sholu.{checked.rpartition('@')[2]}"
    if not _LIST_ID.fullmatch(made):
        raise wrong("DIGEST_LIST_ID", f"{made!r} is not an identifier of a list such as sholu.example.org")
    if unsubscribe and not re.fullmatch(r"(mailto:|https://)[\x21-\x3b\x3d\x3f-\x7e]+", unsubscribe):
        raise wrong("DIGEST_UNSUBSCRIBE", f"{unsubscribe!r} is neither a mailto: nor an https: address")
    return Sender(one_line(name, 80), checked, made, unsubscribe)


def message_id(sender: Sender, kind: str, slot: str, address: str) -> str:
    """The same for every try at one mail, so that a server or reader that has it already knows it."""
    mark = hashlib.sha256(f"{kind}\n{slot}\n{address}".encode()).hexdigest()[:20]
    return f"<{kind}.{re.sub(r'[^A-Za-z0-9.-]', '-', slot)[:60]}.{mark}@{sender.domain}>"


def digest_message(rendered: Rendered, recipient: Recipient, sender: Sender, *, slot: str, now: datetime) -> bytes:
    """The mail with its text and HTML parts, ready for the outbox."""
    message = _begun(rendered.subject, recipient, sender, kind="digest", slot=slot, now=now)
    message["List-Id"] = f"Sholu <{sender.list_id}>"
    if sender.unsubscribe:
        message["List-Unsubscribe"] = f"<{sender.unsubscribe}>"
    _set_text(message, rendered.text)
    if rendered.html is not None:
        message.add_alternative(rendered.html, subtype="html", cte=_encoding(rendered.html))
    message["Content-Language"] = recipient.language  # last: what begins with Content- moves into the first part otherwise
    return message.as_bytes()


def plain_message(subject: str, text: str, recipient: Recipient, sender: Sender, *, kind: str, slot: str, now: datetime) -> bytes:
    """A mail of plain text (an alarm), ready for the outbox."""
    message = _begun(subject, recipient, sender, kind=kind, slot=slot, now=now)
    _set_text(message, text)
    return message.as_bytes()


def _begun(subject: str, recipient: Recipient, sender: Sender, *, kind: str, slot: str, now: datetime) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    message["Subject"] = one_line(subject, SUBJECT_SHOWN)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(one_line(recipient.name, 80), addr_spec=recipient.address)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(sender, kind, slot, recipient.address)
    # RFC 3834: nobody's holiday notice answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    return message


def _set_text(message: EmailMessage, text: str) -> None:
    message.set_content(text, cte=_encoding(text))


def _encoding(text: str) -> str:
    """Quoted-printable where most letters are Latin (a person can read it raw), base64 where it would swell sixfold."""
    return "quoted-printable" if sum(letter > "\x7f" for letter in text) * 6 < len(text) else "base64"
