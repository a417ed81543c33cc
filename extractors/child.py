"""The inside of a parsing child process: reads calls from its standard input, answers on its standard output, and nothing else.

Started by ``pool`` only. It opens no socket and, after warming up, no file but the modules of trafilatura and htmldate,
imported by the first page that needs them; it dies with its parent, even one killed outright.
"""

from __future__ import annotations

import contextlib
import copyreg
import ctypes
import gc
import importlib
import os
import pickle
import resource
import signal
import struct
import sys
from enum import Enum
from pathlib import Path
from types import ModuleType

LENGTH = struct.Struct(">Q")
_PR_SET_PDEATHSIG = 1

# It says its date: else htmldate is asked for one, whose import (urllib3 among it) is a quarter of starting and not needed for every child.
_WARMING_PAGE = (
    b"<html lang='ru'><head><title>x</title><meta property='article:published_time' content='2019-12-31T10:00:00Z'></head><body><article><h1>x</h1>"
    + b"<p>Warm, with a comma, and enough of a sentence to be taken for text.</p>" * 4
    + b"</article></body></html>"
)


def main(parent: int, memory: int) -> None:
    """Serve calls until the parent closes the pipe; ``memory`` is how far the address space may grow beyond the warm state."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides when we end
    _die_with(parent)
    calls, answers = os.fdopen(0, "rb", buffering=1 << 16), os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # a library that prints must not write into the answers
    _warm_up()
    _limit(memory)
    answers.write(LENGTH.pack(0))  # ready
    answers.flush()
    while header := calls.read(LENGTH.size):
        (size,) = LENGTH.unpack(header)
        answer = _answer(calls.read(size))
        answers.write(LENGTH.pack(len(answer)))
        answers.write(answer)
        answers.flush()
        del answer


def _answer(call: bytes) -> bytes:
    """The outcome of one call: ("ok", value), ("read", url, reason, kind), ("memory",) or ("defect", what)."""
    from domain.errors import ReadError

    try:
        module, name, args, kwargs = pickle.loads(call)  # noqa: S301  # comes from the parent, over our own pipe
        return pickle.dumps(("ok", getattr(importlib.import_module(module), name)(*args, **kwargs)), protocol=5)
    except ReadError as error:
        return pickle.dumps(("read", error.url, error.reason, error.kind))
    except MemoryError:
        return pickle.dumps(("memory",))
    except Exception as error:  # noqa: BLE001  # whatever a parser throws on hostile input costs this one call
        if type(error).__name__ == "XPathEvalError" and str(error) in ("unknown error", "Memory allocation failed"):
            return pickle.dumps(("memory",))  # libxml2 says no more than that where it was refused memory inside an expression
        return pickle.dumps(("defect", f"{type(error).__name__}: {str(error)[:200]}"))


def _die_with(parent: int) -> None:
    """Ask Linux to kill us when the parent dies; elsewhere the closed pipe ends us as soon as a call is done."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)  # it died before we asked


def _warm_up() -> None:
    """Load the parsers and let them compile what they compile on first use, so that no page pays for it."""
    import logging
    from datetime import UTC, datetime

    logging.disable(logging.CRITICAL)  # trafilatura logs every page it finds odd; the outcome says it
    from domain import values
    from domain.errors import ReadError
    from domain.values import Entry
    from extractors.feeds import read_feed
    from extractors.pages import read_page

    pack_enumerations_by_value(values)
    now = datetime(2020, 1, 1, tzinfo=UTC)
    feed = b"<rss version='2.0'><channel><title>x</title><item><title>x</title><link>http://example.org/x</link></item></channel></rss>"
    with contextlib.suppress(ReadError):
        (entry,) = read_feed(feed, url="http://example.org/", source_id="x", now=now).entries
        read_page(_WARMING_PAGE, url="http://example.org/x", entry=entry, now=now)
        read_page(_WARMING_PAGE, url="http://example.org/x", entry=Entry("x", "x", "", "", ""), now=now)
    gc.collect()
    gc.freeze()  # what is loaded stays: no use in walking it at every collection


def pack_enumerations_by_value(module: ModuleType) -> None:
    """Have members travel as their class and value: Python 3.11.2 (Debian 12's) packs a call of getattr, which the parent refuses."""
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, Enum):
            copyreg.pickle(kind, _by_value)


def _by_value(member: Enum) -> tuple[type[Enum], tuple[object]]:
    return type(member), (member.value,)


def _limit(memory: int) -> None:
    """Cap the address space at its present size and ``memory`` more; only Linux tells the size and keeps the cap."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        most = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
