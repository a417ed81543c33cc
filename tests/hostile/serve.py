"""``python -m tests.hostile.serve [--port N] [--list] [--feeds]``: play the hostile server for a client of any kind, on loopback."""

from __future__ import annotations

import argparse
import asyncio
import json

from tests.hostile.server import GROUPS, WHOLE, Exchange, World, load_cases, ok

FEEDS = ("transport", "redirects", *WHOLE)
"""The groups that a program which polls feeds can meet without a look-up of its own."""


async def _hits(on: Exchange) -> None:
    await on.send(ok(json.dumps(on.world.hits).encode(), kind="application/json"))


async def _serve(port: int, *, feeds: bool) -> None:
    cases = load_cases(FEEDS if feeds else GROUPS)
    async with World(cases, port=port) as world:
        world.root["/hits"] = _hits
        if feeds:
            for one in cases:
                if not one.names and not one.defaults:
                    print(f"{one.group}\t{one.name}\t{world.feed(one)}")
            print(f"ready\t\t{world.places['calm']}", flush=True)
            await world.serve_forever()
        for one in cases:
            print(f"{one.group}\t{one.name}\t{world.url(one)}\t{'|'.join(sorted(one.right))}\t{one.does}")
        print(f"healthy\tfeed\t{world.healthy('feed')}\tbody\tA feed as it should be", flush=True)
        await world.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="only say what cases there are")
    parser.add_argument(
        "--feeds",
        action="store_true",
        help="print the feeds only, to be polled by a whole run; /hits tells what nobody may reach",
    )
    given = parser.parse_args()
    if given.list:
        for one in load_cases():
            print(f"{one.group}\t{one.name}\t{'|'.join(sorted(one.right))}\t{one.does}")
        return
    try:
        asyncio.run(_serve(given.port, feeds=given.feeds))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
