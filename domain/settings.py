"""The settings of one run, read once at the entry points from the environment and ``.env`` and passed on from there."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from domain.errors import ConfigError

log = logging.getLogger("sholu.settings")

HOUSE = Path(__file__).resolve().parent.parent
NOT_SETTINGS = ("SHOLU_DEBUG", "SHOLU_HOUSE", "SHOLU_RUNNER_ALONE", "SHOLU_AUDIT_HOME")
"""Variables of the program's own that stand beside the settings."""


class FileSource(PydanticBaseSettingsSource):
    """``SHOLU_<NAME>_FILE`` names a file that holds the value, as container secrets do; the variable itself comes first.

    It may stand in ``.env`` like every other variable (``dotenv`` are those, by names in lower case).
    """

    def __init__(self, settings_cls: type[BaseSettings], dotenv: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        del field
        key = f"{self.config.get('env_prefix') or ''}{field_name}_file".upper()
        named = os.environ.get(key) or self._dotenv.get(key.lower()) or ""
        if not named:
            return None, field_name, False
        try:
            # An empty file is a secret not set: container files must all be there, whether they are used or not.
            return Path(named).read_text(encoding="utf-8").strip() or None, field_name, False
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise ConfigError(f"the file {named} cannot be read ({why})", file="environment or .env", key=key) from error

    def __call__(self) -> dict[str, object]:
        fields = self.settings_cls.model_fields
        found = {name: self.get_field_value(field, name)[0] for name, field in fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class SettingsFromFiles(BaseSettings):
    """Settings each of which may come from the environment, from a file that a variable names, or from ``.env``: in this order."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del file_secret_settings  # pydantic's own way names a folder and not a file
        dotenv = dotenv_settings.env_vars if isinstance(dotenv_settings, DotEnvSettingsSource) else {}
        return init_settings, env_settings, FileSource(settings_cls, dotenv), dotenv_settings


class Settings(SettingsFromFiles):
    """Everything that can be set, each as ``SHOLU_<NAME>``; sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="SHOLU_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # compose files and .env name what nobody has set as NAME=: that is no file called ""
        extra="ignore",
        frozen=True,
    )

    home: Path = Field(Path("var"), description="Folder for the embedded database and everything the program writes")
    database_url: SecretStr | None = Field(None, description="SQLAlchemy address; default is SQLite in the home folder")
    sources: Path = Field(HOUSE / "sources", description="Folder or file of sources (YAML, OPML or a bare list of addresses)")
    rules: Path = Field(HOUSE / "rules" / "kazakhstan", description="Folder of entities, lexicon and rules")
    allow_addresses: str = Field("", description="Comma-separated networks that may be connected to although private")
    allow_ports: str = Field(
        "80,443,8080,8443", description="Comma-separated ports that may be connected to (any port of an allowed network may)"
    )
    contact: str = Field("", description="Address (mail or web) named in the User-Agent so that a publisher can reach you")
    smtp_url: SecretStr | None = Field(None, description="smtp://user:password@host:587 (STARTTLS) or smtps://…:465")
    smtp_ca: Path | None = Field(
        None, description="File of certificates that the mail server's is checked against, besides the system's"
    )
    smtp_timeout: float = Field(60.0, gt=0, le=600, description="Limit of time for handing one mail to the server")
    mail_from: str = Field("", description="Sender of all mail, as in: Sholu <sholu@example.org>")
    recipients: Path | None = Field(None, description="YAML file of those who get the digest")
    digest_hour: int = Field(8, ge=0, le=23, description="Hour at which a digest is due, in digest_zone")
    digest_zone: str = Field("Asia/Almaty", description="Time zone of the digest's day and hour")
    digest_language: str = Field("en", pattern="^(en|ru|kk)$", description="Language of the digest where a recipient names none")
    digest_empty_day: str = Field(
        "mail", pattern="^(mail|silent)$", description="On a day with nothing to tell: one honest sentence, or no mail"
    )
    digest_list_id: str = Field(
        "", description="List-Id of the digest, as in: sholu.example.org; default is made of the sender's domain"
    )
    digest_unsubscribe: str = Field("", description="mailto: or https: address for List-Unsubscribe")
    digest_patience: float = Field(
        900.0, ge=0, le=7200, description="How long one run waits to try again what the server put off"
    )
    digest_templates: Path | None = Field(None, description="Folder with templates of your own for the digest")
    desk_address: str = Field("", description="Where readers reach the review desk, as in: https://desk.example.org")

    alarm_to: str = Field(
        "", description="Comma-separated addresses that get a mail when the service itself is in trouble, and when it is over"
    )
    alarm_collect: float = Field(3600.0, gt=0, description="Alarm when no run has begun for this long")
    alarm_maintain: float = Field(
        180_000.0, gt=0, description="Alarm when no upkeep has begun for this long, once it has been scheduled"
    )
    alarm_digest: float = Field(3600.0, gt=0, description="Alarm when a digest has not gone out this long after its hour")
    alarm_coverage: float = Field(
        0.8, ge=0, le=1, description="Alarm when less than this share of the sources was seen within a day"
    )
    alarm_disk: int = Field(1_000_000_000, ge=0, description="Alarm when fewer bytes than this are free in the home folder")

    connections: int = Field(32, ge=1, le=512, description="Connections at once in all")
    host_pause: float = Field(1.0, ge=0, le=60, description="Pause between two requests to one host")
    deadline: float = Field(
        30.0, gt=0, le=300, description="One limit for a whole request, from the name look-up to the last byte"
    )
    max_body: int = Field(8_000_000, ge=1_000, description="Cap on decoded bytes of one answer")
    max_redirects: int = Field(5, ge=0, le=20)
    source_seconds: float = Field(
        45.0,
        ge=5,
        le=86_400,
        description="Seconds one source may take of a run (answers, parsing, a tenth of the pauses); what is left waits for the next",
    )
    workers: int = Field(2, ge=1, le=64, description="Child processes that parse feeds and pages")
    parse_seconds: float = Field(20.0, gt=0, description="Limit of time for parsing one body")
    parse_memory: int = Field(130_000_000, ge=50_000_000, description="Limit of memory growth of a parsing process")
    poll_min: float = Field(600.0, gt=0, description="A source is polled at most this often")
    poll_max: float = Field(86_400.0, gt=0, description="… and at least this often")
    robots: bool = Field(True, description="Respect robots.txt for pages")

    @field_validator("allow_addresses")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, (piece.strip() for piece in value.split(","))):
            ipaddress.ip_network(part, strict=False)
        return value

    @field_validator("digest_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not the name of a time zone such as Asia/Almaty") from error
        return value

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        parts = (piece.strip() for piece in self.allow_addresses.split(","))
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts if part)

    @property
    def ports(self) -> frozenset[int]:
        return frozenset(int(part) for part in self.allow_ports.split(",") if part.strip())

    @property
    def database(self) -> str:
        """The database's address; contains the password where one is set: never log it."""
        if self.database_url is not None and self.database_url.get_secret_value():
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.home / 'sholu.db').absolute()}"


def load_settings(**given: object) -> Settings:
    """Read the settings from the environment and ``.env``; raises ConfigError naming the variable, and warns of a name that is none."""
    for sentence in settings_slips():
        say_once(sentence)
    try:
        return Settings(**given)  # type: ignore[arg-type]  # values are checked by pydantic itself
    except ValidationError as error:
        first = error.errors()[0]
        key = f"SHOLU_{'_'.join(str(part) for part in first['loc'])}".upper()
        raise ConfigError(f"{first['msg']} (given: {first['input']!r})", file="environment or .env", key=key) from error


def settings_slips() -> list[str]:
    """A sentence for each variable that looks like a setting and is none: an alarm's address must not be lost to a slip of the hand."""
    names = [name for name in named_variables(Settings) if not name.startswith("SHOLU_DESK_")]
    return list(slips("SHOLU_", Settings.model_fields, names, besides=NOT_SETTINGS))


def named_variables(kind: type[SettingsFromFiles]) -> list[str]:
    """The names that the environment and ``.env`` give, in upper case."""
    return sorted({name.upper() for name in (*os.environ, *DotEnvSettingsSource(kind).env_vars)})


def slips(prefix: str, fields: Iterable[str], names: Iterable[str], *, besides: Collection[str] = ()) -> Iterator[str]:
    """What is wrong with those of the ``names`` that begin with the prefix and are no field's; each field may also be a ``_FILE``."""
    known = [f"{prefix}{field}".upper() for field in fields]
    for name in names:
        if name.startswith(prefix) and name.removesuffix("_FILE") not in known and name not in besides:
            near = get_close_matches(name, known, n=1)
            yield f"environment or .env: {name} is no setting and does nothing" + (f"; did you mean {near[0]}?" if near else ".")


@lru_cache(maxsize=64)
def say_once(sentence: str) -> None:
    """Warn once a process."""
    log.warning("%s", sentence)
