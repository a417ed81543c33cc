"""What the log says of faults of our own: everything once in full, and every time in a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.logs import TracebackOnce, kept_lines


def broken() -> None:
    raise RuntimeError("no bridge")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logging.Logger]:
    made = logging.Logger("sholu.test")  # noqa: LOG001  # no other test hears of it
    kept = kept_lines(tmp_path)
    assert kept is not None
    made.addHandler(kept)
    made.addFilter(TracebackOnce())
    yield made
    kept.close()


def lines(tmp_path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (tmp_path / "log" / "sholu.log").read_text(encoding="utf-8").splitlines()]


def test_a_fault_that_every_page_meets_has_its_traceback_once_in_a_run(log: logging.Logger, tmp_path: Path) -> None:
    for run in (7, 8):
        for page in ("a", "b", "c"):
            try:
                broken()
            except RuntimeError:
                log.exception("%s: failed", page, extra={"run": run, "source": page})
    told = lines(tmp_path)
    assert [("exception" in line, line["run"], line["source"]) for line in told] == [
        (page == "a", run, page) for run in (7, 8) for page in ("a", "b", "c")
    ]
    assert "raise RuntimeError" in told[0]["exception"]
    assert told[2]["event"].startswith("c: failed (the same fault again, 3 times so far")


def test_other_faults_and_lines_without_one_are_told_in_full(log: logging.Logger, tmp_path: Path) -> None:
    for fault in (lambda: 1 / 0, lambda: {}["x"], broken):
        try:
            fault()  # type: ignore[no-untyped-call]
        except Exception:
            log.exception("failed")
    log.warning("100%% of %s", "it")
    told = lines(tmp_path)
    assert ["exception" in line for line in told[:3]] == [True, True, True]
    assert told[3]["event"] == "100% of it"
