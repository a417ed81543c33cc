"""What fuzzing has ever found stays fixed; and, where atheris can be had, each reader is fuzzed again for a short while."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import HOUSE
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
# A free run is asked for (SHOLU_FUZZ_SECONDS=20): what it finds by chance is a bug to mend, and no reason why another change may not land.
SECONDS = int(os.environ.get("SHOLU_FUZZ_SECONDS", "0"))
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("reader", TARGETS)
def test_every_reader_keeps_its_promises_on_the_whole_corpus(reader: str) -> None:
    files = [path for path in FILES if path.parent.name == reader]
    assert files, "a reader without seeds"
    for path in files:
        try:
            TARGETS[reader](path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path.relative_to(CORPUS)} breaks a promise: {type(error).__name__}: {error}") from error


@pytest.mark.slow
@pytest.mark.parametrize("reader", TARGETS)
def test_a_short_run_of_the_fuzzer_finds_nothing(reader: str) -> None:
    if not SECONDS:
        pytest.skip("a free run is asked for by SHOLU_FUZZ_SECONDS=20; the corpus is read in every run")
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed (it has no wheel for this Python or system)")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", reader, "--seconds", str(SECONDS)],
        cwd=HOUSE, capture_output=True, text=True, timeout=SECONDS * 6 + 120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-1_000:]}\n{done.stderr[-3_000:]}"
    assert "stat::number_of_executed_units" in done.stderr
