"""Opens what every process of the service needs, whether it serves or only works."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from image_service.blobs import BlobStore
from image_service.blobs.opening import open_blobs
from image_service.database import Database, open_database
from image_service.errors import StartupError
from image_service.jobs.dispatch import Dispatcher
from image_service.jobs.dispatch_table import TableDispatcher
from image_service.ledger.price_file import read_prices
from image_service.ledger.prices import Prices, UnknownModelError
from image_service.migrations import NewerTablesError
from image_service.providers.assembly import open_provider
from image_service.providers.checked import CheckedProvider
from image_service.providers.port import Provider
from image_service.running import Outfit, Workshop
from image_service.settings import Settings
from image_service.shared_clock import Clocks, SharedClock, clocks_of, wall_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is open while a process runs.

    ``clock`` is this machine's own, which others sign by; orders go by ``workshop.clock``.

    Attributes:
        rehearser: Asked for trials, where they ask who paints for customers: one of its own, so
            that no trial that fails opens a breaker before a customer's order.
    """

    database: Database
    blobs: BlobStore
    workshop: Workshop
    rehearser: Provider | None
    clock: Callable[[], float]


@asynccontextmanager
async def open_parts(
    settings: Settings,
    *,
    provider: Provider | None = None,
    prices: Prices | None = None,
    clocks: Clocks | None = None,
) -> AsyncIterator[Parts]:
    """Open everything, and close it afterwards in the opposite order.

    Args:
        settings: What the operator chose.
        provider: Paints instead of the one that the settings name.
        prices: What that one costs; None takes the price table that the settings name.
        clocks: What time is read from; None takes the database's.

    Raises:
        StartupError: Something cannot be used.
    """
    clock = wall_clock
    table = prices or read_prices(settings.jobs.price_file)
    blobs = await open_blobs(settings.blob_place, clock=clock)
    database = await open_prepared(settings)
    painter = open_provider(settings) if provider is None else CheckedProvider(provider)
    asks = settings.jobs.trials_ask_provider
    rehearser = (open_provider(settings) if provider is None else painter) if asks else None
    try:
        _check_prices(table, painter.name)
        dispatcher = await open_dispatcher(settings, database)
        # Where SQS announces jobs, processes are Lambda's, which freezes them at any moment.
        is_frozen_at_times = settings.jobs.queue_url is not None
        shared = SharedClock(clocks or clocks_of(database), moves_records=not is_frozen_at_times)
        await shared.start(database)
        workshop = Workshop(
            Outfit(
                database=database,
                blobs=blobs,
                provider=painter,
                prices=table,
                dispatcher=dispatcher,
                settings=settings.jobs,
                concurrency=settings.concurrency,
                clock=shared,
            )
        )
        try:
            yield Parts(
                database=database, blobs=blobs, workshop=workshop, rehearser=rehearser, clock=clock
            )
        finally:
            await workshop.close()
    finally:
        if rehearser is not None:
            await rehearser.close()
        await painter.close()
        await database.close()


def _check_prices(prices: Prices, provider: str) -> None:
    try:
        prices.check(provider)
    except UnknownModelError as error:
        raise StartupError(
            where="IMAGE_MODEL",
            why=f"{error}, so nobody could say what an order costs",
            remedy="add its price to a price table of your own, and name that in IMAGE_PRICES",
        ) from error


async def open_prepared(settings: Settings) -> Database:
    """Open the database and bring its tables up to date.

    Raises:
        StartupError: It cannot be used.
    """
    url = settings.database
    try:
        if url.get_backend_name() == "sqlite" and url.database is not None:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        return await _prepared(open_database(url))
    except NewerTablesError as error:
        raise StartupError(
            where=f"IMAGE_DATABASE_URL ({url.render_as_string(hide_password=True)})",
            why=str(error),
            remedy="start the version that changed them, or a later one",
        ) from error
    except (OSError, SQLAlchemyError, ImportError) as error:
        cause = getattr(error, "orig", None) or error
        lines = str(cause).splitlines() or [""]
        raise StartupError(
            where=f"IMAGE_DATABASE_URL ({url.render_as_string(hide_password=True)})",
            why=f"the database cannot be used ({type(cause).__name__}: {lines[0]})",
            remedy="check that it runs and that this user may create tables there",
        ) from error


async def _prepared(database: Database) -> Database:
    try:
        await database.prepare()
    except BaseException:
        await database.close()
        raise
    return database


async def open_dispatcher(settings: Settings, database: Database) -> Dispatcher:
    """Choose who hands out jobs, and prepare its tables.

    Raises:
        StartupError: PgQueuer was asked for and cannot be had.
    """
    if settings.jobs.queue_url is not None:
        # An extra, and slow to import.
        from image_service.aws.clients import sqs  # noqa: PLC0415
        from image_service.aws.dispatch import SqsDispatcher  # noqa: PLC0415

        return SqsDispatcher(settings.jobs.queue_url, client=sqs)
    wanted = settings.jobs.dispatcher
    can_pgqueuer = not database.is_sqlite and find_spec("pgqueuer") is not None
    if wanted == "table" or (wanted == "auto" and not can_pgqueuer):
        return TableDispatcher()
    if not can_pgqueuer:
        raise StartupError(
            where="IMAGE_DISPATCHER",
            why="PgQueuer needs PostgreSQL and the package pgqueuer",
            remedy="set IMAGE_DATABASE_URL and install figueira[postgres], or unset it",
        )
    # An extra: it comes with its own driver, and takes a third of a second to import.
    from image_service.jobs.dispatch_pgqueuer import PgQueuerDispatcher  # noqa: PLC0415

    dispatcher = PgQueuerDispatcher(database, lease_s=settings.jobs.lease_s)
    await dispatcher.prepare()
    return dispatcher
