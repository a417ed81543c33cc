"""Where log lines go: JSON lines with run and source ids into a file under the home folder, warnings as one line on the terminal."""

from __future__ import annotations

import logging
import sys
from pathlib import Path


class OneSentence(logging.Formatter):
    """A record as one sentence, without its traceback: the details are in the file."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        return self.formatMessage(record)


def set_up_logs(home: Path, *, verbose: bool = False) -> None:
    """Send the program's log to ``home/log/sholu.log``; where that cannot be written, only the terminal gets it."""
    from flows.logs import kept_lines

    logger = logging.getLogger("sholu")
    logger.setLevel(logging.INFO)
    logger.handlers.clear()
    logger.propagate = False
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if verbose else logging.ERROR)
    terminal.setFormatter(OneSentence("sholu: %(message)s"))
    logger.addHandler(terminal)
    kept = kept_lines(home)
    if kept is not None:
        logger.addHandler(kept)
