"""`sholu demo` as a newcomer meets it: the whole job to the digest in a mailbox, and nothing beside its own folder touched."""

from __future__ import annotations

import json
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from cli.demonstration import demonstrate


@pytest.mark.slow
def test_the_demo_ends_with_a_digest_in_a_mailbox_and_leaves_real_data_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOLU_HOME", "var")
    # What somebody has set for real work must not be written to by a demo.
    monkeypatch.setenv("SHOLU_SMTP_URL", "smtp://127.0.0.1:9")
    monkeypatch.setenv("SHOLU_RECIPIENTS", str(tmp_path / "nobody.yaml"))
    assert demonstrate(keep=False, json=True) == 0
    run = json.loads(capsys.readouterr().out.splitlines()[-1])
    home = tmp_path / "var" / "demo"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["var"]
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["demo"]
    mail = message_from_bytes((home / "digest.eml").read_bytes(), _class=EmailMessage, policy=SMTP)
    told = sum(int(number) for number in re.findall(r"(\d+) (?:protest|repression|reform|elections)", mail["Subject"]))
    # Stories, not articles: every flagged item is in one, and some share one.
    assert 0 < run["flagged"] - 4 <= told <= run["flagged"]
    page = mail.get_body(("html",))
    assert page is not None
    assert (home / "digest.html").read_text(encoding="utf-8").replace("\r\n", "\n") == page.get_content().replace("\r\n", "\n")
