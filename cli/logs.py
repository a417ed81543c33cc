"""Where log lines go: JSON lines with run and source ids into a file under the home folder, warnings as one line on the terminal."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any


def set_up_logs(home: Path, *, verbose: bool = False) -> None:
    """Send the program's log to ``home/log/sholu.log``; where that cannot be written, only the terminal gets it."""
    import structlog

    from flows.logs import kept_lines

    def on_terminal(_logger: Any, _name: str, event: Any) -> str:
        return f"sholu: {event['event']}"  # one sentence; the details are in the file

    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    logger = logging.getLogger("sholu")
    logger.setLevel(logging.INFO)
    logger.handlers.clear()
    logger.propagate = False
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if verbose else logging.ERROR)
    terminal.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[strip, on_terminal]))
    logger.addHandler(terminal)
    kept = kept_lines(home)
    if kept is not None:
        logger.addHandler(kept)
