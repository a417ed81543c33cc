"""What the desk refuses: strangers, forged forms, strange hosts, script in every field, guessing passwords."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from domain.errors import ConfigError
from domain.values import BodyFrom, DateFrom, Document, Entry, Flagging, Part, Ruling, Span
from review.people import add_user, hash_password
from review.serve import must_be_safe
from review.sessions import COOKIE, Sealer, Session, load_secret
from review.settings import DeskSettings
from storage import users
from storage.entries import Body, take_entries
from storage.items import save_results
from storage.results import Read
from storage.runs import begin_run
from storage.sources import PollState
from storage.store import Store
from tests.review.conftest import NOW, Clock, Person, both

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202egpj.exe\u2066{{7*7}}\x1b[31m'


@pytest.fixture
def hostile_item(store: Store) -> int:
    """An item with an attack in every field."""
    run = begin_run(store, kind="collect", now=NOW, parameters={})
    entry = Entry("dala", "evil", "javascript:alert(3)", ATTACK, ATTACK, ATTACK)
    pending = take_entries(store, run, [Body("dala", [entry], PollState("dala"))], now=NOW)[0].pending[0]
    text = f"{ATTACK}\nA rally {ATTACK}"
    document = Document("javascript:alert(3)//", ATTACK, text, "ru", NOW, DateFrom.FEED, (ATTACK,), ATTACK, BodyFrom.PAGE)
    start = text.index("rally")
    span = Span("text", start, start + 5, "rally", ATTACK, ATTACK, ATTACK, 7.0, ATTACK, ATTACK)
    ruling = Ruling(ATTACK, ATTACK, 7.0, 6.0, (Part(ATTACK, 7.0, (0,), ATTACK),))
    flagging = Flagging(7.0, 6.0, True, False, (ATTACK,), (ATTACK,), (ATTACK,), ("KZ-75",), (span,), (ruling,), ATTACK)
    save_results(store, run, [Read(pending, "evil", document, flagging)], now=NOW)
    with store.read() as connection:
        return int(connection.exec_driver_sql("SELECT max(id) FROM items").scalar_one())


PAGES = (
    "/",
    "/?queue=all&q=rally",
    "/item/{id}",
    "/item/{id}/diff?before=1&after=1",
    "/rules",
    "/pictures",
    "/sources",
    "/people",
    "/second",
    "/blind",
)


@both
@pytest.mark.parametrize("path", PAGES)
def test_script_in_every_field_is_only_text(person: Person, hostile_item: int, path: str) -> None:
    page = person.see(path.replace("{id}", str(hostile_item)))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    assert "49" not in re.findall(r"gpj.exe.{0,3}(49)", page)
    assert "\u202e" not in page
    assert "\u2066" not in page
    assert "\x1b" not in page
    assert re.findall(r"<script(?! src=\"/static/)", page) == []
    assert " style=" not in page
    assert re.findall(r" on[a-z]+=\"", page) == []


@both
def test_a_title_of_a_megabyte_is_shown_by_its_beginning(person: Person, store: Store) -> None:
    run = begin_run(store, kind="collect", now=NOW, parameters={})
    title = "Митинг " * 150_000
    pending = take_entries(
        store, run, [Body("dala", [Entry("dala", "long", "https://dala.example/long", "", title)], PollState("dala"))], now=NOW
    )[0].pending[0]
    document = Document(
        "https://dala.example/long", title, "слово " * 200_000, "ru", NOW, DateFrom.FEED, (), "own", BodyFrom.PAGE
    )
    flagging = Flagging(7.0, 6.0, True, False, (), (), (), (), (), (), "1")
    save_results(store, run, [Read(pending, "long", document, flagging)], now=NOW)
    assert len(person.see("/")) < 300_000
    with store.read() as connection:
        item = connection.exec_driver_sql("SELECT max(id) FROM items").scalar_one()
    page = person.see(f"/item/{item}")
    assert "more characters are not shown" in page
    assert len(page) < 600_000


@pytest.mark.parametrize(
    "path", ["/", "/item/1", "/static/desk.css", "/nothing", "/login", "/export.csv", "/capture/1/body", "/api/v1/items"]
)
def test_every_answer_forbids_what_we_do_not_use(person: Person, path: str) -> None:
    headers = person.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_capture_is_only_ever_downloaded(person: Person) -> None:
    answer = person.get("/capture/1/body")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.content.startswith(b"<html>")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1].evil.example"])
def test_a_strange_name_is_not_answered(desk: FastAPI, host: str) -> None:
    answer = Person(desk).get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "SHOLU_DESK_HOSTS" in answer.text


@pytest.mark.parametrize("host", ["localhost:8710", "127.0.0.1", "[::1]:8710", "192.0.2.1:80"])
def test_an_address_or_localhost_is_answered(desk: FastAPI, host: str) -> None:
    assert Person(desk).get("/", headers={"host": host}).status_code == 200


def test_a_name_that_was_set_is_answered(make_desk: Callable[..., FastAPI]) -> None:
    assert Person(make_desk(hosts="desk.example.org")).get("/", headers={"host": "Desk.example.org:443"}).status_code == 200


@both
@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_the_right_token_changes_nothing(person: Person, store: Store, token: str) -> None:
    person.see("/")
    answer = person.send("/decide", token=token, item=1, decision="relevant")
    assert answer.status_code == 403
    assert users.read_audit(store) == []


def test_another_persons_token_is_no_good(anna_and_bolat: tuple[Person, Person]) -> None:
    anna, bolat = anna_and_bolat
    assert anna.send("/decide", token=bolat.token(), item=1, decision="relevant").status_code == 403


def test_a_form_sent_from_another_site_is_refused_even_with_a_token(person: Person) -> None:
    answer = person.send("/decide", headers={"sec-fetch-site": "cross-site"}, item=1, decision="relevant")
    assert answer.status_code == 403


def test_a_body_too_large_is_refused(person: Person) -> None:
    assert person.browser.post("/try", data={"csrf": "x", "pasted": "x" * 2_100_000}).status_code == 413


PROTECTED = [
    "/",
    "/item/1",
    "/pictures",
    "/rules",
    "/sources",
    "/second",
    "/blind",
    "/try",
    "/people",
    "/capture/1/body",
    "/pictures/days.svg",
]


@pytest.mark.parametrize("path", PROTECTED)
def test_from_the_first_account_on_a_stranger_sees_only_the_login(
    anna_and_bolat: tuple[Person, Person], desk: FastAPI, path: str
) -> None:
    answer = Person(desk).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize("path", ["/api/v1/items", "/export.csv", "/export.atom", "/export/training.jsonl", "/api/openapi.json"])
def test_programs_are_asked_for_a_password(anna_and_bolat: tuple[Person, Person], desk: FastAPI, path: str) -> None:
    stranger = Person(desk)
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    right = base64.b64encode(b"Bolat:another password").decode()
    wrong = base64.b64encode(b"Bolat:guess").decode()
    assert stranger.get(path, headers={"authorization": f"Basic {right}"}).status_code == 200
    assert stranger.get(path, headers={"authorization": f"Basic {wrong}"}).status_code == 401


@both
def test_roles_reach_as_far_as_they_should(anna_and_bolat: tuple[Person, Person], desk: FastAPI, store: Store) -> None:
    anna, bolat = anna_and_bolat
    add_user(store, "Reader", "only reading here", "reader", now=NOW)
    reader = Person(desk)
    reader.log_in("Reader", "only reading here")
    assert reader.get("/").status_code == 200
    assert "Relevant<kbd>" not in reader.get("/").text
    assert reader.decide(1, "relevant").status_code == 403
    assert reader.get("/try").status_code == 403
    assert bolat.get("/people").status_code == 403
    assert anna.get("/people").status_code == 200


@both
def test_passwords_cannot_be_guessed_for_long(anna_and_bolat: tuple[Person, Person], desk: FastAPI, clock: Clock) -> None:
    guesser = Person(desk)
    answers = [guesser.log_in("Anna", f"guess {number}").status_code for number in range(11)]
    assert answers == [403] * 10 + [429]
    assert guesser.log_in("Anna", "a long password").status_code == 429  # even the right one, for a while
    clock.pass_by(16 * 60)
    assert guesser.log_in("Anna", "a long password").status_code == 303


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(anna_and_bolat: tuple[Person, Person], desk: FastAPI) -> None:
    def told(name: str) -> str:
        page = Person(desk).log_in(name, "no password of theirs").text
        return re.sub(r"[0-9a-f]{64}|value=\"\w*\"", "", page)

    assert told("Anna") == told("Nobody")


@both
def test_a_session_ends_with_logout_with_time_and_with_a_new_password(
    anna_and_bolat: tuple[Person, Person], store: Store, clock: Clock, desk: FastAPI
) -> None:
    anna, bolat = anna_and_bolat
    cookie = anna.browser.cookies[COOKIE]
    anna.send("/logout")
    stolen = Person(desk)
    stolen.browser.cookies.set(COOKIE, cookie)
    assert stolen.get("/").status_code == 303
    users.change_user(store, "Bolat", now=clock(), by="Anna", password_hash=hash_password("yet another one"))
    assert bolat.get("/").status_code == 303
    bolat.log_in("Bolat", "yet another one")
    assert bolat.get("/").status_code == 200
    clock.pass_by(13 * 3600)
    assert bolat.get("/").status_code == 303


def test_a_forged_cookie_is_nobody(anna_and_bolat: tuple[Person, Person], desk: FastAPI) -> None:
    forger = Person(desk)
    forger.browser.cookies.set(COOKIE, Sealer("guessed secret of mine", 12).seal(Session("x", "Anna", "")))
    assert forger.get("/").status_code == 303


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(make_desk: Callable[..., FastAPI]) -> None:
    plain = Person(make_desk()).get("/").headers["set-cookie"].lower()
    assert "httponly" in plain
    assert "samesite=lax" in plain
    assert "; secure" in Person(make_desk(https=True)).get("/").headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/ok\r\nX: y"]
)
def test_after_the_login_nobody_is_sent_elsewhere(anna_and_bolat: tuple[Person, Person], desk: FastAPI, where: str) -> None:
    person = Person(desk)
    answer = person.send("/login", page="/login", name="Anna", password="a long password", next=where)
    assert answer.headers["location"] == "/"
    assert person.send("/undo", back=where).headers["location"] == "/"


def test_a_proxys_word_counts_only_from_the_proxy(make_desk: Callable[..., FastAPI], store: Store, clock: Clock) -> None:
    add_user(store, "Anna", "a long password", "admin", now=clock())
    given = {"proxy_header": "X-Remote-User", "proxy_addresses": "10.1.0.0/16"}
    app = make_desk(**given)
    from tests.review.conftest import TestClient

    inside = TestClient(app, base_url="http://localhost", client=("10.1.2.3", 1), follow_redirects=False)
    outside = TestClient(app, base_url="http://localhost", client=("192.0.2.9", 1), follow_redirects=False)
    assert inside.get("/people", headers={"X-Remote-User": "Anna"}).status_code == 200
    assert inside.get("/people", headers={"X-Remote-User": "Guest"}).status_code == 403
    assert inside.get("/", headers={"X-Remote-User": "Guest"}).status_code == 200
    assert inside.get("/").status_code == 303
    assert outside.get("/", headers={"X-Remote-User": "Anna"}).status_code == 303


def test_the_desk_refuses_to_stand_open_to_a_network(store: Store, clock: Clock) -> None:
    own = DeskSettings(_env_file=None)
    must_be_safe(store, own, "127.0.0.1")
    must_be_safe(store, own, "::1")
    with pytest.raises(ConfigError, match="add an administrator first"):
        must_be_safe(store, own, "0.0.0.0")
    for given in ({"hosts": "desk.example.org"}, {"proxy_addresses": "127.0.0.1/32"}):
        behind = DeskSettings(_env_file=None, **given)  # type: ignore[call-arg]  # not a setting: type checkers see only those
        with pytest.raises(ConfigError, match="everybody who comes through the proxy"):
            must_be_safe(store, behind, "127.0.0.1")
    add_user(store, "Anna", "a long password", "admin", now=clock())
    must_be_safe(store, own, "0.0.0.0")


@both
def test_the_first_account_is_an_administrator_and_the_last_one_stays(
    anna_and_bolat: tuple[Person, Person], store: Store
) -> None:
    anna, _ = anna_and_bolat
    answer = anna.send("/people", page="/people", act="change", name="Anna", role="reader", active="1")
    assert answer.status_code == 422
    assert "only administrator" in answer.text
    assert (
        anna.send("/people", page="/people", act="add", name="anna", password="long enough here", role="reader").status_code
        == 422
    )
    assert anna.send("/people", page="/people", act="add", name="Dana", password="short", role="reader").status_code == 422
    assert (
        anna.send("/people", page="/people", act="add", name="Dana", password="long enough here", role="reviewer").status_code
        == 303
    )


def test_a_first_account_that_is_no_administrator_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="must be an administrator"):
        add_user(store, "Bolat", "another password", "reviewer", now=NOW)


@both
def test_the_audit_log_tells_of_logins_exports_and_decisions(
    anna_and_bolat: tuple[Person, Person], store: Store, desk: FastAPI
) -> None:
    anna, _ = anna_and_bolat
    Person(desk).log_in("Anna", "wrong")
    anna.decide(1, "relevant")
    anna.send("/undo")
    anna.get("/export.csv?theme=protest")
    anna.get("/capture/1/body")
    anna.send("/logout")
    told = [(trace.who, trace.what) for trace in users.read_audit(store)]
    for what in ("login", "login-refused", "decide", "undo", "export", "download", "logout"):
        assert ("Anna", what) in told
    export = next(trace for trace in users.read_audit(store) if trace.what == "export")
    assert export.detail == {"filter": "theme=protest"}


def test_the_secret_is_made_once_and_readable_by_us_only(tmp_path: Path) -> None:
    own = DeskSettings(_env_file=None)
    first = load_secret(own, tmp_path)
    assert len(first) >= 48
    assert load_secret(own, tmp_path) == first
    assert (tmp_path / "desk.key").stat().st_mode & 0o077 == 0


def test_a_header_without_known_proxies_is_a_mistake_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from review.settings import load_desk_settings

    monkeypatch.setenv("SHOLU_DESK_PROXY_HEADER", "X-Remote-User")
    with pytest.raises(ConfigError, match="SHOLU_DESK_PROXY_ADDRESSES"):
        load_desk_settings()


def test_a_fault_of_ours_tells_no_secrets(desk: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("password=hunter2")

    from tests.review.conftest import TestClient

    monkeypatch.setattr("review.pages.health.source_rows", broken)
    answer = TestClient(desk, base_url="http://localhost", raise_server_exceptions=False).get("/sources")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "fault of the desk" in answer.text
