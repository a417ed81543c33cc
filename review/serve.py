"""Serving the desk: the only place of this folder that reads the environment, opens the store and a socket."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import uvicorn

from domain.errors import ConfigError
from domain.settings import Settings
from review.app import create_app
from review.people import add_user
from review.settings import DeskSettings, load_desk_settings
from storage import users
from storage.store import Store, open_store


def serve(settings: Settings, host: str = "127.0.0.1", port: int = 8710) -> None:
    """Open the store and answer until stopped. Raises ConfigError when the desk would stand open to a network."""
    own = load_desk_settings()
    store = open_store(settings.database)
    try:
        must_be_safe(store, own, host)
        app = create_app(store, settings, partial(rulebook, settings), own=own, extra_hosts=frozenset({host.lower()}))
        # Forwarded addresses are read by review.access, which must also see who really holds the connection.
        uvicorn.run(
            app, host=host, port=port, log_level="warning", server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=5, h11_max_incomplete_event_size=65_536,
        )  # fmt: skip
    finally:
        store.close()


def must_be_safe(store: Store, own: DeskSettings, host: str) -> None:
    """Refuse to show the desk to a network while anybody who comes would be the one local user."""
    # Names and proxies are set for a desk that others reach through a proxy, however local the address it listens on.
    behind_a_proxy = bool(own.host_names or own.proxies)
    if (is_local(host) and not behind_a_proxy) or own.proxy_header or users.any_user(store):
        return
    way = "comes through the proxy (SHOLU_DESK_HOSTS, SHOLU_DESK_PROXY_ADDRESSES)" if is_local(host) else f"can reach {host}"
    message = (
        f"the desk would be open to everybody who {way}: add an administrator first (sholu review --add-user NAME), "
        "or let a reverse proxy name the users (SHOLU_DESK_PROXY_HEADER)"
    )
    raise ConfigError(message, key="--host")


def is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def rulebook(settings: Settings) -> Any:
    """The rulebook in force, for names and files of rules; compiled once and kept in the home folder."""
    from rules.engine.rulebook import load_rulebook

    return load_rulebook(settings.rules, settings.home / "cache")


def make_user(settings: Settings, name: str, password: str, role: str) -> None:
    """A new account from the command line."""
    store = open_store(settings.database)
    try:
        add_user(store, name, password, role, now=datetime.now(UTC), by="command line")
    finally:
        store.close()
