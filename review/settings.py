"""The desk's own settings, read once where the desk is started; what the whole program shares is in ``domain.settings``."""

from __future__ import annotations

import ipaddress
from zoneinfo import ZoneInfo

from domain.environment import FromEnvironment, Secret, say_once, setting, slips
from domain.errors import ConfigError
from domain.settings import check_zone

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated networks as values; raises ValueError naming the one that is not a network."""
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


class DeskSettings(FromEnvironment):
    """How the desk shows and guards itself; each can be set as ``SHOLU_DESK_<NAME>``, or as a file by ``SHOLU_DESK_<NAME>_FILE``."""

    prefix = "SHOLU_DESK_"

    reviewer: str = setting(default="reviewer", longest=64, description="Name under which the one local user decides")
    secret: Secret | None = setting(
        default=None, description="Key that signs sessions; made and kept in the home folder when not set"
    )
    https: bool = setting(default=False, description="The desk is reached over https: cookies are then sent over https only")
    hosts: str = setting(
        default="", description="Comma-separated names under which the desk may be reached, besides localhost and addresses"
    )
    proxy_header: str = setting(default="", description="Header in which a reverse proxy names the user, e.g. X-Remote-User")
    proxy_addresses: str = setting(
        default="", check=read_networks, description="Comma-separated networks of the proxies whose header is believed"
    )
    proxy_role: str = setting(
        default="reader", pattern="reader|reviewer|admin", description="Role of a proxy's user not listed here"
    )
    zone: str = setting(default="Asia/Almaty", check=check_zone, description="Time zone in which times are shown")
    session_hours: float = setting(default=12.0, gt=0, le=24 * 30, description="A session ends after this many hours")
    page_size: int = setting(default=30, ge=5, le=200, description="Entries on one page")
    second_share: float = setting(
        default=0.1, ge=0, le=1, description="Share of decided items that a second reviewer is asked to judge blind"
    )
    export_rows: int = setting(default=100_000, ge=1, description="An export holds at most this many items")

    @property
    def proxies(self) -> tuple[Network, ...]:
        return read_networks(self.proxy_addresses)

    @property
    def host_names(self) -> frozenset[str]:
        return frozenset(name.strip().lower() for name in self.hosts.split(",") if name.strip())

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def desk_slips() -> list[str]:
    """A sentence for each variable that looks like a setting of the desk and is none."""
    return list(slips(DeskSettings, besides=("SHOLU_DESK_ADDRESS",)))


def load_desk_settings(**given: object) -> DeskSettings:
    """Read the desk's settings from the environment and ``.env``; raises ConfigError naming the variable, and warns of a name that is none."""
    for sentence in desk_slips():
        say_once(sentence)
    settings = DeskSettings(**given)  # type: ignore[arg-type]  # values are checked as they are read
    if settings.proxy_header and not settings.proxies:
        message = "a header that names the user is believed only from known proxies: set their networks here"
        raise ConfigError(message, file="environment or .env", key="SHOLU_DESK_PROXY_ADDRESSES")
    return settings
