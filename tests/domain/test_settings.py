"""Where a setting may come from: a variable, a file that a variable names, ``.env``; and what is said where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.settings import HOUSE, load_settings, say_once, settings_slips
from flows.serving import environment_of
from review.settings import desk_slips, load_desk_settings

ADDRESS = "smtp://me:s3cret@mail.example.org:587"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, so that no ``.env`` but the test's own is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_file(folder: Path, value: str) -> Path:
    path = folder / "secret"
    path.write_text(value, encoding="utf-8")
    return path


def test_a_secret_may_stand_in_a_file_for_the_program_and_for_the_desk(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOLU_SMTP_URL_FILE", str(a_file(here, f"{ADDRESS}\n")))
    given = load_settings().smtp_url
    assert given is not None
    assert given.get_secret_value() == ADDRESS
    monkeypatch.setenv("SHOLU_DESK_SECRET_FILE", str(a_file(here, "k" * 40)))
    secret = load_desk_settings().secret
    assert secret is not None
    assert secret.get_secret_value() == "k" * 40


def test_a_file_may_be_named_in_dot_env_too(here: Path) -> None:
    (here / ".env").write_text(f"SHOLU_DATABASE_URL_FILE={a_file(here, 'postgresql://x')}\n", encoding="utf-8")
    assert load_settings().database == "postgresql://x"


def test_the_variable_comes_before_the_file_and_the_file_before_dot_env(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".env").write_text("SHOLU_CONTACT=from-dot-env\n", encoding="utf-8")
    monkeypatch.setenv("SHOLU_CONTACT_FILE", str(a_file(here, "from-file")))
    assert load_settings().contact == "from-file"
    monkeypatch.setenv("SHOLU_CONTACT", "from-variable")
    assert load_settings().contact == "from-variable"


def test_an_empty_file_is_a_secret_that_is_not_set(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOLU_SMTP_URL_FILE", str(a_file(here, "\n")))
    assert load_settings().smtp_url is None


@pytest.mark.parametrize("name", ["SHOLU_SMTP_URL_FILE", "SHOLU_DESK_SECRET_FILE"])
def test_a_file_that_is_not_there_is_named_with_its_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/nowhere/secret")
    with pytest.raises(ConfigError, match=f"{name}.*/nowhere/secret cannot be read"):
        load_desk_settings() if "DESK" in name else load_settings()


def test_an_address_of_the_desk_in_dot_env_is_not_overruled_by_sholu_serve(here: Path) -> None:
    (here / ".env").write_text("SHOLU_DESK_ADDRESS=https://desk.example.org\n", encoding="utf-8")
    settings = load_settings()
    parts = {"host": "127.0.0.1", "prefect_port": 4200, "desk_port": 8710}
    made = environment_of(here, **parts, desk_address=settings.desk_address, given={})  # type: ignore[arg-type]
    assert "SHOLU_DESK_ADDRESS" not in made
    made = environment_of(here, **parts, desk_address="", given={})  # type: ignore[arg-type]
    assert made["SHOLU_DESK_ADDRESS"] == "http://127.0.0.1:8710"


def test_a_variable_that_is_empty_is_not_set(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What `${SHOLU_RECIPIENTS:-}` of a compose file is where nobody has set it.
    monkeypatch.setenv("SHOLU_RECIPIENTS", "")
    monkeypatch.setenv("SHOLU_DESK_ZONE", "")
    (here / ".env").write_text("SHOLU_SMTP_CA=\n", encoding="utf-8")
    assert load_settings().recipients is None
    assert load_settings().smtp_ca is None
    assert load_desk_settings().zone == "Asia/Almaty"


def test_a_name_that_is_no_setting_is_told_with_the_nearest_one_and_stops_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (here / ".env").write_text("SHOLU_ALARM_T0=ops@example.org\nSHOLU_CONTACT=me@example.org\n", encoding="utf-8")
    monkeypatch.setenv("SHOLU_DESK_HTTP", "1")
    monkeypatch.setenv("SHOLU_SMTP_URL_FLIE", "x")
    monkeypatch.setenv("SHOLU_DATABASE_URL_FILE", str(a_file(here, "")))
    monkeypatch.setenv("SHOLU_DEBUG", "1")
    say_once.cache_clear()
    assert load_settings().contact == "me@example.org"
    load_settings()
    load_desk_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "environment or .env: SHOLU_ALARM_T0 is no setting and does nothing; did you mean SHOLU_ALARM_TO?",
        "environment or .env: SHOLU_SMTP_URL_FLIE is no setting and does nothing; did you mean SHOLU_SMTP_URL?",
        "environment or .env: SHOLU_DESK_HTTP is no setting and does nothing; did you mean SHOLU_DESK_HTTPS?",
    ]


def test_no_variable_the_program_shows_or_sets_is_taken_for_a_slip(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (HOUSE / ".env.example").read_text(encoding="utf-8").splitlines():
        if "=" in line:
            monkeypatch.setenv(line.lstrip("#").partition("=")[0], "x")
    for name in environment_of(here, host="127.0.0.1", prefect_port=4200, desk_port=8710, desk_address="", given={}):
        monkeypatch.setenv(name, "x")
    assert (settings_slips(), desk_slips()) == ([], [])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SHOLU_DIGEST_HOUR", "24", "at most 23"),
        ("SHOLU_DIGEST_HOUR", "8.5", "whole number"),
        ("SHOLU_DIGEST_LANGUAGE", "english", "one of en, ru, kk"),
        ("SHOLU_DIGEST_ZONE", "Asia/Atlantis", "time zone"),
        ("SHOLU_DEADLINE", "0", "greater than 0"),
        ("SHOLU_DEADLINE", "nan", "greater than 0"),
        ("SHOLU_DEADLINE", "soon", "a number"),
        ("SHOLU_WORKERS", "0", "at least 1"),
        ("SHOLU_ROBOTS", "perhaps", "true or false"),
        ("SHOLU_ALLOW_ADDRESSES", "127.0.0.0/8, here", "'here' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_variable(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name}.*{told}"):
        load_settings()


def test_values_are_read_as_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORKERS": " 4 ", "MAX_BODY": "8_000_000", "DEADLINE": "2.5", "ROBOTS": "Off", "HOME": "there"}.items():
        monkeypatch.setenv(f"SHOLU_{name}", value)
    found = load_settings(host_pause=0)
    assert (found.workers, found.max_body, found.deadline, found.host_pause) == (4, 8_000_000, 2.5, 0.0)
    assert (found.robots, found.home) == (False, Path("there"))


def test_a_secret_is_not_shown_and_settings_are_not_changed() -> None:
    found = load_settings(smtp_url=ADDRESS)
    assert "s3cret" not in f"{found} {found!r} {found.smtp_url} {found.smtp_url!r}"
    with pytest.raises(AttributeError, match="never changed: workers"):
        found.workers = 3  # type: ignore[misc]
    assert found.changed(workers=3).workers == 3
    assert found.workers == 2
    with pytest.raises(TypeError, match="no setting 'wokers'"):
        load_settings(wokers=3)
