"""Gathers what many coroutines save at about the same time into one call; knows nothing of what is saved."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from domain.errors import ValueRefused

Given = TypeVar("Given")
Made = TypeVar("Made")


LOOKS: Final = 10  # times in its delay that a batch looks whether anybody is left to wait for


class Batcher(Generic[Given, Made]):
    """Saves values in batches in a thread: a batch gathers for ``delay`` seconds, and while the one before is being written.

    ``more`` says of a number of values that wait whether others may follow soon: where nobody can, nobody is waited for.

    ``save`` takes up to ``size`` values and returns one result for each, in order; what it raises reaches every
    coroutine whose value was in that batch. Only where the database refuses a value (ValueRefused) is each saved alone, so that
    it reaches the one whose value that was.
    """

    def __init__(
        self,
        save: Callable[[Sequence[Given]], Sequence[Made]],
        *,
        size: int,
        delay: float = 0.0,
        more: Callable[[int], bool] = bool,
    ) -> None:
        self._save = save
        self._size = size
        self._delay = delay
        self._more = more
        self._waiting: deque[tuple[Given, asyncio.Future[Made]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def put(self, value: Given) -> Made:
        """Save one value together with its neighbours in time; returns what the save made of it."""
        future: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self._waiting.append((value, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._waiting:
            await self._gather()
            batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            try:
                made = await asyncio.to_thread(self._saved, [value for value, _ in batch])
            except Exception as error:  # noqa: BLE001  # handed on to those who wait, none of it is swallowed
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), each in zip(batch, made, strict=True):
                if future.done():
                    continue
                if isinstance(each, ValueRefused):
                    future.set_exception(each)
                else:
                    future.set_result(each)

    def _saved(self, values: Sequence[Given]) -> Sequence[Made | ValueRefused]:
        try:
            return self._save(values)
        except ValueRefused as error:
            if len(values) == 1:
                return [error]
            return [made for value in values for made in self._saved([value])]

    async def _gather(self) -> None:
        for _ in range(LOOKS if self._delay else 0):
            if len(self._waiting) >= self._size or not self._more(len(self._waiting)):
                return
            await asyncio.sleep(self._delay / LOOKS)
