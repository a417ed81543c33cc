"""Runs the command `sholu` in this process and says on its last line how many statements it made to the database: ``python -m bench.counted run …``."""

from __future__ import annotations

import json
import sys

from sqlalchemy import Engine, event


def main() -> None:
    """Pass the arguments on; the last line is JSON with the statements and how many went as executemany."""
    made = {"statements": 0, "many": 0, "transactions": 0}

    @event.listens_for(Engine, "before_cursor_execute")
    def _count(_c: object, _cursor: object, _sql: str, _given: object, _context: object, executemany: bool) -> None:
        made["statements"] += 1
        made["many"] += executemany

    @event.listens_for(Engine, "commit")
    def _commit(_c: object) -> None:
        made["transactions"] += 1

    from cli.main import main as command

    try:
        command()
    except SystemExit as end:
        print(json.dumps(made | {"status": end.code}), flush=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
