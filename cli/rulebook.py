"""Commands on the rules: `sholu rules check | explain | forms | try`, `sholu flag`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import clean, complain, console, print_json, table
from domain.errors import ConfigError

if TYPE_CHECKING:
    from rich.text import Text

    from rules.engine.explaining import Explanation

commands = typer.Typer(
    name="rules", help="The rules: check them, explain a verdict, show the forms of a word, try an edit.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(commands)
    app.command("flag")(flag)
    app.command("reflag")(reflag_command)


@commands.command("check")
def check(
    folder: Annotated[Path | None, typer.Argument(help="A rules folder; the one in force unless told.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Read the rules, run every example, list known misses, and warn of names that may be found where they are not meant."""
    from domain.settings import load_settings
    from rules.engine.checking import check_rulebook
    from rules.engine.rulebook import load_rulebook

    settings = load_settings()
    report = check_rulebook(load_rulebook(folder or settings.rules, settings.home / "cache"))
    if json:
        print_json(report)
    else:
        out = console()
        for tried in report.failed:
            out.print(f"✗ {tried.file}:{tried.example.line}: {tried.said}")
        for tried in report.todo:
            out.print(f"· known miss: {tried.file}:{tried.example.line}: {clean(tried.example.text, 120)}")
        for tried in report.mended:
            out.print(f"✓ comes out right now, move it out of `todo`: {tried.file}:{tried.example.line}")
        for danger in report.dangers:
            out.print(f"! {danger.file}:{danger.line}: {danger.message}")
        out.print(
            f"Version {report.version}: {report.entities} entities with {report.aliases} names, {report.headwords} headwords, {report.rules} rules; "
            f"{report.examples} examples, {len(report.failed)} wrong, {len(report.todo)} known misses, {len(report.dangers)} warnings."
        )
    raise typer.Exit(1 if report.failed else 0)


@commands.command("explain")
def explain_command(
    what: Annotated[
        str, typer.Argument(help="A text, a file that holds one (its first line is the title), or the id of a stored item.")
    ],
    title: Annotated[str, typer.Option("--title", help="The title, where the text is given without one.")] = "",
    language: Annotated[str | None, typer.Option("--language", help="en, ru, kk or kk-Latn; found out unless told.")] = None,
    country: Annotated[
        str | None, typer.Option("--source-country", help="Country of the outlet (KZ), as the source's stanza says it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say why a text is flagged or not: what was found, what tied it to the country, what was hidden by what, and the points."""
    from domain.settings import load_settings
    from rules.engine.explaining import explain
    from rules.engine.rulebook import load_rulebook

    settings = load_settings()
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    found_title, text = (title, what)
    if what.isdigit():
        from contextlib import closing

        from storage.shelf import item
        from storage.store import open_store

        with closing(open_store(settings.database)) as store:
            stored = item(store, int(what))
        found_title, text, language = stored.title, stored.text, language or stored.language
    elif _is_file(what):
        found_title, _, text = Path(what).read_text(encoding="utf-8", errors="replace").partition("\n")
    elif " " not in what.strip() and ("/" in what or Path(what).suffix):
        complain(f"{what} is no file here, so it is taken for the text itself.")
    explanation = explain(rulebook, title=found_title, text=text.strip(), language=language, source_country=country)
    if json:
        print_json(explanation)
    else:
        _show(explanation, found_title, text.strip())


def _is_file(what: str) -> bool:
    try:
        return len(what) < 500 and Path(what).is_file()
    except (OSError, ValueError):
        return False


def _show(explanation: Explanation, title: str, text: str) -> None:
    out = console()
    flagging = explanation.flagging
    verdict = "FLAGGED" if flagging.flagged else "near miss" if flagging.near_miss else "not flagged"
    out.print(
        f"{verdict}: {flagging.score:g} of {flagging.threshold:g} points; themes: {', '.join(flagging.themes) or 'none'}; language: {explanation.language}",
        style="bold",
    )
    for field, content in (("title", title), ("text", text)):
        if content:
            out.print(_marked(explanation, field, content))
    for ruling in flagging.rulings:
        parts = table(
            f"{ruling.rule} ({ruling.theme}): {ruling.score:g} of {ruling.threshold:g}", "points", "signal", "words", "why"
        )
        for part in ruling.parts:
            words = ", ".join(clean(flagging.spans[index].text, 40) for index in part.spans)
            parts.add_row(f"{part.points:+g}", part.signal, words, part.why)
        out.print(parts)
    found = table("Found in the text", "words", "as", "anchored by", "hidden by")
    for match in explanation.matches:
        side = {1: "", -1: " (elsewhere)", 0: ""}[match.side]
        found.add_row(clean(match.text, 40), match.term, f"{match.anchor}{side} {match.how}".strip(), match.hidden_by)
    out.print(found)
    for rule, reason in explanation.silent:
        out.print(f"{rule}: {reason}", style="dim")


def _marked(explanation: Explanation, field: str, content: str) -> Text:
    """The text with what counted in colour and what was hidden struck through."""
    from rich.text import Text

    shown = Text(content)
    for match in explanation.matches:
        if match.field == field:
            style = "strike dim" if match.hidden_by else "bold cyan" if match.entity else "bold yellow"
            shown.stylize(style, match.start, match.end)
    return shown


@commands.command("forms")
def forms(
    word: Annotated[str, typer.Argument(help="A headword as it would stand in a lexicon, flags after a colon (protest:nv).")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show what a headword expands to in each language, and under which ids it is found today."""
    from domain.settings import load_settings
    from rules.engine.explaining import forms_of
    from rules.engine.rulebook import load_rulebook

    settings = load_settings()
    found = forms_of(word, load_rulebook(settings.rules, settings.home / "cache"))
    if json:
        print_json(found)
        return
    shown = table(f"Forms of {word}", "language", "number", "forms")
    for language, each in found.items():
        shown.add_row(language, str(len(each)), ", ".join(each))
    console().print(shown)


@commands.command("try")
def try_edit(
    file: Annotated[
        Path, typer.Argument(help="An edited rules file (it replaces the one of the same name), or a whole rules folder.")
    ],
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest stored items to try it on.")] = 5000,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON an item that changes.")] = False,
) -> None:
    """Show what an edit would newly flag or drop among the newest stored items, before it is saved."""
    from domain.settings import load_settings
    from flows.trying import try_rules

    settings = load_settings()
    trial = try_rules(settings, file, last=last)
    shown = table(f"{len(trial.changes)} of {trial.tried} items change", "item", "now", "then", "score", "title", "because of")
    for change in trial.changes:
        if json:
            print_json(change)
        shown.add_row(
            str(change.item_id),
            change.before,
            change.after,
            f"{change.score_before:g} → {change.score_after:g}",
            clean(change.title, 80),
            ", ".join(change.words),
        )
    if not json:
        console().print(shown)
        console().print(
            f"{trial.gained} newly flagged, {trial.lost} no longer; {trial.flagged_after} flagged in all, {trial.flagged_before} before."
        )


def flag(
    file: Annotated[
        str,
        typer.Argument(
            metavar="IN.jsonl|-",
            help="Lines of JSON {id, title, text, published?, lang?, source_country?}; - reads standard input.",
        ),
    ],
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Where to; standard output unless told.")] = None,
) -> None:
    """Flag documents from a file, a line each, in order, without storing anything."""
    from contextlib import ExitStack

    from domain.settings import load_settings
    from rules.engine.rulebook import load_rulebook
    from rules.engine.stream import flag_lines

    settings = load_settings()
    rulebook = load_rulebook(settings.rules, settings.home / "cache")
    with ExitStack() as stack:
        if file == "-":
            given = stack.enter_context(sys.stdin.buffer)
        else:
            path = Path(file)
            if not path.is_file():
                raise ConfigError("is no file; name a file of JSON lines, or - for standard input", file=path)
            given = stack.enter_context(path.open("rb"))
        sink = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        wrong = 0
        for line in flag_lines(given, rulebook, workers):
            wrong += '"flagged"' not in line
            sink.write(line if line.endswith("\n") else line + "\n")
    if wrong:
        complain(f"{wrong} lines could not be read; each has an output line that says why.")
        raise typer.Exit(1)


def reflag_command(
    since: Annotated[str | None, typer.Option("--since", help="Items first seen on or after this date.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="… and before this one.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Only this source (its id); may be given again.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option("--language", help="Only this language; may be given again.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Make it so; without it nothing is changed, only told.")] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64)] = 1,
    json: Annotated[bool, typer.Option("--json", help="A line of JSON an item that changes, then a summary.")] = False,
) -> None:
    """Apply the present rules to what is stored: what becomes flagged, what no longer is, and why. Dry unless --apply."""
    from datetime import UTC, datetime

    from cli.collect import parse_day
    from cli.logs import set_up_logs
    from domain.settings import load_settings
    from flows.reflagging import ReflagOptions, reflag

    settings = load_settings()
    set_up_logs(settings.home)
    options = ReflagOptions(
        since=parse_day(since),
        until=parse_day(until),
        sources=tuple(source or ()),
        languages=tuple(language or ()),
        dry_run=not apply,
        workers=workers,
    )
    report = reflag(settings, options, clock=lambda: datetime.now(UTC))
    if json:
        for change in report.changes:
            print_json(change)
        print_json(
            {
                "judged": report.judged,
                "gained": report.gained,
                "lost": report.lost,
                "other": report.other,
                "dry_run": report.dry_run,
                "rules_version": report.rules_version,
            }
        )
        return
    if report.changes:
        shown = table("What changes", "item", "before", "after", "score", "title", "because of", "decided")
        for change in report.changes:
            shown.add_row(
                str(change.item_id),
                change.before,
                change.after,
                f"{change.score_before:g} → {change.score_after:g}",
                clean(change.title, 70),
                clean(", ".join(change.words), 60),
                change.review,
            )
        console().print(shown)
    console().print(report.closing())
