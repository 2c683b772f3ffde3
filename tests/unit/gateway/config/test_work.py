"""What a file costs to check grows with its length and not faster, whatever is in it.

Counted in calls, which are the same on every machine; docs/routes.md tells the seconds.
"""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from gateway.config import load
from gateway.errors import ConfigError

HEAD = 'version: 1\nbackends: {legacy: {url: "http://h"}, new: {url: "http://i"}}\nroutes:\n'
LAST = "  - {name: rest, match: {path_prefix: /}, backend: legacy}\n"
ROUTES = {
    "ordinary": """\
  - name: service-{n}
    match: {{path_prefix: /service-{n}}}
    split: {{new: 5, legacy: rest}}
    sticky: [{{header: X-Customer-Id}}, {{cookie: customer}}, client_ip]
    owner:
      id: "/service-{n}/{{id}}"
      ranges: {{legacy: 1..1000000000, new: 1000000001..}}
      unknown: legacy
      lists: legacy
""",
    "one-path": "  - {{name: r{n}, match: {{path: /a, headers: {{X-N: 'n{n}'}}}}, backend: new}}\n",
    "hosts": "  - {{name: r{n}, match: {{path_prefix: /, hosts: [h{n}.example]}}, backend: new}}\n",
    "patterns": "  - {{name: r{n}, match: {{path_regex: '/a{n}/.*'}}, backend: new}}\n",
    "unreachable": "  - {{name: r{n}, match: {{path: /a}}, backend: new}}\n",
    "misspelt": "  - {{name: r{n}, match: {{path: /a{n}}}, backend: legcy{n}}}\n",
    "slips": "  - {{name: r{n}, match: {{path:/a{n}}}, backend:legacy}}\n",
}
SECONDS_OF_CALLS = 1_500_000
"""Calls that half a second is good for, even on a slow machine: 0.3 us each."""


def calls(route: str, count: int) -> int:
    """Python's calls while a file of `count` such routes is read."""
    text = (HEAD + "".join(route.format(n=n) for n in range(count)) + LAST).encode()
    counted = 0

    def count_one(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count_one)
    try:
        load(text)
    except ConfigError:
        pass
    finally:
        sys.setprofile(before)
    return counted


@pytest.mark.parametrize("kind", ROUTES)
def test_twice_the_routes_are_twice_the_work(kind: str) -> None:
    few, many = calls(ROUTES[kind], 200), calls(ROUTES[kind], 400)
    assert many <= 2.2 * few


def test_a_thousand_routes_are_well_within_half_a_second() -> None:
    assert calls(ROUTES["ordinary"], 1000) < SECONDS_OF_CALLS
