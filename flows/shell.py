"""What every flow shares: its slot, and the states and links it ends with. Prefect only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from prefect.blocks.system import Secret
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from domain.environment import Hidden
from domain.settings import Settings, load_settings
from flows.deployments import row_of
from flows.logs import keep_lines
from flows.slots import Slot, slot_of

State_ = State[Any]

SMTP_BLOCK = "sholu-smtp"
"""A Prefect block of type Secret that holds the address of the mail server, asked for where SHOLU_SMTP_URL is not set."""


def settings_of_run() -> Settings:
    """The settings, read at the start of a flow run; from here on our own lines show in the UI and are kept as JSON beside it."""
    settings = load_settings()
    keep_lines(settings.home)
    return settings


async def with_mail_server(settings: Settings) -> Settings:
    """The settings with the mail server of Prefect's block, where they name none and there is such a block."""
    if settings.smtp_url is not None and settings.smtp_url.get_secret_value():
        return settings
    try:
        block: Any = await Secret.aload(SMTP_BLOCK)
    except ValueError:  # there is no such block: the steps say what is missing
        return settings
    return settings.changed(smtp_url=Hidden(str(block.get())))


def now() -> datetime:
    """The clock of all flows."""
    return datetime.now(UTC)


def scheduled_slot(kind: str, *, lane: int = 0) -> Slot:
    """The slot of the present flow run, from Prefect's own record of it; each lane of a schedule has slots of its own."""
    automatic = "auto-scheduled" in (flow_run.tags or [])
    scheduled = flow_run.scheduled_start_time if automatic else None
    return slot_of(kind, scheduled=scheduled, now=now(), every=row_of(kind).every, lane=lane)


def skipped(reason: str) -> State_:
    """Completed, but by another name: nothing was done, and that was right."""
    return Completed(name="Skipped", message=reason)


def ended(ok: bool, message: str, data: Any = None, *, name: str = "Completed") -> State_:
    """Completed, under a name of its own where it was not plainly so, or failed."""
    return Completed(name=name, message=message, data=data) if ok else Failed(message=message, data=data)


def item_link(settings: Settings, item_id: int | None, title: str, url: str = "") -> str:
    """A title as Markdown that leads to the item at the desk, or to its source where no desk is known."""
    desk = settings.desk_address.rstrip("/")
    target = f"{desk}/item/{item_id}" if desk and item_id else url
    words = cell(title) or "(no title)"
    return f"[{words}]({target})" if target.startswith(("http://", "https://")) else words


def cell(text: str) -> str:
    """Text of the web as Markdown in a table: no markup of its own, one line."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!])", r"\\\1", " ".join(text.split()))
