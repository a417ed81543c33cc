"""How settings are read: from the environment, from files that variables name, from ``.env``; which settings there are is said elsewhere.

Without a library: pydantic and its settings cost every command a tenth of a second of CPU, more than a hundred polls.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, dataclass_transform

from domain.errors import ConfigError

log = logging.getLogger("sholu.settings")

PLACE = "environment or .env"
DOT_ENV = ".env"
_BOOLEANS = dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True) | dict.fromkeys(
    ("0", "false", "f", "no", "n", "off"), False
)


class Secret(Protocol):
    """A text that is never shown by accident (pydantic's ``SecretStr`` is one, too)."""

    def get_secret_value(self) -> str: ...


@dataclass(frozen=True, slots=True, repr=False)
class Hidden:
    """A secret text; printing it shows stars."""

    text: str

    def get_secret_value(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return "Hidden('**********')" if self.text else "Hidden('')"


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One thing that can be set: what it is when nobody does, what it is for, and what it may be."""

    default: Any
    description: str
    gt: float | None = None
    ge: float | None = None
    le: float | None = None
    pattern: str = ""
    longest: int = 0
    check: Callable[[Any], object] | None = None


def setting(
    *,
    default: Any,
    description: str = "",
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    pattern: str = "",
    longest: int = 0,
    check: Callable[[Any], object] | None = None,
) -> Any:
    """A setting in the body of its class. ``pattern`` is one of the whole text; ``check`` raises ValueError with what is wrong."""
    return Setting(default, description, gt, ge, le, pattern, longest, check)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class FromEnvironment:
    """Settings each of which may be given, else come from a variable, from a file that one names, or from ``.env``: in this order.

    A subclass names each with its type (``int``, ``float``, ``bool``, ``str``, ``Path``, ``Secret``, the last two also ``| None``)
    and ``setting(…)``. ``<NAME>_FILE`` names a file that holds the value, as container secrets do; it may stand in ``.env``, too.
    Raises ConfigError naming the variable.
    """

    prefix: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Setting]] = {}

    def __init_subclass__(cls) -> None:
        cls.settings = {name: each for name, each in vars(cls).items() if isinstance(each, Setting)}
        for name, each in cls.settings.items():
            setattr(cls, name, each.default)

    def __init__(self, _env_file: str | None = DOT_ENV, **given: Any) -> None:
        if unknown := given.keys() - self.settings.keys():
            raise TypeError(f"{type(self).__name__} has no setting {min(unknown)!r}")
        found = self._found(_env_file) | given
        vars(self).update({name: self._read(name, value) for name, value in found.items()})

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"settings are read once and never changed: {name}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.settings)})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and all(getattr(self, name) == getattr(other, name) for name in self.settings)

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.settings))

    def changed(self, **values: object) -> Self:
        """A copy with other values, taken as they are."""
        copy = type(self).__new__(type(self))
        vars(copy).update(vars(self) | values)
        return copy

    @classmethod
    def _found(cls, file: str | None) -> dict[str, str]:
        """What the environment, the files it names and ``.env`` say, by setting."""
        here = {name.lower(): value for name, value in os.environ.items()}
        beside = {name.lower(): value for name, value in dot_env(file).items()}
        found = {}
        for name in cls.settings:
            key = f"{cls.prefix}{name}".lower()
            # An empty variable is one not set: compose files and .env name what nobody has set as NAME=, and that is no file called "".
            value = here.get(key) or _from_file(here.get(f"{key}_file") or beside.get(f"{key}_file"), key) or beside.get(key)
            if value:
                found[name] = value
        return found

    def _read(self, name: str, value: Any) -> Any:
        rule, kind = self.settings[name], str(type(self).__annotations__[name])
        try:
            read = value if value is None and kind.endswith("| None") else _KINDS[kind.removesuffix(" | None")](value)
            _within(rule, read)
            if rule.check is not None:
                rule.check(read)
        except ValueError as error:
            told = "" if kind.startswith("Secret") else f" (given: {value!r})"
            raise ConfigError(f"{error}{told}", file=PLACE, key=f"{self.prefix}{name}".upper()) from error
        return read


def _from_file(named: str | None, key: str) -> str:
    """What stands in the file that a variable names; an empty one is a secret not set: container files must all be there."""
    if not named:
        return ""
    try:
        return Path(named).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ConfigError(f"the file {named} cannot be read ({why})", file=PLACE, key=f"{key}_file".upper()) from error


def dot_env(file: str | None = DOT_ENV) -> dict[str, str]:
    """The variables of the file ``.env`` in the working folder, {} where there is none."""
    if file is None or not Path(file).is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(file, encoding="utf-8").items() if value}


def _whole(value: Any) -> int:
    try:
        number = float(value)
        if number.is_integer():
            return int(value) if isinstance(value, int) or not set(str(value)) & set(".eE") else int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ValueError("this should be a whole number")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("this should be a number") from None


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("this should be true or false")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("this should be text")  # noqa: TRY004  # told as every other mistake in a setting
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError("this should be a path")  # noqa: TRY004  # as above
    return Path(value)


def _secret(value: Any) -> Secret:
    if not isinstance(value, str):
        if not hasattr(value, "get_secret_value"):
            raise ValueError("this should be text")
        secret: Secret = value
        return secret
    return Hidden(value)


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "str": _text,
    "Path": _path,
    "Secret": _secret,
}


def _within(rule: Setting, value: Any) -> None:
    """Raise ValueError where a value is outside of what the setting may be."""
    if rule.gt is not None and not value > rule.gt:
        raise ValueError(f"this should be greater than {rule.gt:g}")
    if rule.ge is not None and not value >= rule.ge:
        raise ValueError(f"this should be at least {rule.ge:g}")
    if rule.le is not None and not value <= rule.le:
        raise ValueError(f"this should be at most {rule.le:g}")
    if rule.pattern and not re.fullmatch(rule.pattern, value):
        raise ValueError(f"this should be one of {rule.pattern.replace('|', ', ')}")
    if rule.longest and not 1 <= len(value) <= rule.longest:
        raise ValueError(f"this should have 1 to {rule.longest} characters")


def slips(kind: type[FromEnvironment], *, passed: str = "", besides: Collection[str] = ()) -> Iterator[str]:
    """A sentence for each variable with the prefix of these settings that is none of them: an alarm's address must not be lost to a slip.

    Names that begin with ``passed`` or stand in ``besides`` are others'; each setting may also be a ``_FILE``.
    """
    prefix = kind.prefix
    known = [f"{prefix}{name}".upper() for name in kind.settings]
    named: Iterable[str] = sorted({name.upper() for name in (*os.environ, *_named_beside())})
    for name in named:
        if not name.startswith(prefix) or (passed and name.startswith(passed)) or name in besides:
            continue
        if name.removesuffix("_FILE") not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            yield f"{PLACE}: {name} is no setting and does nothing" + (f"; did you mean {near[0]}?" if near else ".")


def _named_beside() -> Iterable[str]:
    """The names in ``.env``, set or not."""
    if not Path(DOT_ENV).is_file():
        return ()
    from dotenv import dotenv_values

    return dotenv_values(DOT_ENV, encoding="utf-8")


@lru_cache(maxsize=64)
def say_once(sentence: str) -> None:
    """Warn once a process."""
    log.warning("%s", sentence)
