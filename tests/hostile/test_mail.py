"""What hostile titles and texts do to the digest that tells of them: nothing."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from contextlib import closing
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from digest.message import digest_message, read_sender
from digest.select import Frame, select
from domain.settings import Settings
from domain.telling import Recipient
from flows.digest_steps import load_rules, names_of, rendered_for, select_digest
from storage.store import open_store
from tests.hostile.mail import RALLY
from tests.hostile.server import Case, load_cases
from tests.hostile.test_whole_run import NOW, _one_at_a_time, complaints, source_id

CASES = load_cases(("mail",))
HEADERS = {"subject", "from", "to", "date", "message-id", "auto-submitted", "x-auto-response-suppress", "list-id", "mime-version"} | {
    "content-type", "content-language", "content-transfer-encoding"
}  # fmt: skip
TAGS = {"html", "head", "meta", "title", "body", "table", "tbody", "tr", "td", "div", "span", "a", "b", "br", "p"}


class Seen(HTMLParser):
    """All tags, and attributes that could act or load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.acts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on") or name in {"src", "action", "background", "srcset"}:
                self.acts.append(f"{name}={value}")
            if name == "href" and not re.match(r"https?://|mailto:", value or ""):
                self.acts.append(f"{name}={value}")
            if name == "style" and re.search(r"url\(|position|expression|display\s*:\s*none", value or ""):
                self.acts.append(f"{name}={value}")


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The digest that tells of each case alone, as it would go over the wire."""
    folder = tmp_path_factory.mktemp("mail")
    ended, hits = asyncio.run(_one_at_a_time(CASES, folder))
    assert hits == []
    wrong = [said for one in CASES for said in complaints(one, ended[source_id(one)])]
    assert not wrong, "\n".join(wrong)
    return {one.name: made(folder, one) for one in CASES if ended[source_id(one)].stored}


def made(folder: Path, one: Case) -> bytes:
    settings = Settings(home=folder, rules=folder / "rules", _env_file=None)  # type: ignore[call-arg]  # as in test_whole_run
    reader = Recipient("anna@example.org", "Anna")
    names, now = names_of(load_rules(settings)), NOW + timedelta(hours=1)
    with closing(open_store(settings.database)) as store:
        whole = select_digest(store, None, NOW.date(), names, now=now, recipient=reader)
    own = [item for item, _ in whole.settled if item.carriers[0].source_id == source_id(one)]
    frame = Frame(whole.day, whole.since, whole.until, reader)
    digest = select(frame, own, told_clusters={}, sight=whole.sight, figures=whole.figures, kind=names.kind)
    assert digest.stories == 1, f"{one.name}: the digest does not tell of it"
    sender = read_sender("Sholu <sholu@example.org>")
    return digest_message(rendered_for(settings, digest, names), reader, sender, slot="2026-11-22", now=now)


@pytest.mark.slow
@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_a_hostile_article_stays_an_article_in_the_mail(one: Case, mails: dict[str, bytes]) -> None:
    if one.name not in mails:
        pytest.skip("nothing is stored of it, as is right")
    raw = mails[one.name]
    assert raw.isascii()
    assert len(raw) < 400_000
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if b"\r" in line or b"\n" in line or b"\0" in line]
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert {name.lower() for name in message} <= HEADERS
    assert len(message.keys()) == len(set(message.keys()))
    assert (message["to"].addresses[0].addr_spec, len(message["to"].addresses)) == ("anna@example.org", 1)
    assert not message.defects
    parts = [part.get_content_type() for part in message.walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for said in (str(message["subject"]), text, html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\x07\ud800-\udfff]", said)
    assert RALLY in " ".join(text.replace("*", "").split())
    assert len(html.encode()) < 102_000, "Gmail hides what is longer"
    seen = Seen(html)
    assert seen.tags <= TAGS
    assert seen.acts == []
    assert "root:" not in text
    assert "{{" not in text or one.name == "template"
