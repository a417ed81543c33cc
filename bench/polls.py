"""What 1,000 unchanged feeds cost: user CPU of our client beside a bare aiohttp loop, against one server in another process.

Run ``python bench/polls.py [--polls 1000]``. Each variant runs in a process of its own, in turn, several times; the least of
each is printed (noise only ever adds).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import sys
from ipaddress import ip_network
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ANSWER = b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nCache-Control: max-age=60\r\nServer: x\r\n\r\n'


class Always304(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            _, _, self.seen = self.seen.partition(b"\r\n\r\n")
            self.transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(ready: multiprocessing.Queue[int]) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Always304, "127.0.0.1", 0)
        ready.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def bare(port: int, polls: int) -> None:
    import aiohttp

    slots = asyncio.Semaphore(32)
    async with aiohttp.ClientSession() as session:

        async def poll(number: int) -> None:
            async with slots, session.get(f"http://127.0.0.1:{port}/{number}", headers={"If-None-Match": '"a"'}) as answer:
                await answer.read()
                assert answer.status == 304

        await asyncio.gather(*(poll(number) for number in range(polls)))


async def ours(port: int, polls: int) -> None:
    from extractors.client import Client, ClientOptions, Validators

    options = ClientOptions(networks=(ip_network("127.0.0.0/8"),))
    async with Client(options) as client:

        async def poll(number: int) -> None:
            url = f"http://127.0.0.1:{port}/{number}"
            answer = await client.fetch(url, validators=Validators('"a"'), owner=f"source-{number}")
            assert answer.unchanged

        await asyncio.gather(*(poll(number) for number in range(polls)))


def measure(variant: str, port: int, polls: int, out: multiprocessing.Queue[float]) -> None:
    run = {"bare": bare, "ours": ours}[variant]
    asyncio.run(run(port, 50))  # imports and caches
    before = resource.getrusage(resource.RUSAGE_SELF)
    asyncio.run(run(port, polls))
    after = resource.getrusage(resource.RUSAGE_SELF)
    out.put(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--polls", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready: multiprocessing.Queue[int] = context.Queue()
    server = context.Process(target=serve, args=(ready,), daemon=True)
    server.start()
    port = ready.get(timeout=30)
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(given.rounds):
        for variant, found in seconds.items():
            out: multiprocessing.Queue[float] = context.Queue()
            child = context.Process(target=measure, args=(variant, port, given.polls, out))
            child.start()
            found.append(out.get(timeout=120))
            child.join()
    server.terminate()
    least = {variant: min(found) for variant, found in seconds.items()}
    middle = {variant: statistics.median(found) for variant, found in seconds.items()}
    ratio = least["ours"] / least["bare"]
    if given.json:
        print(json.dumps({"polls": given.polls, "least": least, "median": middle, "ratio": ratio}))
        return
    for variant in seconds:
        print(f"{variant}: {least[variant]:.3f} s of CPU for {given.polls} polls (median {middle[variant]:.3f})")
    print(f"ours / bare: {ratio:.2f}")


if __name__ == "__main__":
    main()
