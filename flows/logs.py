"""The program's log as JSON lines with run, source and item ids, kept under the home folder by commands and flow runs alike."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import Any

LOG_BYTES, LOG_FILES = 10_000_000, 5  # a month of a hundred sources


def kept_lines(home: Path) -> logging.Handler | None:
    """A handler that writes to ``home/log/sholu.log``; None where that cannot be written."""
    import structlog

    base: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    lines = structlog.processors.JSONRenderer(ensure_ascii=False)
    as_json = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=base, processors=[strip, structlog.processors.format_exc_info, lines]
    )
    path = home / "log" / "sholu.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
    except OSError:
        return None
    kept.setFormatter(as_json)
    return kept


def keep_lines(home: Path) -> None:
    """Have the lines of this process kept as well, once, beside whatever else listens to them."""
    logger = logging.getLogger("sholu")
    logger.setLevel(logging.INFO)  # Prefect hands "extra loggers" its handler, but leaves their level at WARNING
    if any(isinstance(handler, logging.handlers.RotatingFileHandler) for handler in logger.handlers):
        return
    kept = kept_lines(home)
    if kept is not None:
        logger.addHandler(kept)
