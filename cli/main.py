"""The command `sholu`: names every command and turns errors into a sentence and an exit code; the work is done elsewhere.

Nothing heavy is imported here: each command imports what it needs when it is called, so that `sholu --help` is quick.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cli.at_once import done_at_once
from cli.output import complain
from domain.errors import SholuError

if TYPE_CHECKING:
    import typer

EXIT_CODES = """Exit codes: 0 done; 1 done in part (some sources were not seen, a check found something); 2 a mistake in settings,
data or the command line; 3 no source could be seen; 4 the database refused; 5 mail could not be sent; 70 a fault of the program's own; 130 stopped by you."""

# Which part of the command line knows which commands.
PARTS = {
    "collect": ("run", "items", "demo"),
    "mail": ("digest",),
    "source_list": ("sources",),
    "rulebook": ("rules", "flag", "reflag"),
    "desk": ("review",),
    "keep": ("db", "backup", "restore", "doctor"),
    "service": ("serve",),
    "watch": ("watchdog", "alarms", "maintain", "reextract"),
    "evidence": ("verify", "evidence", "warc", "recheck"),
}


def made_app(asked: str = "") -> typer.Typer:
    """The command line: only the part that knows the command ``asked``, where one does, else all of them.

    Reading the signatures of forty commands takes as long as 60 polls, and one of them is called.
    """
    import typer

    from cli.root import root

    app = typer.Typer(
        name="sholu",
        help="Watches the press for protest and reform in Kazakhstan and puts what it finds, with its reasons, before a person.",
        epilog=EXIT_CODES,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(root)
    for part in [part for part, commands in PARTS.items() if asked in commands] or PARTS:
        import_module(f"cli.{part}").register(app)
    return app


def main() -> None:
    """Run the command line; every error a person can mend ends in one sentence and its exit code."""
    # Thousands of classes and rows are made and hardly any garbage in circles: the collector, asked after every 700 objects, took
    # a seventh of the time of starting and found nothing.
    gc.set_threshold(50_000, 20, 20)
    _speak_utf8()
    try:
        _run()
    finally:
        # The interpreter ends by collecting: it would walk through everything that was ever imported, to free what the system takes
        # back at once anyway. That was a quarter of a second, a tenth of a poll of 1,000 feeds.
        gc.freeze()


def _speak_utf8() -> None:
    """A letter the terminal's character set does not have is written as its number: Kazakh is not a fault of the program's."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="backslashreplace")


def _run() -> None:
    try:
        code = done_at_once(sys.argv[1:])
        if code is None:
            made_app(*sys.argv[1:2])()
        sys.exit(code)
    except SholuError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        complain("Stopped. What was finished is stored; the next run goes on from there.")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (sholu items | head): not an error, and nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        complain(f"The system refused: {error.strerror or error}{place}.")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001  # the last door: a fault of ours is told in a sentence, its details kept for a report
        complain(f"A fault in Sholu itself: {type(error).__name__}: {error}. {_keep_details(error)}")
        sys.exit(70)


def _keep_details(error: BaseException) -> str:
    """Write the traceback beside the data, where a report can take it from; says where, or prints it if it cannot be kept."""
    details = "".join(traceback.format_exception(error))
    if os.environ.get("SHOLU_DEBUG"):
        return details
    home = Path(os.environ.get("SHOLU_HOME") or "var")
    path = home / f"fault-{datetime.now(UTC):%Y%m%dT%H%M%S}.txt"
    try:
        home.mkdir(parents=True, exist_ok=True)
        path.write_text(details, encoding="utf-8")
    except OSError:
        return details
    return f"Details are in {path}; please report them."


if __name__ == "__main__":
    main()
