"""What `bench.owner` runs under the gateway's own Python: the look-ups, timed in this process."""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable, Iterator
from functools import partial

from bench.table import table
from bench.targets import digits
from gateway.config import load
from gateway.routing.decide import decide
from gateway.routing.owner import OwnerIndex
from gateway.routing.table import Table
from gateway.wire.messages import RequestHead

TARGET_US = 2.0
_TURNS, _CALLS = 9, 20_000
_ROUTES = """\
version: 1
backends: {legacy: {url: "http://a"}, image_service: {url: "http://b"}}
routes:
  - name: images
    match: {path_prefix: /images}
    split: {image_service: 50, legacy: rest}
    sticky: [{header: X-Customer-Id}]
    owner:
      id: "/images/{id}"
      ranges: {legacy: 1..1000000000, image_service: 1000000001..}
      prefixes: {image_service: img_}
      unknown: legacy
      lists: legacy
  - {name: plain, match: {path_prefix: /plain}, split: {image_service: 50, legacy: rest}}
  - {name: rest, match: {path_prefix: /}, backend: legacy}
"""
_ASKED = {
    "a number": b"/images/7",
    "a long one, and below it": b"/images/1000000001/file",
    "a prefix": b"/images/img_7f3c",
    "an unknown id": b"/images/7f3c-22",
    "leading zeros": b"/images/00000000000000000000000007",
    "an escaped plus": b"/images/%2B7",
    "the list": b"/images",
    "a split without owner": b"/plain/7",
}


def report() -> Iterator[str]:
    """The table, and what is aimed at; the quickest turn counts, whatever disturbs can only add."""
    routes = Table(load(_ROUTES.encode()))
    owner = routes.ways[0].route.owner
    assert owner is not None  # noqa: S101 - the text above says so
    index = OwnerIndex(owner)
    rows = []
    for name, path in _ASKED.items():
        head = RequestHead(b"GET", path)
        head.named = {b"x-customer-id": b"42"}
        is_owned = path.startswith(b"/images")
        look_up = digits(_least_us(partial(index.claim, b"GET", path))) if is_owned else "-"
        rows.append([name, look_up, digits(_least_us(partial(decide, routes, head, 0.5)))])
    yield table(["microseconds", "the look-up", "the whole decision"], rows)
    yield f"\nA look-up is to cost less than {TARGET_US:g} microseconds."


def _least_us(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=_CALLS, repeat=_TURNS)) / _CALLS * 1e6


if __name__ == "__main__":
    sys.stdout.write("\n".join(report()) + "\n")
