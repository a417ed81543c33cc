"""A desk over a store that holds our small press, a fixed clock that can be moved, and browsers (test clients) for each person."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from pydantic import SecretStr

from domain.settings import Settings
from review.app import create_app
from review.settings import DeskSettings
from storage.store import Store, open_store
from tests.review import press as our_press
from tests.storage.conftest import postgres_folder, postgres_template

__all__ = ["both", "postgres_folder", "postgres_template"]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for a successor of httpx that is not yet what the other tools here use
    from starlette.testclient import TestClient

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
# For tests in which it matters what the database makes of it; without this mark a test runs on SQLite alone.
both = pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Person:
    """Somebody at a browser without JavaScript: pages, and forms sent with the page's token."""

    def __init__(self, app: FastAPI, **headers: str) -> None:
        self.browser = TestClient(app, base_url="http://localhost", headers=headers, follow_redirects=False)

    def get(self, path: str, **given: Any) -> Any:
        return self.browser.get(path, **given)

    def see(self, path: str) -> str:
        """A page that must be there."""
        answer = self.browser.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        text: str = answer.text
        return text

    def token(self, path: str = "/") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.browser.get(path).text)
        assert found, f"no token on {path}"
        return found.group(1)

    def send(
        self, path: str, *, page: str = "/", token: str | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> Any:
        data = {"csrf": self.token(page) if token is None else token, **fields}
        return self.browser.post(path, data=data, headers=headers)

    def decide(self, item: int | list[int], decision: str, **fields: Any) -> Any:
        return self.send("/decide", item=item, decision=decision, **fields)

    def log_in(self, name: str, password: str) -> Any:
        return self.send("/login", page="/login", name=name, password=password, next="/")


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real argon2 with small parameters: the true ones take 64 MiB and a tenth of a second each time, on purpose."""
    monkeypatch.setattr("review.people.hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def rulebook() -> Any:
    """The real rulebook; compiled once on a machine, kept under the hash of its files."""
    return our_press.load_rules(Path(tempfile.gettempdir()) / "sholu-tests-rules")


def print_press(address: str, rulebook: Any) -> None:
    """Three days of our press into the database at an address."""
    store = open_store(address)
    our_press.load_press(store, NOW, rulebook, repeat=3)
    with store.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
    store.close()


@pytest.fixture(scope="session")
def press(tmp_path_factory: pytest.TempPathFactory, rulebook: Any) -> Path:
    """A database with three days of our press in it, to be copied."""
    path = tmp_path_factory.mktemp("press") / "sholu.db"
    print_press(f"sqlite:///{path}", rulebook)
    return path


@pytest.fixture(scope="session")
def postgres_press(postgres_template: Callable[..., str], rulebook: Any) -> str:
    """The same on PostgreSQL."""
    address = postgres_template()
    print_press(address, rulebook)
    return address


@pytest.fixture
def home(tmp_path: Path, press: Path) -> Path:
    for part in press.parent.glob("sholu.db*"):
        shutil.copy(part, tmp_path / part.name)
    return tmp_path


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The address of a database with the press in it; on which of the two is for the mark ``both`` to say."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{request.getfixturevalue('home') / 'sholu.db'}"
    made: str = request.getfixturevalue("postgres_template")(request.getfixturevalue("postgres_press"))
    return made


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = open_store(database, wait=2.0)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_desk(store: Store, database: str, tmp_path: Path, clock: Clock, rulebook: Any) -> Callable[..., FastAPI]:
    """An app over the store with some settings of the desk."""

    def made(**own: Any) -> FastAPI:
        settings = Settings(home=tmp_path, database_url=SecretStr(database))
        app = create_app(store, settings, lambda: rulebook, own=DeskSettings(_env_file=None, **own), clock=clock)
        app.state.desk.names.ready()
        return app

    return made


@pytest.fixture
def desk(make_desk: Callable[..., FastAPI]) -> FastAPI:
    return make_desk(second_share=1.0)


@pytest.fixture
def person(desk: FastAPI) -> Person:
    """The one local user."""
    return Person(desk)


@pytest.fixture
def anna_and_bolat(desk: FastAPI, store: Store, clock: Clock) -> tuple[Person, Person]:
    """Two reviewers with passwords, both logged in."""
    from review.people import add_user

    add_user(store, "Anna", "a long password", "admin", now=clock())
    add_user(store, "Bolat", "another password", "reviewer", now=clock())
    anna, bolat = Person(desk), Person(desk)
    assert anna.log_in("Anna", "a long password").status_code == 303
    assert bolat.log_in("Bolat", "another password").status_code == 303
    return anna, bolat
