"""How the C library keeps memory for a process of many threads; decides nothing about what is kept in it."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_ARENAS, _TRIM = -8, -1  # M_ARENA_MAX and M_TRIM_THRESHOLD of glibc's malloc.h


def give_back_memory() -> None:
    """Two heaps in place of one a thread, and freed pages back to the system at once (glibc only; elsewhere nothing happens).

    Bodies of megabytes pass from thread to thread; with a heap for each a run of hostile feeds kept 90 MB more (286 MB for 192).
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_ARENAS, 2)
            library.mallopt(_TRIM, 1_000_000)
