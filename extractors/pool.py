"""Child processes that parse what strangers sent, each with a limit of time and memory; a crash or a hang costs one call.

Processes, not threads: trafilatura has crashed the interpreter when run in threads (its issue 925), and a hang in C code can
only be ended by ending its process. Started fresh (no fork): nothing of the parent's event loop, sockets or database leaks in.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
import pickle
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from domain import values
from domain.errors import ReadError
from extractors.child import LENGTH
from extractors.meter import Meter

P = ParamSpec("P")
R = TypeVar("R")

LARGE = 400_000  # bytes of a body; of 301 real pages 16 are larger
MANY_TAGS = 10_000  # "<" in a body: a tree takes memory by its nodes, not its bytes; of 181 real pages the longest has 3,229
GROWN = 40_000_000  # bytes beyond its warm state after which a child is replaced: what one large body took is not kept for good
CALLS_A_CHILD = 2_000  # then it is replaced: lxml's and trafilatura's caches must not grow for ever
_LARGEST_ANSWER = 64_000_000  # bytes; an answer is an article or a feed's entries
_START_SECONDS = 60.0  # a child imports and warms up for half a second on an idle machine
_PIPE = 1 << 20  # bytes a pipe to a child holds: a page at one go, where the usual 64 KiB take as many turns of the loop
_PATIENCE = 2.0  # on a busy machine a call may take this many times its limit in wall time before it is ended

# What a child may hand back: our values and plain data. A parser taken over by a hostile page must not be able to make
# the parent run code through pickle.
_ALLOWED = {
    "domain.values": frozenset(
        name for name, kind in vars(values).items() if isinstance(kind, type) and kind.__module__ == values.__name__
    ),
    "datetime": frozenset({"datetime", "date", "timedelta", "timezone"}),
    "builtins": frozenset({"set", "frozenset", "complex", "bytearray"}),
    "copyreg": frozenset({"_reconstructor"}),
}


class ParserPool:
    """A pool of parsing children: ``async with ParserPool(2, 20.0, 150_000_000) as pool: await pool.run(read_feed, body, …)``.

    ``seconds`` is the limit of CPU time a call (wall time may be twice that), ``memory`` how many bytes a child may grow.
    Nothing starts before the first call. ``run`` raises what the function raised when that is a ReadError, and ReadError
    with kind timeout, memory or crash when the call had to be ended.
    """

    def __init__(self, workers: int = 2, seconds: float = 20.0, memory: int = 400_000_000) -> None:
        self.workers, self.seconds, self.memory = workers, seconds, memory
        self.started = 0  # children started so far; 0 proves that nothing was parsed
        self._idle: list[_Child] = []
        self._places = asyncio.Semaphore(workers)
        self._lane = asyncio.Semaphore(1)
        self._all: set[_Child] = set()

    async def __aenter__(self) -> ParserPool:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End all children; calls under way are lost."""
        children, self._all, self._idle = list(self._all), set(), []
        await asyncio.gather(*(child.end() for child in children))

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a module's function in a child; arguments and result are pickled, a keyword ``url`` names the body in errors."""
        return await self.metered(Meter(), function, *args, **kwargs)

    async def metered(self, meter: Meter, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As ``run``, with the time of the call (not that of waiting for a child) put on ``meter``, which also bounds it."""
        url = str(kwargs.get("url", ""))
        # Large bodies one at a time, however many children there are: each may take its whole allowance of memory.
        large = any(len(given) > LARGE or given.count(b"<") > MANY_TAGS for given in args if isinstance(given, bytes))
        async with self._lane if large else contextlib.nullcontext(), self._places:
            # Not before its turn: what waits must not lie in memory twice.
            call = pickle.dumps((function.__module__, function.__qualname__, args, kwargs), protocol=5)
            child = self._idle.pop() if self._idle else await self._start(url)
            answer: Any = None
            started = time.monotonic()
            try:
                answer = await self._ask(child, call, url, meter.at_most(self.seconds))
            finally:
                meter.add(time.monotonic() - started)
                if answer is None or answer[0] == "memory" or child.calls >= CALLS_A_CHILD or child.has_grown():
                    self._all.discard(child)
                    # Shielded: a cancelled run must not leave the process of its call behind.
                    await asyncio.shield(child.end(at_once=answer is None))
                else:
                    self._idle.append(child)
        if answer[0] == "ok":
            result: R = answer[1]
            return result
        if answer[0] == "read":
            raise ReadError(answer[1], answer[2], kind=answer[3])
        if answer[0] == "memory":
            raise ReadError(url, f"parsing needed more than {self.memory // 1_000_000} MB and was ended", kind="memory")
        raise ReadError(url, f"the parser failed on this ({answer[1]})", kind="crash")

    async def _start(self, url: str) -> _Child:
        child = _Child(await _spawn(self.memory))
        self.started += 1
        self._all.add(child)
        try:
            await asyncio.wait_for(child.ready(), _START_SECONDS)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            self._all.discard(child)
            await child.end(at_once=True)
            raise ReadError(url, "no parser could be started (is there memory left?)", kind="crash") from error
        except asyncio.CancelledError:
            self._all.discard(child)
            await asyncio.shield(child.end(at_once=True))
            raise
        return child

    async def _ask(self, child: _Child, call: bytes, url: str, seconds: float) -> Any:
        """The child's answer; raises ReadError (timeout, crash) where none comes."""
        reading = asyncio.ensure_future(child.exchange(call))
        try:
            started, before = time.monotonic(), child.cpu_seconds()
            pause = seconds
            while not (await asyncio.wait({reading}, timeout=pause))[0]:
                waited, used = time.monotonic() - started, child.cpu_seconds() - before
                if used >= 0.9 * seconds or used <= 0 or waited >= _PATIENCE * seconds:
                    raise ReadError(url, f"parsing took longer than {seconds:.3g} s and was ended", kind="timeout")
                pause = max(0.05, min(1.0, seconds - used))
            return reading.result()
        except (asyncio.IncompleteReadError, ConnectionError, EOFError) as error:
            code = await child.wait()
            raise ReadError(url, f"the parser died on this (exit code {code}) and was replaced", kind="crash") from error
        except (pickle.UnpicklingError, ValueError, TypeError, AttributeError, ImportError, KeyError, IndexError) as error:
            raise ReadError(url, "the parser's answer was not an answer; it was replaced", kind="crash") from error
        finally:
            if not reading.done():
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await reading


class _Child:
    """One child process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.calls = 0
        self.warm = 0  # bytes it held when it had warmed up

    async def ready(self) -> None:
        """Wait until it has warmed up, which it says with an empty answer."""
        if self.process.stdout is not None:
            await self.process.stdout.readexactly(LENGTH.size)
            self.warm = self._held()

    def has_grown(self) -> bool:
        """Whether it holds on to far more memory than when it was new."""
        return self._held() > self.warm + GROWN

    def _held(self) -> int:
        """Bytes of memory it holds; 0 where the system does not tell."""
        try:
            return int(_told_of(self.process.pid, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return 0

    async def exchange(self, call: bytes) -> Any:
        self.calls += 1
        sender, receiver = self.process.stdin, self.process.stdout
        if sender is None or receiver is None:
            raise ConnectionError("the child has no pipes")
        sender.write(LENGTH.pack(len(call)))
        sender.write(call)
        await sender.drain()
        (size,) = LENGTH.unpack(await receiver.readexactly(LENGTH.size))
        if size > _LARGEST_ANSWER:
            raise ValueError("answer too large")
        return _Answer(io.BytesIO(await receiver.readexactly(size))).load()

    def cpu_seconds(self) -> float:
        """CPU time used so far; 0 where the system does not tell (then wall time alone decides)."""
        try:
            fields = _told_of(self.process.pid, "stat").rpartition(b")")[2].split()
        except (OSError, ValueError, IndexError):
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def wait(self) -> int:
        try:
            return await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            return 0

    async def end(self, *, at_once: bool = False) -> None:
        """Close the pipe, which ends an idle child, or kill one that is stuck; returns when the process is gone."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.returncode is None and not at_once:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), 2)
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        await self.process.wait()


class _Answer(pickle.Unpickler):
    """Reads only our values and plain data."""

    def find_class(self, module: str, name: str) -> Any:
        # Exactly these names: pickle follows dots, and "dataclass.__builtins__.get" leads to eval.
        if name in _ALLOWED.get(module, frozenset()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a value")


def _told_of(process: int, what: str) -> bytes:
    """What Linux tells of a process; asked with every call, so without a Python file's layers, which take two to four times as long."""
    file = os.open(f"/proc/{process}/{what}", os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)


async def _spawn(memory: int) -> asyncio.subprocess.Process:
    """A fresh interpreter on ``child.main`` with this one's import path; its environment holds no secret of ours."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from extractors.child import main; main({os.getpid()}, {memory})"
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",  # one heap: a child has one thread, and freed pages return to the system sooner
        # Freed memory returns to the system, but not with every page of some 160 kB, to be asked for again at the next one.
        "MALLOC_TRIM_THRESHOLD_": "8000000",
        "MALLOC_MMAP_THRESHOLD_": "2000000",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-X", "utf8", "-c", code,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment, limit=1 << 20,
    )  # fmt: skip
    if sys.platform == "linux" and process.stdin is not None:
        with contextlib.suppress(OSError):  # a user may have only so much; the pipe is as wide as it was then
            fcntl.fcntl(process.stdin.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE)
    return process
