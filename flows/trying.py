"""What an edited file of the rules would newly flag or drop among the newest stored items, before it is put in force."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigError
from domain.settings import Settings
from domain.yamlfile import load_yaml
from flows.reflagging import Change, change_of, judge, word_of
from rules.engine.rulebook import load_rulebook
from storage.reflagging import Judged, stored_documents
from storage.store import open_store


@dataclass(frozen=True, slots=True)
class Trial:
    """How the newest items would be judged otherwise; ``changes`` are those that change between flagged, near miss and clear."""

    tried: int
    flagged_before: int
    flagged_after: int
    gained: int
    lost: int
    changes: tuple[Change, ...]


def try_rules(settings: Settings, file: Path, *, last: int) -> Trial:
    """Judge the newest stored items by the rules in force and by the edit, a file or a folder; nothing is stored.

    Raises ConfigError naming file, line and key where the edit is wrong.
    """
    if not file.exists():
        raise ConfigError("there is no such file or folder", file=file)
    with tempfile.TemporaryDirectory(prefix="sholu-try-") as place:
        edited = file if file.is_dir() else edited_folder(settings.rules, file, Path(place) / "rules")
        new = load_rulebook(edited)
        old = load_rulebook(settings.rules, settings.home / "cache")
        changes, tried, before, after = [], 0, 0, 0
        with closing(open_store(settings.database)) as store:
            for stored in stored_documents(store, newest=last):
                # By the rules in force now, whatever rules judged it when it came.
                then, now = judge(new, stored), judge(old, stored)
                tried, before, after = tried + 1, before + now.flagged, after + then.flagged
                if word_of(then) != word_of(now):
                    changes.append((now, Judged(stored, then)))
    told = tuple(change_of(each, before=now) for now, each in changes)
    return Trial(
        tried,
        before,
        after,
        gained=sum(each.after == "flagged" for each in told),
        lost=sum(each.before == "flagged" for each in told),
        changes=told,
    )


def edited_folder(rules: Path, file: Path, into: Path) -> Path:
    """A copy of the rules folder in which the edited file stands: in the place of the one of its name, else where its kind belongs."""
    shutil.copytree(rules, into)
    same = sorted(path for path in into.rglob(file.name) if path.is_file())
    if len(same) > 1:
        named = [path for path in same if path.parent.name == file.absolute().parent.name]
        same = named or same
    if len(same) > 1:
        raise ConfigError(
            f"the rules have several files of this name ({', '.join(str(path.relative_to(into)) for path in same)}); try the whole folder",
            file=file,
        )
    target = same[0] if same else into / _kind(file) / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    return into


def _kind(file: Path) -> str:
    """Which sub-folder a file belongs to, by what its first stanza holds."""
    data = load_yaml(file).data
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    return "rules" if "signals" in first else "entities" if "names" in first else "lexicon"
