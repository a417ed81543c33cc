"""Everything the client can be told, and what the settings of a run tell it; no network."""

from __future__ import annotations

from dataclasses import dataclass

from domain import __version__
from domain.settings import Settings
from extractors.guard import Networks


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Everything the client can be told; times in seconds, sizes in bytes."""

    user_agent: str = "Sholu"
    networks: Networks = ()
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    connections: int = 32
    host_pause: float = 1.0
    deadline: float = 30.0
    connect_deadline: float = 10.0
    """For look-up, connection and TLS together: a third of the outlets watched never answer, and each would take it all."""
    max_body: int = 8_000_000
    max_redirects: int = 5
    robots: bool = True
    crawl_delay_max: float = 10.0
    polite_to_own: bool = False
    """Treat one's own machines (those in ``networks``) as any other host: one at a time, with a pause. For tests."""


def client_options(settings: Settings) -> ClientOptions:
    """The client's options by the settings of the run."""
    contact = "".join(c for c in settings.contact if c.isascii() and c.isprintable() and c not in "()").strip()
    return ClientOptions(
        user_agent=f"Sholu/{__version__} (+{contact})" if contact else f"Sholu/{__version__}",
        networks=settings.networks,
        ports=settings.ports,
        connections=settings.connections,
        host_pause=settings.host_pause,
        deadline=settings.deadline,
        max_body=settings.max_body,
        max_redirects=settings.max_redirects,
        robots=settings.robots,
    )
