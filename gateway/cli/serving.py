"""What serves: the running gateway's routes, or else those that the database kept last."""

from __future__ import annotations

import os

import httpx
import msgspec

from gateway.admin.operations import RevisionText
from gateway.cli.admin import admin_url
from gateway.cli.past import StoredPast, latest_of
from gateway.control.authorities import CertificateFiles
from gateway.control.loading import load_text
from gateway.errors import GatewayError, StartError
from gateway.routing.snapshot import Snapshot
from gateway.settings import Settings

_PATIENCE_S = 5.0
"""For a port on this machine, mostly."""


def serving(admin_address: str | None, settings: Settings) -> tuple[Snapshot, str]:
    """Ask the admin port; if nobody answers there, the database: routes, and what they are called.

    Args:
        admin_address: Of the gateway to ask; None for that of the settings, or the database.
        settings: Of the gateway on this machine.

    Raises:
        GatewayError: Neither tells; the message says what to do.
    """
    url = admin_address or admin_url(settings)
    try:
        return _ask(url), f"what the gateway at {url} serves"
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
        why = f"no gateway tells its routes at {url} ({error})"
    if admin_address is not None:
        raise StartError(f"{why}; give the old routes.yaml, or the admin port of a gateway")
    stored = _last_accepted(settings, why)
    files = CertificateFiles(settings.config.parent)
    snapshot = load_text(stored.text.encode(), os.environ, files)
    return snapshot, f"revision {stored.revision.number}, accepted last"


def _ask(url: str) -> Snapshot:
    answer = httpx.get(f"{url.rstrip('/')}/api/snapshot", timeout=_PATIENCE_S, trust_env=False)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=Snapshot)


def _last_accepted(settings: Settings, why: str) -> RevisionText:
    remedy = "give the old routes.yaml, or --admin URL"
    try:
        stored = latest_of(StoredPast(settings.database_url))
    except GatewayError as error:
        raise StartError(f"{why}, and the database cannot be read: {error}; {remedy}") from None
    if stored is None:
        raise StartError(f"{why}, and no database knows a revision; {remedy}")
    return stored
