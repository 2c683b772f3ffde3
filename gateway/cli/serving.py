"""What serves: the running gateway's routes, or else those that the database kept last."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import httpx
import msgspec
from sqlalchemy.engine import make_url

from gateway.control.authorities import CertificateFiles
from gateway.control.loading import load_text
from gateway.errors import GatewayError, StartError
from gateway.routing.snapshot import Snapshot
from gateway.settings import Settings
from gateway.state.database import open_database
from gateway.state.revisions import Revisions, StoredRevision

_PATIENCE_S = 5.0
"""For a port on this machine, mostly."""


def serving(admin_url: str | None, settings: Settings) -> tuple[Snapshot, str]:
    """Ask the admin port; if nobody answers there, the database: routes, and what they are called.

    Args:
        admin_url: Of the gateway to ask; None for that of the settings, or the database.
        settings: Of the gateway on this machine.

    Raises:
        GatewayError: Neither tells; the message says what to do.
    """
    url = admin_url or admin_url_of(settings)
    try:
        return _ask(url), f"what the gateway at {url} serves"
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError) as error:
        why = f"no gateway tells its routes at {url} ({error})"
    if admin_url is not None:
        raise StartError(f"{why}; give the old routes.yaml, or the admin port of a gateway")
    stored = _last_accepted(settings, why)
    files = CertificateFiles(settings.config.parent)
    snapshot = load_text(stored.text, os.environ, files)
    return snapshot, f"revision {stored.number}, accepted last"


def admin_url_of(settings: Settings) -> str:
    """Where the admin port of these settings answers."""
    host = settings.admin_host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - asked for, not listened on
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104 - as above
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.admin_port}"


def _ask(url: str) -> Snapshot:
    answer = httpx.get(f"{url.rstrip('/')}/api/snapshot", timeout=_PATIENCE_S, trust_env=False)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=Snapshot)


def _last_accepted(settings: Settings, why: str) -> StoredRevision:
    remedy = "give the old routes.yaml, or --admin URL"
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # Opening it would make one.
        raise StartError(f"{why}, and there is no database {url.database}; {remedy}")
    try:
        stored = asyncio.run(_read_last(settings.database_url))
    except GatewayError as error:
        raise StartError(f"{why}, and the database cannot be read: {error}; {remedy}") from None
    if stored is None:
        raise StartError(f"{why}, and the database knows no revision; {remedy}")
    return stored


async def _read_last(url: str) -> StoredRevision | None:
    database = open_database(url)
    try:
        await database.upgrade()
        return await Revisions(database).latest()
    finally:
        await database.close()
