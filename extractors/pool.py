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
LOOKED_AT_EVERY = 8  # calls: how much a child holds is asked after each large body and otherwise now and then
# Bytes beyond its warm state after which a child is replaced: what one large body took is not kept for good. Over 1,800 real pages
# it grows by 38 MB, of which the modules that the first pages bring are 13; a new one costs as much as 50 pages.
GROWN = 56_000_000
CALLS_A_CHILD = 2_000  # then it is replaced: lxml's and trafilatura's caches must not grow for ever
_LARGEST_ANSWER = 64_000_000  # bytes; an answer is an article or a feed's entries
_START_SECONDS = 60.0  # a child imports and warms up for half a second on an idle machine
_PIPE = 1 << 20  # bytes a pipe to a child holds: a page at one go, where the usual 64 KiB take as many turns of the loop
_UNWATCHED = 0.1  # seconds until what a call has used begins to be counted; real pages take a tenth of that
_HELD = 2  # calls a child has at a time: the next one lies in its pipe, so that it need not wait for us, its caches growing cold
_LONG = 0.3  # seconds after which a call may be one that hangs: none is put behind it
_PATIENCE_FOR_A_CHILD = 2.0  # seconds a call waits before another child may be started: it costs as much as 50 pages, and 57 MB
_NO_REST = 0.9  # share of the time the children must have been at work meanwhile: where they had more rest, calls wait for us
_NO_CORE = (
    0.85  # share of all cores' time that we and the children have taken meanwhile: another child would only take turns with them
)
_LOOKED_AGAIN = 0.3  # seconds until it is asked once more whether another child would help
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
        self._children: list[_Child] = []
        self._starting: asyncio.Task[None] | None = None
        self._ready_at = 0.0  # when the last start ended
        self._short = (0.0, 0.0, 0.0)  # since when calls wait without a break, the CPU time of the children then, and ours
        self._line = asyncio.Lock()  # of the call that is next to be given to a child
        self._changed = asyncio.Event()  # a child has answered, was started or ended
        self._lane = asyncio.Semaphore(1)
        self._is_closed = False

    async def __aenter__(self) -> ParserPool:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End all children; calls under way are lost."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        children = list(self._children)
        for child in children:
            self._retire(child)
        await asyncio.gather(*(child.end() for child in children))

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a module's function in a child; arguments and result are pickled, a keyword ``url`` names the body in errors."""
        return await self.metered(Meter(), function, *args, **kwargs)

    async def metered(self, meter: Meter, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As ``run``, with the time of the call (not that of waiting for a child) put on ``meter``, which also bounds it."""
        url = str(kwargs.get("url", ""))
        # Large bodies one at a time, however many children there are: each may take its whole allowance of memory.
        large = any(len(given) > LARGE or given.count(b"<") > MANY_TAGS for given in args if isinstance(given, bytes))
        async with self._lane if large else contextlib.nullcontext():
            answer: Any = None
            alone = large
            while answer is None:
                child = await self._place(url, alone=alone)
                answer = await self._served(
                    child, (function.__module__, function.__qualname__, args, kwargs), url, meter, large=large
                )
                alone = True  # not once more behind one that does not end
        if answer[0] == "ok":
            result: R = answer[1]
            return result
        if answer[0] == "read":
            raise ReadError(answer[1], answer[2], kind=answer[3])
        if answer[0] == "memory":
            raise ReadError(url, f"parsing needed more than {self.memory // 1_000_000} MB and was ended", kind="memory")
        raise ReadError(url, f"the parser failed on this ({answer[1]})", kind="crash")

    async def _place(self, url: str, *, alone: bool) -> _Child:
        """A child that takes the call, which counts as held from now on; calls get their places in order.

        Another child is started for a call that has waited long, not for a burst that one child soon works off.
        """
        since = time.monotonic()
        async with self._line:
            waited = False
            while (child := self._free(alone=alone)) is None:
                self._see_to_start(url)
                if self._is_closed:
                    raise ReadError(url, "the parsers were ended before this was read", kind="crash")
                if not self._short[0]:
                    self._short = time.monotonic(), self._worked(), time.process_time()
                waited = True
                patience = max(since, self._ready_at) + _PATIENCE_FOR_A_CHILD - time.monotonic() if self._children else 0.0
                may_start = self._starting is None and len(self._children) < self.workers
                if may_start and patience <= 0 and self._are_short():
                    self._starting = asyncio.create_task(self._start())
                    may_start = False
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(patience, _LOOKED_AGAIN) if may_start else None):
                        await self._changed.wait()
            if not waited:
                self._short = 0.0, 0.0, 0.0
            child.held += 1
            return child

    def _are_short(self) -> bool:
        """Whether it is the children that calls wait for: they had no rest, and another would find a core; or one is at a call that
        takes long. Where it is this process or a machine with too much to do, another child would not help and only take memory.
        """
        now = time.monotonic()
        if not self._children or any(
            child.turn.locked() and now - child.begun > _PATIENCE_FOR_A_CHILD for child in self._children
        ):
            return True
        since, then, own = self._short
        if now - since < _PATIENCE_FOR_A_CHILD:
            return False
        self._short = now, self._worked(), time.process_time()
        worked, taken = self._short[1] - then, self._short[2] - own
        if worked + taken > _NO_CORE * _cores() * (now - since):
            return False
        return worked >= _NO_REST * len(self._children) * (now - since) or self._short[1] <= 0  # 0 where the system does not tell

    def _worked(self) -> float:
        """CPU time of the children that are there."""
        return sum(child.cpu_seconds() for child in self._children)

    def _see_to_start(self, url: str) -> None:
        """Take note that a start has ended; raises its ReadError where there is no child to go on with."""
        starting = self._starting
        if starting is None or not starting.done():
            return
        self._starting, self._ready_at = None, time.monotonic()
        error = None if starting.cancelled() else starting.exception()
        if error is not None and not self._children:
            raise ReadError(url, "no parser could be started (is there memory left?)", kind="crash") from error

    def _free(self, *, alone: bool) -> _Child | None:
        """A child that has nothing to do, else, unless the call must be ``alone``, one that soon will have worked off what it has."""
        idle = next((child for child in reversed(self._children) if not child.held), None)
        if idle is not None or alone:
            return idle
        return next((child for child in self._children if child.takes_another()), None)

    async def _served(self, child: _Child, call: tuple[Any, ...], url: str, meter: Meter, *, large: bool) -> Any:
        """The child's answer; None where it was ended before this call's turn had come, which is then another child's."""
        answer: Any = None
        sent = begun = False
        try:
            # Not before there is a place for it: what waits must not lie in memory twice.
            child.send(call)
            sent = True
            async with child.turn:  # in the order in which they were sent
                if child.is_ended:
                    return None
                begun = True
                child.begun, child.has_large = time.monotonic(), large
                try:
                    if not child.is_spoiled:
                        answer = await self._ask(child, url, meter.at_most(self.seconds))
                finally:
                    meter.add(time.monotonic() - child.begun)
                    child.has_large = False
                    at_once = answer is None or answer[0] == "memory" or child.is_spoiled
                    if at_once or child.is_spent(large=large):
                        self._retire(child)
                        # Shielded: a cancelled run must not leave the process of its call behind.
                        await asyncio.shield(child.end(at_once=at_once))
        finally:
            child.held -= 1
            if sent and not begun and not child.is_ended:
                # Cancelled while it lay in the pipe: the child must not go on with it. Whoever is at work there sees to that.
                child.is_spoiled = True
                if not child.held:
                    self._retire(child)
                    await asyncio.shield(child.end(at_once=True))
            self._changed.set()
        return answer

    def _retire(self, child: _Child) -> None:
        """Give it no call any more."""
        child.is_ended = True
        if child in self._children:
            self._children.remove(child)

    async def _start(self) -> None:
        try:
            child = _Child(await _spawn(self.memory))
            self.started += 1
            try:
                await asyncio.wait_for(child.ready(), _START_SECONDS)
            except BaseException:
                await asyncio.shield(child.end(at_once=True))
                raise
            self._children.append(child)
        finally:
            self._changed.set()

    async def _ask(self, child: _Child, url: str, seconds: float) -> Any:
        """The child's answer; raises ReadError (timeout, crash) where none comes."""
        reading = asyncio.ensure_future(child.receive())
        try:
            # Nearly every answer is there before anybody asks Linux what the child has used.
            before, started, pause = 0.0, 0.0, _UNWATCHED
            while not (await asyncio.wait({reading}, timeout=pause))[0]:
                if not started:
                    before, started, pause = child.cpu_seconds(), time.monotonic(), seconds
                    continue
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
        self.turn = asyncio.Lock()  # of the call whose answer comes next
        self.answers = 0
        self.held = 0  # calls it was given and has not answered
        self.begun = 0.0  # when the one it is at was begun
        self.has_large = False
        self.is_spoiled = False  # holds a call that nobody waits for
        self.is_to_end = False  # as soon as it has answered what it holds
        self.is_ended = False
        self.warm = 0  # bytes it held when it had warmed up

    async def ready(self) -> None:
        """Wait until it has warmed up, which it says with an empty answer."""
        if self.process.stdout is not None:
            await self.process.stdout.readexactly(LENGTH.size)
            self.warm = self._memory()

    def takes_another(self) -> bool:
        """Whether a call may be put behind that which it is at."""
        busy = self.has_large or self.is_spoiled or self.is_to_end
        return self.held < _HELD and not busy and time.monotonic() - self.begun < _LONG

    def is_spent(self, *, large: bool) -> bool:
        """Whether it has served long enough, or holds on to far more memory than when it was new, and nothing lies in its pipe."""
        if large or self.is_to_end or self.answers % LOOKED_AT_EVERY == 0:
            # While it is at its next call, what that takes is counted, too: looked at again when it has nothing to do.
            self.is_to_end = self.answers >= CALLS_A_CHILD or self._memory() > self.warm + GROWN
        return self.is_to_end and self.held == 1

    def _memory(self) -> int:
        """Bytes of memory it holds; 0 where the system does not tell."""
        try:
            return int(_told_of(self.process.pid, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return 0

    def send(self, call: tuple[Any, ...]) -> None:
        """Put a call into its pipe, behind those that are there; ``receive`` is then awaited in the same order."""
        if self.process.stdin is not None:
            packed = _Parts()
            pickle.dump(call, packed, protocol=5)
            self.process.stdin.write(LENGTH.pack(sum(map(len, packed))) + packed[0])
            for part in packed[1:]:
                self.process.stdin.write(part)

    async def receive(self) -> Any:
        sender, receiver = self.process.stdin, self.process.stdout
        if sender is None or receiver is None:
            raise ConnectionError("the child has no pipes")
        await sender.drain()
        (size,) = LENGTH.unpack(await receiver.readexactly(LENGTH.size))
        if size > _LARGEST_ANSWER:
            raise ValueError("answer too large")
        answer = _Answer(io.BytesIO(await receiver.readexactly(size))).load()
        self.answers += 1
        return answer

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


class _Parts(list[bytes]):
    """What pickle writes, a body as it is: told to make one string of all, it copies that twice."""

    write = list.append


class _Answer(pickle.Unpickler):
    """Reads only our values and plain data."""

    def find_class(self, module: str, name: str) -> Any:
        # Exactly these names: pickle follows dots, and "dataclass.__builtins__.get" leads to eval.
        if name in _ALLOWED.get(module, frozenset()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a value")


def _cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
