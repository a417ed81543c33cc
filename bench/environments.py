"""Environments of the peers: made on demand from the locks in ``bench/peers``, under ``bench/out/env``; ours is never touched."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / "out" / "env"
INSTALL_WITHIN = 300.0  # seconds


def python_of(peer: str) -> Path | str:
    """The interpreter of a peer's environment, or a sentence saying why there is none (the registry is away, no wheel)."""
    lock = HERE / "peers" / f"{peer}.txt"
    mark = hashlib.sha256(lock.read_bytes()).hexdigest()
    folder = PLACE / peer
    python, done = folder / "bin" / "python", folder / "installed"
    if done.exists() and done.read_text(encoding="utf-8") == mark:
        return python
    try:
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True, timeout=INSTALL_WITHIN
        )
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(lock),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_WITHIN)
    except subprocess.TimeoutExpired:
        return f"could not be installed within {INSTALL_WITHIN:.0f} s"
    except subprocess.CalledProcessError as error:
        last = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return f"could not be installed: {last[-1][:120] if last else 'no reason was given'}"
    done.write_text(mark, encoding="utf-8")
    return python
