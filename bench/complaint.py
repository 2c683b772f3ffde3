"""`python -m bench complaint`: what image orders do to everybody else, before and after the move.

Customers look at the product list, each asking, reading and resting, first with nobody else there,
then beside image orders of which as many are always in flight. Three times: at the monolith itself,
through the gateway with all images on the monolith, and through the same gateway and the same
processes after the one number in routes.yaml has been changed. A picture takes its two seconds on
either side.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.complaint_page import Complaint, Samples, page
from bench.machine import this_machine
from bench.processes import HOST, StartError
from bench.shop import DELAY_S, Shop, running_shop

CUSTOMERS, ORDERS = 16, 20
_PRODUCTS = 10
_REST_S = 0.25
"""Between two looks of a customer: the shop is not busy, only its pictures are slow."""
_ANSWER_S = 120.0
"""For one answer: ten times what the slowest of them took."""
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long is measured, in seconds."""

    idle_s: float = 10.0
    loaded_s: float = 40.0


QUICK = Pace(idle_s=1.0, loaded_s=6.0)


def run(folder: Path | None, *, quick: bool) -> int:
    """Measure, print the page, and write ``complaint.md``.

    Args:
        folder: For the page; None is docs/, where a quick run writes nothing.
        quick: For seeing that everything works; its numbers say little.

    Returns:
        The exit code: 1 if it could not be measured.
    """
    machine = this_machine()
    try:
        with running_shop() as shop:
            complaint = measure(shop, QUICK if quick else Pace())
    except (StartError, OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"complaint: could not be measured: {error}\n")
        return 1
    text = page(complaint, machine, " ".join(["python", "-m", "bench", *sys.argv[1:]]))
    sys.stdout.write(f"\n{text}")
    if folder is not None or not quick:
        path = (folder or _ROOT / "docs") / "complaint.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stdout.write(f"\nwritten: {path}\n")
    return 0


def measure(shop: Shop, pace: Pace) -> Complaint:
    """Measure three times, the flip between the second and the third."""
    for number in range(_PRODUCTS):
        with _connected(shop.monolith) as connection:
            _exchange(connection, "/products", {"name": f"Caneca {number}", "price": 19.9})
    direct = _samples(shop.monolith, pace, "the monolith itself")
    before = _samples(shop.gateway, pace, "through the gateway, images on the monolith")
    shop.flip(100)
    after = _samples(shop.gateway, pace, "through the gateway, images on the image service")
    return Complaint(
        customers=CUSTOMERS, orders=ORDERS, delay_s=DELAY_S, samples=[direct, before, after]
    )


def _samples(port: int, pace: Pace, label: str) -> Samples:
    idle_ms = _looks_ms(port, pace.idle_s)
    with _ordering(port) as pictures:
        began_s, begun = time.perf_counter(), len(pictures)
        loaded_ms = _looks_ms(port, pace.loaded_s)
        pictures_per_s = (len(pictures) - begun) / (time.perf_counter() - began_s)
    sys.stdout.write(f"complaint: {label}: done\n")
    sys.stdout.flush()
    return Samples(label=label, idle_ms=idle_ms, loaded_ms=loaded_ms, pictures_per_s=pictures_per_s)


def _looks_ms(port: int, seconds: float) -> list[float]:
    """Have every customer look at the products for a while; return what each look took."""
    until_s = time.perf_counter() + seconds

    def looks(customer: int) -> Iterator[float]:
        time.sleep(_REST_S * customer / CUSTOMERS)  # not all at the same moment
        with _connected(port) as connection:
            while (began_s := time.perf_counter()) < until_s:
                _exchange(connection, "/products")
                yield (time.perf_counter() - began_s) * 1000
                time.sleep(_REST_S)

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        taken = pool.map(lambda customer: list(looks(customer)), range(CUSTOMERS))
        return [each_ms for of_one in taken for each_ms in of_one]


@contextmanager
def _ordering(port: int) -> Iterator[list[int]]:
    """Keep image orders in flight; gives the list of ids that have come so far."""
    ids: list[int] = []
    ends: list[bool] = []

    def order(customer: int) -> None:
        with _connected(port) as connection:
            while not ends:
                fields = {"prompt": f"praia {customer} {len(ids)}"}
                answer = _exchange(connection, "/images", fields, customer)
                if not isinstance(answer, dict) or answer.get("status") != "pronta":
                    raise StartError(f"an image order was answered with {str(answer)[:100]}")
                ids.append(answer["id"])

    with ThreadPoolExecutor(ORDERS) as pool:
        done = [pool.submit(partial(order, customer)) for customer in range(ORDERS)]
        try:
            # orders that have not begun to wait yet would be shorter queues than the rest
            time.sleep(_REST_S)
            yield ids
        finally:
            ends.append(True)
    for each in done:
        each.result()


@contextmanager
def _connected(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=_ANSWER_S)) as opened:
        yield opened


def _exchange(
    connection: http.client.HTTPConnection,
    path: str,
    fields: Mapping[str, object] | None = None,
    customer: int = 0,
) -> object:
    """GET, or POST the fields; return the JSON of the answer, which must be of status 200."""
    headers = {"X-Customer-Id": str(customer), "Content-Type": "application/json"}
    if fields is None:
        connection.request("GET", path, headers=headers)
    else:
        connection.request("POST", path, json.dumps(fields), headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise StartError(f"{path} was answered with status {answer.status}")
    value: object = json.loads(body)
    return value
