"""A desk on loopback and headless Chromium before it, for the browser's tests and the pictures in docs; no tests here."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

# Debian's Chromium in a container: no sandbox, no graphics card, and none of the connections it makes by itself.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--metrics-recording-only",
)  # fmt: skip


def chromium_path() -> str | None:
    """Where Chromium is on this machine; SHOLU_CHROMIUM names another."""
    named = os.environ.get("SHOLU_CHROMIUM", "")
    found = [named] if named else [shutil.which(name) or "" for name in ("chromium", "chromium-browser", "google-chrome")]
    return next((path for path in found if path and Path(path).exists()), None)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The app on a free port of loopback, until the block ends."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [held]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        held.close()


@contextmanager
def chromium(playwright: Any) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(ARGUMENTS))
    try:
        yield browser
    finally:
        browser.close()
