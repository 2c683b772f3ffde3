"""Clients that half the world uses see the same through the gateway as without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.third_parties.asks import Client, comparable
from tests.e2e.third_parties.cases import CASES, Case
from tests.e2e.third_parties.clients import curl, node
from tests.e2e.third_parties.clients.aiohttp_session import Aiohttp
from tests.e2e.third_parties.clients.httpx_client import Httpx
from tests.e2e.third_parties.clients.requests_session import Requests
from tests.e2e.third_parties.conftest import Ways

pytestmark = pytest.mark.e2e

CLIENTS: tuple[tuple[Client, bool], ...] = (
    (curl.Curl(), curl.PROGRAM is not None),
    (Requests(), True),
    (Httpx(), True),
    (Aiohttp(), True),
    (node.Node(), node.PROGRAM is not None),
)
"""Each with whether it is at hand."""


_CUT = {("curl", "curl 18"): "curl 56", ("httpx", "RemoteProtocolError"): "ReadError"}
"""How a client names an answer that is broken off, and how through the gateway, which resets the
connection: then no client can take it for complete, whatever it thinks of a missing end."""


def _marks(client: Client, case: Case, *, is_there: bool) -> list[pytest.MarkDecorator]:
    if not is_there:
        return [pytest.mark.skip(f"{client.name} is not on this machine")]
    if client.name in case.lost:
        return [pytest.mark.xfail(reason=case.lost[client.name], strict=True)]
    return []


def _table() -> list[object]:
    return [
        pytest.param(
            client,
            case,
            id=f"{client.name}-{case.name}",
            marks=_marks(client, case, is_there=is_there),
        )
        for client, is_there in CLIENTS
        for case in CASES
        if case.skills <= client.skills and client.name not in case.not_for
    ]


@pytest.mark.parametrize(("client", "case"), _table())
def test_promise_1_a_client_sees_the_same_through_the_gateway(
    ways: Ways, client: Client, case: Case
) -> None:
    """Status, reason, fields and their order, body, trailers, errors, redirects, cookies."""
    direct = client.ask(ways.direct, case.asks)
    through = client.ask(ways.gateway, case.asks)
    assert tuple(seen.status for seen in direct.seen) == case.statuses, direct
    expected = [
        replace(seen, error=_CUT.get((client.name, seen.error), seen.error))
        for seen in comparable(direct, ways.direct)
    ]
    assert comparable(through, ways.gateway) == expected
    if case.keeps:
        assert (direct.connections, through.connections) == (1, 1)
