"""The settings of one run, read once at the entry points from the environment and ``.env`` and passed on from there."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from domain.environment import FromEnvironment, Secret, say_once, setting, slips

HOUSE = Path(__file__).resolve().parent.parent
NOT_SETTINGS = ("SHOLU_DEBUG", "SHOLU_HOUSE", "SHOLU_RUNNER_ALONE", "SHOLU_AUDIT_HOME")
"""Variables of the program's own that stand beside the settings."""


def _check_networks(text: str) -> None:
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        ipaddress.ip_network(part, strict=False)


def check_zone(name: str) -> None:
    """Raise ValueError where there is no time zone of this name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not the name of a time zone such as Asia/Almaty") from error


class Settings(FromEnvironment):
    """Everything that can be set, each as ``SHOLU_<NAME>``; sizes in bytes, times in seconds."""

    prefix = "SHOLU_"

    home: Path = setting(default=Path("var"), description="Folder for the embedded database and everything the program writes")
    database_url: Secret | None = setting(default=None, description="SQLAlchemy address; default is SQLite in the home folder")
    sources: Path = setting(
        default=HOUSE / "sources", description="Folder or file of sources (YAML, OPML or a bare list of addresses)"
    )
    rules: Path = setting(default=HOUSE / "rules" / "kazakhstan", description="Folder of entities, lexicon and rules")
    allow_addresses: str = setting(
        default="", check=_check_networks, description="Comma-separated networks that may be connected to although private"
    )
    allow_ports: str = setting(
        default="80,443,8080,8443",
        description="Comma-separated ports that may be connected to (any port of an allowed network may)",
    )
    contact: str = setting(
        default="", description="Address (mail or web) named in the User-Agent so that a publisher can reach you"
    )
    smtp_url: Secret | None = setting(default=None, description="smtp://user:password@host:587 (STARTTLS) or smtps://…:465")
    smtp_ca: Path | None = setting(
        default=None, description="File of certificates that the mail server's is checked against, besides the system's"
    )
    smtp_timeout: float = setting(default=60.0, gt=0, le=600, description="Limit of time for handing one mail to the server")
    mail_from: str = setting(default="", description="Sender of all mail, as in: Sholu <sholu@example.org>")
    recipients: Path | None = setting(default=None, description="YAML file of those who get the digest")
    digest_hour: int = setting(default=8, ge=0, le=23, description="Hour at which a digest is due, in digest_zone")
    digest_zone: str = setting(default="Asia/Almaty", check=check_zone, description="Time zone of the digest's day and hour")
    digest_language: str = setting(
        default="en", pattern="en|ru|kk", description="Language of the digest where a recipient names none"
    )
    digest_empty_day: str = setting(
        default="mail", pattern="mail|silent", description="On a day with nothing to tell: one honest sentence, or no mail"
    )
    digest_list_id: str = setting(
        default="", description="List-Id of the digest, as in: sholu.example.org; default is made of the sender's domain"
    )
    digest_unsubscribe: str = setting(default="", description="mailto: or https: address for List-Unsubscribe")
    digest_patience: float = setting(
        default=900.0, ge=0, le=7200, description="How long one run waits to try again what the server put off"
    )
    digest_templates: Path | None = setting(default=None, description="Folder with templates of your own for the digest")
    desk_address: str = setting(default="", description="Where readers reach the review desk, as in: https://desk.example.org")

    alarm_to: str = setting(
        default="",
        description="Comma-separated addresses that get a mail when the service itself is in trouble, and when it is over",
    )
    alarm_collect: float = setting(default=3600.0, gt=0, description="Alarm when no run has begun for this long")
    alarm_maintain: float = setting(
        default=180_000.0, gt=0, description="Alarm when no upkeep has begun for this long, once it has been scheduled"
    )
    alarm_digest: float = setting(
        default=3600.0, gt=0, description="Alarm when a digest has not gone out this long after its hour"
    )
    alarm_coverage: float = setting(
        default=0.8, ge=0, le=1, description="Alarm when less than this share of the sources was seen within a day"
    )
    alarm_disk: int = setting(
        default=1_000_000_000, ge=0, description="Alarm when fewer bytes than this are free in the home folder"
    )

    connections: int = setting(default=32, ge=1, le=512, description="Connections at once in all")
    host_pause: float = setting(default=1.0, ge=0, le=60, description="Pause between two requests to one host")
    deadline: float = setting(
        default=30.0, gt=0, le=300, description="One limit for a whole request, from the name look-up to the last byte"
    )
    max_body: int = setting(default=8_000_000, ge=1_000, description="Cap on decoded bytes of one answer")
    max_redirects: int = setting(default=5, ge=0, le=20)
    source_seconds: float = setting(
        default=45.0,
        ge=5,
        le=86_400,
        description="Seconds one source may take of a run (answers, parsing, a tenth of the pauses); what is left waits for the next",
    )
    workers: int = setting(default=2, ge=1, le=64, description="Child processes that parse feeds and pages")
    parse_seconds: float = setting(default=20.0, gt=0, description="Limit of time for parsing one body")
    parse_memory: int = setting(default=130_000_000, ge=50_000_000, description="Limit of memory growth of a parsing process")
    poll_min: float = setting(default=600.0, gt=0, description="A source is polled at most this often")
    poll_max: float = setting(default=86_400.0, gt=0, description="… and at least this often")
    robots: bool = setting(default=True, description="Respect robots.txt for pages")

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
    return Settings(**given)  # type: ignore[arg-type]  # values are checked as they are read


def settings_slips() -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    return list(slips(Settings, passed="SHOLU_DESK_", besides=NOT_SETTINGS))
