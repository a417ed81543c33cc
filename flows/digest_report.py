"""What a run of the digest says of itself when it is over: who was told what, what waits and why; decides the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from storage.outbox import Posted

WORDS = {
    "sent": "sent",
    "queued": "waits for its next try",
    "sending": "is being sent by another run",
    "refused": "was refused",
    "given-up": "was given up",
    "silent": "had nothing to tell, and this reader wants no mail then",
}
SHORT = {
    "queued": "waiting",
    "sending": "being sent by another run",
    "refused": "refused",
    "given-up": "given up",
    "silent": "with nothing to tell",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """A digest as it would be sent, or was."""

    address: str
    day: date
    subject: str
    text: str
    html: str
    message: bytes = field(repr=False)
    trouble: str = ""
    sent_as_shown: bool = False

    @classmethod
    def of_letter(cls, letter: Posted) -> Preview:
        """The mail that was composed for this slot, read back from the outbox."""
        mail = message_from_bytes(letter.message, _class=EmailMessage, policy=SMTP)
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        return cls(
            address=letter.address,
            day=date.fromisoformat(letter.slot),
            subject=str(mail["Subject"]),
            text=str(text.get_content()) if text is not None else "",
            html=str(html.get_content()) if html is not None else "",
            message=letter.message,
            sent_as_shown=True,
        )


@dataclass(frozen=True, slots=True)
class DigestReport:
    """The result of a run. ``letters`` are the mails of its slots and all that it tried; ``composed`` how many stories each new
    digest tells, by address; ``handled`` the letters it gave to the server or tried to; ``previews`` those of a dry run."""

    run_id: int | None
    letters: tuple[Posted, ...]
    composed: Mapping[str, int]
    handled: frozenset[int]
    trouble: str = ""
    previews: tuple[Preview, ...] = ()
    idle: str = ""  # why there was nothing to do at all

    @property
    def dry_run(self) -> bool:
        return self.run_id is None and not self.idle

    @property
    def exit_code(self) -> int:
        """0 when nothing is left to send, 1 when some mail waits or was refused, 5 when no mail at all could be handed over."""
        states = Counter(each.state for each in self.letters)
        wrong = states.total() - states["sent"] - states["silent"]
        if not wrong:
            return 0
        gone_now = any(each.state == "sent" and each.id in self.handled for each in self.letters)
        return 5 if self.trouble and not gone_now else 1

    def closing(self) -> str:
        """What came of it, in a sentence or two."""
        if self.idle:
            return self.idle
        if self.dry_run:
            return "This was a dry run: nothing was stored and no mail was sent."
        if not self.letters:
            return "No digest was due and no mail waits."
        kinds = {"Digests": [each for each in self.letters if each.kind == "digest"]}
        kinds["Mails of alarms"] = [each for each in self.letters if each.kind != "digest"]
        said = [f"{name}: {self._counted(letters)}." for name, letters in kinds.items() if letters]
        return " ".join([*said, self.trouble]).strip()

    def _counted(self, letters: Sequence[Posted]) -> str:
        states = Counter(each.state for each in letters)
        now = sum(each.state == "sent" and each.id in self.handled for each in letters)
        before = states["sent"] - now
        parts = [f"{now} sent"] if now else []
        parts += [f"{before} had been sent before"] if before else []
        return ", ".join([*parts, *(f"{states[state]} {word}" for state, word in SHORT.items() if states[state])])

    def summary(self) -> dict[str, Any]:
        """What `sholu digest --json` prints; the names are others' to build on."""
        return {
            "run": self.run_id,
            "dry_run": self.dry_run,
            "exit_code": self.exit_code,
            "message": self.closing(),
            "letters": [
                {
                    "slot": each.slot, "kind": each.kind, "address": each.address, "state": each.state, "attempts": each.attempts,
                    "answer": each.answer, "message_id": each.message_id, "sent_at": each.sent_at,
                    "stories": self.composed.get(each.address),
                }
                for each in self.letters
            ],
            "previews": [
                {
                    "address": each.address, "day": each.day, "subject": each.subject, "text": each.text, "trouble": each.trouble,
                    "composed_before": each.sent_as_shown,
                }
                for each in self.previews
            ],
        }  # fmt: skip

    def markdown(self) -> str:
        """The run as an artifact shows it."""
        lines = [self.closing()]
        if self.letters:
            lines += ["", "| digest of | for | state | tries | the server's answer |", "|---|---|---|---|---|"]
            lines += [
                f"| {each.slot} | {_cell(each.address)} | {WORDS.get(each.state, each.state)} | {each.attempts} | {_cell(each.answer)} |"
                for each in self.letters
            ]
        for each in self.previews:
            lines += ["", f"### {_cell(each.subject)}", "", "```", each.text.replace("```", "'''"), "```"]
        return "\n".join(lines)


def _cell(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#|!" else letter for letter in " ".join(text.split()))
