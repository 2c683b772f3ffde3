"""The image service with a provider that takes two seconds and costs no CPU of its own.

What is left is the service's share: taking, waiting, checking, keeping, answering.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from dataclasses import replace

import uvicorn

from image_service.app import create_app
from image_service.contract import Order
from image_service.ledger.prices import Prices
from image_service.providers.port import Call, Painted
from image_service.providers.procedural import render
from image_service.settings import read_settings

_TAKES_S = 2.0


class _Waiting:
    """Sends one fixed picture after a while, as a provider elsewhere does."""

    name = "waiting"

    def __init__(self) -> None:
        self._picture = render("praia", 512, 512)

    async def paint(self, order: Order, *, call: Call) -> Painted:
        """Wait, and send it."""
        del order, call
        await asyncio.sleep(_TAKES_S)
        return Painted(content=self._picture, provider=self.name)

    async def close(self) -> None:
        """Hold nothing."""


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port: int = parser.parse_args().port
    settings = replace(read_settings(os.environ), port=port)
    app = create_app(settings, provider=_Waiting(), prices=Prices({"waiting": None}))
    uvicorn.run(app, port=port, http="h11", ws="none", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
