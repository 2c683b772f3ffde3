"""The image service's orders without its HTTP surface, on a database of the test's choice."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from image_service.contract import Order
from image_service.database import Database
from image_service.ledger.prices import Prices
from image_service.orders import Orders, Wish
from image_service.parts import open_parts
from image_service.providers.port import Provider
from image_service.running import Workshop
from image_service.settings import read_settings
from image_service.shared_clock import Clocks
from image_service.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a test works with; nobody makes pictures before ``workshop.start()``."""

    database: Database
    orders: Orders
    store: Store
    workshop: Workshop

    async def take(self, order: Order, customer: str = "c:test") -> int:
        """Take an order; return the number of its image."""
        receipt = await self.orders.submit(Wish(order=order, customer=customer))
        assert receipt.image_id is not None
        return receipt.image_id


@asynccontextmanager
async def open_bench(
    database_url: str,
    *,
    provider: Provider | None = None,
    prices: Prices | None = None,
    changes: Mapping[str, str] | None = None,
    clocks: Clocks | None = None,
) -> AsyncIterator[Bench]:
    """Open it, and stop its worker in the end.

    `changes` are settings as in the environment; `clocks` what time is read from.
    """
    with tempfile.TemporaryDirectory(prefix="figueira-blobs-") as folder:
        chosen = {
            "IMAGE_DATABASE_URL": database_url,
            "IMAGE_BLOB_URL": str(Path(folder) / "blobs"),
            "IMAGE_PROVIDER": "procedural",
        }
        settings = read_settings({**chosen, **(changes or {})})
        async with open_parts(settings, provider=provider, prices=prices, clocks=clocks) as parts:
            yield Bench(
                database=parts.database,
                orders=parts.workshop.orders,
                store=Store(parts.database),
                workshop=parts.workshop,
            )
            await parts.workshop.stop(0.0)
