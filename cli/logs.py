"""Where log lines go: JSON lines with run and source ids into a file under the home folder, warnings as one line on the terminal."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any

LOG_BYTES, LOG_FILES = 10_000_000, 5  # a month of a hundred sources


def set_up_logs(home: Path, *, verbose: bool = False) -> None:
    """Send the program's log to ``home/log/sholu.log``; where that cannot be written, only the terminal gets it."""
    import structlog

    def on_terminal(_logger: Any, _name: str, event: Any) -> str:
        return f"sholu: {event['event']}"  # one sentence; the details are in the file

    base: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    as_json = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=base,
        processors=[strip, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)],
    )
    logger = logging.getLogger("sholu")
    logger.setLevel(logging.INFO)
    logger.handlers.clear()
    logger.propagate = False
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if verbose else logging.ERROR)
    terminal.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[strip, on_terminal]))
    logger.addHandler(terminal)
    try:
        (home / "log").mkdir(parents=True, exist_ok=True)
        kept = logging.handlers.RotatingFileHandler(
            home / "log" / "sholu.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True
        )
    except OSError:
        return
    kept.setFormatter(as_json)
    logger.addHandler(kept)
