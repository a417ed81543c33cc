"""The desk's own settings, read once where the desk is started; what the whole program shares is in ``domain.settings``."""

from __future__ import annotations

import ipaddress
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from domain.errors import ConfigError
from domain.settings import SettingsFromFiles, named_variables, say_once, slips

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class DeskSettings(SettingsFromFiles):
    """How the desk shows and guards itself; each can be set as ``SHOLU_DESK_<NAME>``, or as a file by ``SHOLU_DESK_<NAME>_FILE``."""

    model_config = SettingsConfigDict(
        env_prefix="SHOLU_DESK_", env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    reviewer: str = Field("reviewer", min_length=1, max_length=64, description="Name under which the one local user decides")
    secret: SecretStr | None = Field(None, description="Key that signs sessions; made and kept in the home folder when not set")
    https: bool = Field(False, description="The desk is reached over https: cookies are then sent over https only")
    hosts: str = Field(
        "", description="Comma-separated names under which the desk may be reached, besides localhost and addresses"
    )
    proxy_header: str = Field("", description="Header in which a reverse proxy names the user, e.g. X-Remote-User")
    proxy_addresses: str = Field("", description="Comma-separated networks of the proxies whose header is believed")
    proxy_role: str = Field("reader", pattern="^(reader|reviewer|admin)$", description="Role of a proxy's user not listed here")
    zone: str = Field("Asia/Almaty", description="Time zone in which times are shown")
    session_hours: float = Field(12.0, gt=0, le=24 * 30, description="A session ends after this many hours")
    page_size: int = Field(30, ge=5, le=200, description="Entries on one page")
    second_share: float = Field(
        0.1, ge=0, le=1, description="Share of decided items that a second reviewer is asked to judge blind"
    )
    export_rows: int = Field(100_000, ge=1, description="An export holds at most this many items")

    @field_validator("proxy_addresses")
    @classmethod
    def _networks(cls, value: str) -> str:
        read_networks(value)
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not the name of a time zone such as Asia/Almaty") from error
        return value

    @property
    def proxies(self) -> tuple[Network, ...]:
        return read_networks(self.proxy_addresses)

    @property
    def host_names(self) -> frozenset[str]:
        return frozenset(name.strip().lower() for name in self.hosts.split(",") if name.strip())

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def read_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated networks as values; raises ValueError naming the one that is not a network."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def desk_slips() -> list[str]:
    """A sentence for each variable that looks like a setting of the desk and is none."""
    return list(slips("SHOLU_DESK_", DeskSettings.model_fields, named_variables(DeskSettings), besides=("SHOLU_DESK_ADDRESS",)))


def load_desk_settings(**given: object) -> DeskSettings:
    """Read the desk's settings from the environment and ``.env``; raises ConfigError naming the variable, and warns of a name that is none."""
    for sentence in desk_slips():
        say_once(sentence)
    try:
        settings = DeskSettings(**given)  # type: ignore[arg-type]  # values are checked by pydantic itself
    except ValidationError as error:
        first = error.errors()[0]
        key = f"SHOLU_DESK_{'_'.join(str(part) for part in first['loc'])}".upper()
        raise ConfigError(f"{first['msg']} (given: {first['input']!r})", file="environment or .env", key=key) from error
    if settings.proxy_header and not settings.proxies:
        message = "a header that names the user is believed only from known proxies: set their networks here"
        raise ConfigError(message, file="environment or .env", key="SHOLU_DESK_PROXY_ADDRESSES")
    return settings
