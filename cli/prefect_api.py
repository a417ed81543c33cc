"""Asks whether a Prefect server is configured and answers, without importing Prefect (which costs seconds)."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ANSWER_WITHIN = 2.0  # seconds; a server that needs longer to say it is healthy would hold up a run


def api_address(environment: dict[str, str] | None = None) -> str:
    """The address of the configured Prefect API: from the environment, else from the active Prefect profile, else ""."""
    known = dict(os.environ) if environment is None else environment
    if known.get("PREFECT_API_URL"):
        return known["PREFECT_API_URL"].rstrip("/")
    home = Path(known.get("PREFECT_HOME") or Path.home() / ".prefect")
    try:
        profiles = tomllib.loads((home / "profiles.toml").read_text(encoding="utf-8"))
        active = profiles["profiles"][profiles.get("active", "default")]
        return str(active.get("PREFECT_API_URL", "")).rstrip("/")
    except (OSError, KeyError, tomllib.TOMLDecodeError, AttributeError):
        return ""


def shown_address() -> str:
    """The configured address as it may be shown: without a user and password."""
    scheme, mark, rest = api_address().partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def api_answers() -> bool:
    """Whether a Prefect API is configured and says that it is healthy."""
    address = api_address()
    if not address.startswith(("http://", "https://")):
        return False
    try:
        with urlopen(f"{address}/health", timeout=ANSWER_WITHIN) as answer:  # noqa: S310  # http(s) only, the user's own setting
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False
