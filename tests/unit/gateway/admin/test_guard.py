"""By which names the admin port may be asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.guard import is_allowed

ALLOWED = frozenset({"gateway.internal"})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9000",
        "LocalHost:9000",
        "localhost.",
        "figueira.localhost:9000",
        "127.0.0.1",
        "127.0.0.1:9000",
        "192.0.2.7:9000",
        "[::1]",
        "[::1]:9000",
        "[2001:db8::7]:9000",
        "[fe80::1%eth0]:9000",
        "gateway.internal",
        "Gateway.Internal:80",
        "gateway.internal.",
    ],
)
def test_addresses_loopback_and_allowed_names_may_ask(host: str) -> None:
    assert is_allowed(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":9000",
        "evil.example",
        "evil.example:9000",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "evil.gateway.internal",
        "gateway.internal.evil.example",
        "localhost..",
        "localhost:",
        "localhost:900000",
        "localhost:9000:9000",
        "user@localhost",
        "localhost/evil.example",
        "localhost, evil.example",
        "localhost\n",
        "2130706433",
        "0x7f.0.0.1",
        "127.1",
        "::1",
        "[localhost]",
        "[::1",
        "[::1]evil",
    ],
)
def test_any_other_name_is_refused(host: str) -> None:
    assert not is_allowed(host, ALLOWED)


@given(st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10}){1,3}", fullmatch=True))
def test_no_name_is_allowed_by_itself(name: str) -> None:
    if not name.endswith(".localhost"):
        assert not is_allowed(name, frozenset())
