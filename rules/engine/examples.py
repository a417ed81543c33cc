"""Running the examples that stand in the rules themselves: what must be flagged, what must not, and the known misses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.values import Flagging
from rules.engine.definitions import Example, Rule
from rules.engine.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Tried:
    """One example and what came of it; ``right`` says whether the rules do as it expects, ``said`` why in a sentence."""

    rule: str
    file: str
    example: Example
    flagging: Flagging
    right: bool
    said: str


def try_examples(rulebook: Rulebook) -> list[Tried]:
    """Every example of every rule, in the order they are written."""
    return [try_example(rulebook, rule, example) for rule in rulebook.definitions.rules for example in rule.examples]


def try_example(rulebook: Rulebook, rule: Rule, example: Example) -> Tried:
    """One example: a ``flag`` must be flagged by this very rule, an ``ignore`` by none (or not by this one, where it says so)."""
    flagging = flag_example(rulebook, example)
    own = next((ruling for ruling in flagging.rulings if ruling.rule == rule.id), None)
    by = [ruling.rule for ruling in flagging.rulings if ruling.flagged]
    score = f"{own.score:g} of {own.threshold:g}" if own is not None else "no points"
    if example.expect == "flag":
        right = rule.id in by
        said = (
            f"flagged ({score})" if right else f"not flagged by {rule.id} ({score})" + (f", but by {', '.join(by)}" if by else "")
        )
    else:
        counted = [name for name in by if name == rule.id or not example.this_rule]
        right = not counted
        said = f"not flagged ({score})" if right else f"flagged by {', '.join(counted)} ({score})"
    return Tried(rule.id, rule.where.file, example, flagging, right, said)


def flag_example(rulebook: Rulebook, example: Example) -> Flagging:
    """The verdict on an example's text."""
    return rulebook.flag(
        title=example.title,
        text=example.text,
        language=example.language,
        published=date.fromisoformat(example.published) if example.published else None,
        source_country=example.source_country or None,
    )
