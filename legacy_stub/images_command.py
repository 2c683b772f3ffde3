"""``python -m legacy_stub images``: show who draws, or order another, while it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import sessionmaker

from legacy_stub.database import open_database
from legacy_stub.errors import StartError
from legacy_stub.gallery.mode import Mode, ModeSetting
from legacy_stub.gallery.port import GalleryError
from legacy_stub.gallery.remote import RemoteGallery
from legacy_stub.gallery.tally import Tally
from legacy_stub.settings import Settings, load
from legacy_stub.stopping import Stopping

DEFAULT = "default"
PROBE_S = 5.0  # for the image service to answer at all


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Do what the command line says; the settings are those of the monolith it is said to.

    Returns:
        The exit code: 0, or 1 with one line on stderr when nothing could be changed or shown.
    """
    given = _parser().parse_args(arguments)
    try:
        settings = load(environ)
        _find_database(settings)
        if given.mode in {Mode.REMOTE.value, Mode.BOTH.value} and not given.force:
            _probe(settings)
        engine = open_database(settings.database_url, connections=1)
        try:
            return _run(engine, settings, given.mode)
        finally:
            engine.dispose()
    except StartError as error:
        sys.stderr.write(f"legacy_stub: {error}\n")
    except DBAPIError as error:
        sys.stderr.write(f"legacy_stub: the database says {error.orig}; nothing has changed\n")
    return 1


def _run(engine: Engine, settings: Settings, ordered: str | None) -> int:
    sessions = sessionmaker(engine)
    mode, tally = ModeSetting(sessions, otherwise=settings.images), Tally(sessions)
    if ordered is not None:
        mode.put(None if ordered == DEFAULT else Mode(ordered))
        if ordered == Mode.BOTH.value:
            tally.reset()  # what was compared before says nothing of what is now
    by = "LEGACY_IMAGES" if mode.ordered() is None else "command"
    counts = ", ".join(f"{count} {each.value}" for each, count in tally.counts().items())
    sys.stdout.write(f"images: {mode.now().value} (by {by})\ncompared: {counts}\n")
    return 0


def _find_database(settings: Settings) -> None:
    """See that there is a database: a new one would be nobody's.

    Raises:
        StartError: There is none.
    """
    url = make_url(settings.database_url)
    file = Path(url.database or "")
    if url.get_backend_name() == "sqlite" and not file.is_file():
        raise StartError(
            where="LEGACY_DATABASE_URL",
            why=f"there is no database {file.absolute()}",
            remedy="give the command the environment and the working folder of the monolith",
        )


def _probe(settings: Settings) -> None:
    """See that the image service is there.

    Raises:
        StartError: It does not.
    """
    url = settings.image_service_url
    stopping = Stopping()
    service = RemoteGallery(url, timeout_s=PROBE_S, connections=1, stopping=stopping)
    try:
        service.check()
    except GalleryError as error:
        raise StartError(
            where="IMAGE_SERVICE_URL",
            why=f"no image service is ready there ({error})",
            remedy="start it, name another place, or order it all the same with --force",
        ) from error
    finally:
        service.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m legacy_stub images",
        description="Who draws the pictures that are ordered inside the monolith: 'local', the "
        "image service ('remote'), or both, of which the monolith's answer counts and the "
        "differences are logged and counted. It holds from the next order on, over restarts.",
    )
    parser.add_argument(
        "mode",
        nargs="?",
        choices=[*(mode.value for mode in Mode), DEFAULT],
        help=f"none shows what holds; {DEFAULT} takes the order back: LEGACY_IMAGES holds again",
    )
    parser.add_argument(
        "--force", action="store_true", help="without asking the image service whether it is there"
    )
    return parser
