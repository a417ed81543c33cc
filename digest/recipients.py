"""Who gets the digest: reads the file of recipients and refuses what cannot be meant; the database's table is in ``storage``."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from domain.errors import ConfigError
from domain.telling import Recipient
from domain.yamlfile import YamlFile, load_yaml

MOST: Final = 500  # a digest is a working paper; a list longer than this wants a mailing list, which is one recipient
# RFC 5321 as mail servers in fact take it. Local parts beyond ASCII need SMTPUTF8, which half of the servers lack.
_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_REGION: Final = r"^[A-Z]{2}-[A-Z0-9]{1,3}$"
_LANGUAGE: Final = r"^[a-z]{2,3}$"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a reader can ask for: the themes, regions and languages the rules know; an empty one is not known and refuses nothing."""

    themes: Collection[str] = ()
    regions: Collection[str] = ()
    languages: Collection[str] = ()


def checked_address(text: str) -> str:
    """A mail address as it is kept (the domain in lower case and ASCII); raises ValueError with a sentence."""
    local, at, domain = text.strip().rpartition("@")
    if not at or not local:
        raise ValueError(f"{text!r} is not a mail address such as name@example.org")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError(f"{text!r} is not a mail address: {domain!r} cannot be the name of a host") from None
    if len(local) > 64 or len(ascii_domain) > 253 or not _LOCAL.fullmatch(local):
        raise ValueError(
            f"{text!r} is not a mail address such as name@example.org; before the @ only plain Latin letters, digits and . _ - + can be used"
        )
    if not all(_LABEL.fullmatch(label) for label in ascii_domain.split(".")):
        raise ValueError(f"{text!r} is not a mail address: {domain!r} cannot be the name of a host")
    return f"{local}@{ascii_domain}"


class _Stanza(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f<>\"]*$")] = ""
    language: Literal["en", "ru", "kk"] | None = None
    themes: tuple[str, ...] = ()
    regions: tuple[Annotated[str, Field(pattern=_REGION)], ...] = ()
    languages: tuple[Annotated[str, Field(pattern=_LANGUAGE)], ...] = ()
    hour: Annotated[int, Field(ge=0, le=23)] | None = None
    time_zone: str | None = None
    empty_day: Literal["mail", "silent"] | None = None

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        return checked_address(value)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not the name of a time zone such as Asia/Almaty") from error
        return value


def load_recipients(path: Path, *, defaults: Recipient, known: Vocabulary = Vocabulary()) -> tuple[Recipient, ...]:
    """The recipients of a file, in its order; ``defaults`` fills in what a stanza leaves out, ``known`` is what can be asked for.

    Raises ConfigError naming file, line and key: a theme that is misspelt would be a reader who is never told anything.
    """
    file = load_yaml(path)
    stanzas = file.data["recipients"] if isinstance(file.data, dict) and set(file.data) == {"recipients"} else file.data
    if not isinstance(stanzas, list):
        raise ConfigError("a list of recipients is expected, each beginning with `- address:`", file=path, line=1)
    if len(stanzas) > MOST:
        raise ConfigError(
            f"the file names more than {MOST} recipients; use a mailing list, which is one recipient", file=path, line=1
        )
    before = ("recipients",) if isinstance(file.data, dict) else ()
    found: dict[str, Recipient] = {}
    for place, stanza in enumerate(stanzas):
        recipient = _recipient(file, (*before, place), stanza, defaults, known)
        if recipient.address.lower() in {address.lower() for address in found}:
            raise file.refuse(
                f"{recipient.address} stands in the file twice; everybody gets one digest", *before, place, "address"
            )
        found[recipient.address] = recipient
    return tuple(found.values())


def _recipient(file: YamlFile, where: tuple[str | int, ...], stanza: Any, defaults: Recipient, known: Vocabulary) -> Recipient:
    if isinstance(stanza, str):
        stanza = {"address": stanza}
    try:
        read = _Stanza.model_validate(stanza)
    except ValidationError as error:
        first = error.errors()[0]
        raise file.refuse(str(first["msg"]).removeprefix("Value error, "), *where, *first["loc"]) from error
    for key, asked, there in (
        ("themes", read.themes, known.themes),
        ("regions", read.regions, known.regions),
        ("languages", read.languages, known.languages),
    ):
        for at, one in enumerate(asked):
            if there and one not in there:
                words = f"the rules know no {key.removesuffix('s')} {one!r}, only {', '.join(sorted(there))}"
                raise file.refuse(words, *where, key, at)
    return Recipient(
        address=read.address,
        name=read.name,
        language=read.language or defaults.language,
        themes=read.themes,
        regions=read.regions,
        languages=read.languages,
        hour=defaults.hour if read.hour is None else read.hour,
        time_zone=read.time_zone or defaults.time_zone,
        empty_day=read.empty_day or defaults.empty_day,
    )
