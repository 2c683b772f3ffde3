"""The command ``figueira-images``: serve, work, migrate, clean up."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated

import typer

from image_service.errors import StartupError
from image_service.request_ids import NamingFormatter
from image_service.settings import DEFAULT_HOST, DEFAULT_PORT, Settings, read_settings

app = typer.Typer(
    help="The image service: takes orders for pictures, buys each once, keeps and serves them.",
    no_args_is_help=True,
    add_completion=False,
)

Act = Callable[[Settings], Coroutine[object, object, None]]


def main() -> None:
    """Run the command."""
    app()


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help=f"Address to listen on [IMAGE_HOST, {DEFAULT_HOST}]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help=f"Port to listen on, 0 = any [IMAGE_PORT, {DEFAULT_PORT}]")
    ] = None,
    worker: Annotated[
        bool | None,
        typer.Option("--worker/--no-worker", help="Make pictures as well [IMAGE_WORKER, on]"),
    ] = None,
) -> None:
    """Take orders over HTTP; by default make the pictures as well."""
    flags = {}
    if host is not None:
        flags["IMAGE_HOST"] = host
    if port is not None:
        flags["IMAGE_PORT"] = str(port)
    if worker is not None:
        flags["IMAGE_WORKER"] = "on" if worker else "off"
    raise typer.Exit(run_serve(flags))


@app.command()
def worker() -> None:
    """Make pictures of orders that other processes take, on the same database and blobs."""
    raise typer.Exit(_run(_work, {}))


@app.command()
def migrate() -> None:
    """Bring the database up to date, as every start does, and end."""
    raise typer.Exit(_run(_migrate, {}))


@app.command()
def gc(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
    even_all: Annotated[
        bool,
        typer.Option("--even-all", help="Also if the database knows none of the pictures."),
    ] = False,
) -> None:
    """Delete what nobody can ask for any more: old jobs and keys, and pictures of no image.

    Serving processes delete jobs and keys every hour; pictures wait for this command.
    """

    async def act(settings: Settings) -> None:
        await _clean(settings, dry_run=dry_run, even_all=even_all)

    raise typer.Exit(_run(act, {}))


@app.command(name="import")
def import_(
    url: Annotated[
        str,
        typer.Option(
            "--from-changes", help="The monolith's change feed, such as http://127.0.0.1:8003"
        ),
    ],
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until stopped.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Then compare every row and picture; 3 if they differ."),
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Take in one page at most.")] = False,
    begin_again: Annotated[
        bool,
        typer.Option(
            "--begin-again",
            help="Read everything anew, also from another feed; remove what it does not have.",
        ),
    ] = False,
    reader: Annotated[
        str, typer.Option(help="The name under which the feed keeps events; empty for none.")
    ] = "images",
) -> None:
    """Bring the monolith's images and their pictures over, and every change to them.

    It goes on where it was stopped. Exit codes: 0 done, 1 failed, 3 verified and not the same,
    4 the feed cannot go on from where the import stands.
    """
    code = 0

    async def act(settings: Settings) -> None:
        nonlocal code
        from image_service.backfill.command import Wanted, run  # noqa: PLC0415 - as above

        wanted = Wanted(
            url=url,
            follow=follow,
            verify=verify,
            once=once,
            begin_again=begin_again,
            reader=reader,
        )
        code = await run(settings, wanted)

    raise typer.Exit(_run(act, {}) or code)


def run_serve(flags: Mapping[str, str]) -> int:
    """Serve until a signal; ``flags`` override the environment. Returns the exit code."""

    async def act(settings: Settings) -> None:
        # Not needed by the other commands, and slow to import.
        from image_service.serving import listen, serve  # noqa: PLC0415

        with listen(settings.host, settings.port) as listener:
            await serve(settings, listener)

    return _run(act, flags)


async def _work(settings: Settings) -> None:
    from image_service.serving import work  # noqa: PLC0415 - as above

    await work(settings)


async def _migrate(settings: Settings) -> None:
    from image_service.parts import open_dispatcher, open_prepared  # noqa: PLC0415 - as above

    database = await open_prepared(settings)
    try:
        await open_dispatcher(settings, database)
    finally:
        await database.close()
    sys.stdout.write("The database is up to date.\n")


async def _clean(settings: Settings, *, dry_run: bool, even_all: bool) -> None:
    from image_service.blobs.garbage import is_strange, sweep  # noqa: PLC0415 - as above
    from image_service.blobs.opening import open_blobs  # noqa: PLC0415
    from image_service.housekeeping import clean, known, referred  # noqa: PLC0415
    from image_service.parts import open_prepared  # noqa: PLC0415
    from image_service.shared_clock import wall_clock  # noqa: PLC0415

    blobs = await open_blobs(settings.blob_place, clock=wall_clock)
    database = await open_prepared(settings)
    now = wall_clock()
    try:
        if not even_all and await is_strange(blobs, functools.partial(known, database)):
            raise _strangers(settings)
        cleaned = await clean(database, now=now, keep_s=settings.jobs.keep_s, dry_run=dry_run)
        swept = await sweep(blobs, functools.partial(referred, database), now=now, dry_run=dry_run)
    finally:
        await database.close()
    did = "would be deleted" if dry_run else "deleted"
    sys.stdout.write(
        f"{cleaned.jobs} finished jobs, {cleaned.claims} keys, {swept.deleted} of {swept.seen} "
        f"pictures ({swept.deleted_bytes / 1e6:.1f} MB) {did}.\n"
    )


def _strangers(settings: Settings) -> StartupError:
    shown = settings.database.render_as_string(hide_password=True)
    return StartupError(
        where=f"IMAGE_DATABASE_URL ({shown}), IMAGE_BLOB_URL ({settings.blob_place})",
        why="the database knows none of the pictures that are kept there, so that gc would "
        "delete all of them",
        remedy="name the database whose images they are, or say --even-all",
    )


def _run(act: Act, flags: Mapping[str, str]) -> int:
    """Do something with the settings; 1 and one line on stderr when that cannot even begin."""
    lines = logging.StreamHandler()
    lines.setFormatter(NamingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[lines])
    try:
        asyncio.run(act(read_settings({**os.environ, **flags})))
    except StartupError as error:
        sys.stderr.write(f"image_service: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    main()
