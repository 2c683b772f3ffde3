"""Puts the gallery together from the settings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.gallery.checking import Checks
from legacy_stub.gallery.chosen import ChosenGallery
from legacy_stub.gallery.local import LocalGallery, Paint
from legacy_stub.gallery.mode import ModeSetting
from legacy_stub.gallery.remote import RemoteGallery
from legacy_stub.gallery.tally import Tally
from legacy_stub.providers.slow import slowed
from legacy_stub.settings import Provider, Settings
from legacy_stub.stopping import Stopping

log = logging.getLogger("legacy_stub.images")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGallery:
    """The gallery, and how everything behind it is closed."""

    chosen: ChosenGallery
    close: Callable[[], None]


def open_gallery(
    settings: Settings, sessions: sessionmaker[Session], *, render: Paint, stopping: Stopping
) -> OpenGallery:
    """Open both sides; nothing is asked of the image service before the mode says so.

    Args:
        settings: Who paints, who draws, and where the image service is.
        sessions: Opens a database session.
        render: Draws for the procedural provider.
        stopping: Ends every wait when the process ends.
    """
    paint, close_painter = _painter(settings, render, stopping)
    local = LocalGallery(sessions, paint)
    remote = RemoteGallery(
        settings.image_service_url,
        timeout_s=settings.image_service_timeout_s,
        connections=settings.workers + 1,  # and one for the comparison
        stopping=stopping,
    )
    mode = ModeSetting(sessions, otherwise=settings.images)
    if (now := mode.now()) is not settings.images:
        # Both are the operator's words: it must not come as a surprise which of them holds.
        words = "images_mode mode=%s by=command instead_of=%s"
        log.warning(words, now.value, settings.images.value)
    is_exact = settings.provider is Provider.PROCEDURAL
    checks = Checks(local=local, remote=remote, tally=Tally(sessions), exact=is_exact)
    checks.start()

    def close() -> None:
        checks.close()
        remote.close()
        close_painter()

    chosen = ChosenGallery(local=local, remote=remote, mode=mode.now, compare=checks.offer)
    return OpenGallery(chosen=chosen, close=close)


def _painter(
    settings: Settings, render: Paint, stopping: Stopping
) -> tuple[Paint, Callable[[], None]]:
    if settings.provider is Provider.PROCEDURAL or settings.openai_api_key is None:
        return slowed(render, median_s=settings.image_delay_s, stopping=stopping), lambda: None
    # Importing the SDK takes more than a second, which only its users should wait.
    from legacy_stub.providers.openai import OpenAIPainter  # noqa: PLC0415

    painter = OpenAIPainter(
        model=settings.model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        stopping=stopping,
    )
    return painter.paint, painter.close
