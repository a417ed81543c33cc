"""The environment in which Prefect is started: quiet to the outside, its data under our home folder. No Prefect here."""

from __future__ import annotations

from pathlib import Path


def prefect_environment(home: Path, *, host: str, port: int) -> dict[str, str]:
    """Variables for the server, the runner and the flow runs (measured with Prefect 3.8.8; each line has its reason)."""
    address = f"http://{host}:{port}/api"
    return {
        "PREFECT_HOME": str((home / "prefect").absolute()),
        "PREFECT_API_URL": address,
        # Without it the UI asks port 4200, whatever the server's own port.
        "PREFECT_UI_API_URL": address,
        # No connection to anybody: neither from the server nor from the browser (the V2 page asks an analytics host).
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        # By default the pages are unpacked beside the program, which a service may not write: there would be no page at all.
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str((home / "prefect" / "pages").absolute()),
        # An embedded server takes half a minute to start and often fails to: never rely on one.
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        # The work goes on while the server is away for two minutes.
        "PREFECT_CLIENT_MAX_RETRIES": "9",
        # A run whose process is gone is marked within 90 seconds.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # Only events are pruned unless told: 1,000 runs of 8 tasks are 150 to 190 MB.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(30 * 86_400),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P14D",
        # Our own log lines show in the UI beside Prefect's.
        "PREFECT_LOGGING_EXTRA_LOGGERS": "sholu",
        # A line said outside of a run (a thread that outlives it) is in our own log; there is nothing to warn of.
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    }
