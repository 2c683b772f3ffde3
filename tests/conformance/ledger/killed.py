"""A process that takes trials until it is killed: run by `test_ledger` with a database's URL."""

from __future__ import annotations

import asyncio
import sys

from gateway.control.ledger import Ledger
from tests.conformance.ledger.plans import plan
from tests.support.trials import RUN, result


async def _take(url: str) -> None:
    ledger = Ledger(plan(url))
    ledger.start()
    number = 0
    while True:
        for _ in range(20):
            ledger.began(RUN)
        for _ in range(19):  # one is always left under way
            number += 1
            ledger.ended(result(request=f"{number}"))
        await asyncio.sleep(0.001)
        if number % 1900 == 0:
            sys.stdout.write(f"{ledger.state.written}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_take(sys.argv[1]))
