"""Sending the mails of alarms: what waits in the outbox is handed over at once, without waiting for a digest. Knows no scheduler."""

from __future__ import annotations

import time
from contextlib import closing

from digest.message import read_sender
from digest.send import read_server
from domain.settings import Settings
from flows.alone import Clock
from flows.delivering import deliver
from storage.outbox import waiting
from storage.runs import begin_run, end_run, status_after
from storage.store import open_store


def deliver_alarms(settings: Settings, *, clock: Clock) -> str:
    """Hand over what waits, where there is a mail of an alarm among it; returns why the server could not be spoken to, or "".

    Without a mail server they wait, and the alarm stands at the desk and in `sholu alarms` all the same.
    """
    if settings.smtp_url is None or not settings.mail_from:
        return ""
    with closing(open_store(settings.database)) as store:
        if not waiting(store, kind="alarm"):
            return ""
        server = read_server(settings.smtp_url.get_secret_value(), ca=settings.smtp_ca, timeout=settings.smtp_timeout)
        sender = read_sender(settings.mail_from)
        run_id = begin_run(store, kind="watch", now=clock(), parameters={})
        try:
            # No patience: the next look, in minutes, tries again.
            sent = deliver(store, server, sender.address, run_id=run_id, clock=clock, sleep=time.sleep, patience=0.0)
        except BaseException as error:
            end_run(store, run_id, now=clock(), status=status_after(error), reason=str(error) or type(error).__name__)
            raise
        end_run(store, run_id, now=clock(), status="done", reason=sent.trouble)
        return sent.trouble
