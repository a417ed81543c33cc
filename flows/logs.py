"""The program's log as JSON lines with run, source and item ids, kept under the home folder by commands and flow runs alike."""

from __future__ import annotations

import json
import logging
import logging.handlers
import traceback
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

LINES_A_LOOK = 100
FAULTS_KNOWN = 1_000  # kinds of faults of all runs of a process; with more of them, some are told in full again
LOG_BYTES, LOG_FILES = 10_000_000, 5  # a month of a hundred sources


_WRITTEN = json.JSONEncoder(ensure_ascii=False, default=str)

# What every record of the standard library carries; anything else was given by whoever wrote the line (run, source, item).
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLine(logging.Formatter):
    """A record as one line of JSON. Ours, not structlog's: its import and its processors cost a tenth of a poll of 1,000 feeds."""

    def format(self, record: logging.LogRecord) -> str:
        line = {name: value for name, value in vars(record).items() if name not in _USUAL}
        line |= {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # One hostile title must not cost the line: what no file takes is escaped, what no JSON knows is shown as text.
        return _WRITTEN.encode(line).encode("utf-8", "backslashreplace").decode()


class KeptLines(logging.handlers.RotatingFileHandler):
    """Looks at the size of the file once in a hundred lines: for every line that means to write it twice, and to ask the system three
    times."""

    _said = 0

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802  # the standard library's name
        self._said += 1
        return self._said % LINES_A_LOOK == 1 and bool(super().shouldRollover(record))


class TracebackOnce(logging.Filter):
    """A fault of ours that a thousand pages meet is told a thousand times, but with its traceback only the first time in a run.

    The same fault is one of the same type, raised at the same line; a later line of it says how often it came.
    """

    def __init__(self) -> None:
        super().__init__()
        self._met: Counter[tuple[object, ...]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and (error := record.exc_info[1]) is not None:
            last = next(iter(reversed(traceback.extract_tb(error.__traceback__, limit=-1))), None)
            fault = (getattr(record, "run", None), type(error), *((last.filename, last.lineno) if last else ()))
            if len(self._met) > FAULTS_KNOWN:
                self._met.clear()
            self._met[fault] += 1
            if self._met[fault] > 1:
                record.msg = f"{record.getMessage()} (the same fault again, {self._met[fault]} times so far; its traceback stands where it came first)"
                record.args, record.exc_info, record.exc_text = None, None, None
        return True


TRACEBACK_ONCE = TracebackOnce()
"""For the loggers under which faults are told, ``log.addFilter(TRACEBACK_ONCE)``: whoever listens to them gets it once."""


def kept_lines(home: Path) -> logging.Handler | None:
    """A handler that writes to ``home/log/sholu.log``; None where that cannot be written."""
    path = home / "log" / "sholu.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = KeptLines(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
    except OSError:
        return None
    kept.setFormatter(JsonLine())
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
