"""``python -m tests.hostile.serve [--port N] [--list]``: play the hostile server for a client of any kind, on loopback."""

from __future__ import annotations

import argparse
import asyncio

from tests.hostile.server import World, load_cases


async def _serve(port: int) -> None:
    cases = load_cases()
    async with World(cases, port=port) as world:
        for one in cases:
            print(f"{one.group}\t{one.name}\t{world.url(one)}\t{'|'.join(sorted(one.right))}\t{one.does}")
        print(f"healthy\tfeed\t{world.healthy('feed')}\tbody\tA feed as it should be", flush=True)
        await world.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="only say what cases there are")
    given = parser.parse_args()
    if given.list:
        for one in load_cases():
            print(f"{one.group}\t{one.name}\t{'|'.join(sorted(one.right))}\t{one.does}")
        return
    try:
        asyncio.run(_serve(given.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
