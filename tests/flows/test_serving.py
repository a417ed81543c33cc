"""`sholu serve` as its users start it: one command brings everything up, keeps it alive, refuses a second one, and ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.prefect_service import HOUSE, Service, a_press, a_quiet_service, free_port, stop, until

pytestmark = [pytest.mark.prefect, pytest.mark.slow]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "cli.main", "serve", "--no-desk", *map(str, words)]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with a_press(tmp_path) as press:
        yield a_quiet_service(tmp_path, press, free_port())


def processes_of(service: Service) -> dict[int, str]:
    """Processes of this home folder, by what they run."""
    mark = f"SHOLU_HOME={service.settings.home}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes as Linux shows them")
def test_everything_is_brought_up_kept_alive_and_taken_down(service: Service) -> None:
    said = service.home / "said"
    sink = said.open("wb")
    serve = subprocess.Popen(
        command("--prefect-port", service.port),
        env=service.environment,
        cwd=HOUSE,
        stdout=sink,
        stderr=sink,
        start_new_session=True,
    )
    sink.close()
    try:
        until(lambda: "Schedules are active" in said.read_text() or serve.poll() is not None, "everything is up")
        second = subprocess.run(
            command("--prefect-port", free_port()),
            env=service.environment, cwd=HOUSE, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert second.returncode != 0
        assert f"running for {service.settings.home} already (process {serve.pid})" in " ".join(second.stderr.split())
        service.registered()
        (server,) = (pid for pid, words in processes_of(service).items() if "prefect server start" in words)
        os.kill(server, signal.SIGKILL)
        until(lambda: "prefect works again." in said.read_text(), "the server is back")
        run = service.ended(service.start("collect/every-15-minutes", sources=["one"]))
        assert run["state_name"] == "Completed", run["state"]
        serve.send_signal(signal.SIGINT)
        assert serve.wait(120) == 0, said.read_text()
        assert processes_of(service) == {}
    finally:
        stop(serve, signal.SIGKILL)
        for pid in processes_of(service):
            os.kill(pid, signal.SIGKILL)
