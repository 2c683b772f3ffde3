"""What keeps a customer on one side, and where it is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.snapshot import Sticky
from gateway.routing.sticky import StickyIndex, cookie
from tests.unit.gateway.routing.shop import CLIENT_IP, COOKIE, CUSTOMER, head

_ALL = (CUSTOMER, COOKIE, CLIENT_IP)


@pytest.mark.parametrize(
    ("named", "client_ip", "expected"),
    [
        pytest.param(
            {b"x-customer-id": b"7", b"cookie": b"customer=8"}, "::1", (CUSTOMER, b"7"), id="first"
        ),
        pytest.param({b"cookie": b"customer=8"}, "::1", (COOKIE, b"8"), id="second"),
        pytest.param({b"x-customer-id": b""}, "::1", (CLIENT_IP, b"::1"), id="empty-header"),
        pytest.param({b"cookie": b"customer="}, "::1", (CLIENT_IP, b"::1"), id="empty-cookie"),
        pytest.param({b"cookie": b"other=8"}, "::1", (CLIENT_IP, b"::1"), id="other-cookie"),
        pytest.param({}, "", None, id="nothing-not-even-an-address"),
        pytest.param({b"x-customer-id": b"7, 8"}, "", (CUSTOMER, b"7, 8"), id="joined-header"),
        pytest.param({b"x-customer-id": b"\xff\x00"}, "", (CUSTOMER, b"\xff\x00"), id="raw-bytes"),
    ],
)
def test_the_first_source_that_a_request_carries_decides(
    named: dict[bytes, bytes], client_ip: str, expected: tuple[Sticky, bytes] | None
) -> None:
    found = StickyIndex(_ALL).find(head("/", named=named, client_ip=client_ip))
    assert found == ((str(expected[0]), expected[1]) if expected else ("", b""))


def test_the_order_is_the_routes_not_the_requests() -> None:
    request = head("/", named={b"x-customer-id": b"7"}, client_ip="::1")
    assert StickyIndex((CLIENT_IP, CUSTOMER)).find(request) == ("client_ip", b"::1")


def test_no_source_decides_nothing() -> None:
    assert StickyIndex(()).find(head("/", named={b"x-customer-id": b"7"})) == ("", b"")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(b"customer=7", b"7", id="alone"),
        pytest.param(b"a=1; customer=7; b=2", b"7", id="among-others"),
        pytest.param(b"a=1;customer=7", b"7", id="without-space"),
        pytest.param(b" customer = 7 ", b"7", id="space-around"),
        pytest.param(b'customer="7"', b'"7"', id="quotes-belong-to-the-value"),
        pytest.param(b"customer=7; customer=8", b"7", id="first-of-two"),
        pytest.param(b"customer=; customer=8", b"", id="first-of-two-though-empty"),
        pytest.param(b"customer=a=b==", b"a=b==", id="equals-signs-in-the-value"),
        pytest.param(b"customer", None, id="no-value"),
        pytest.param(b"customer; customer=8", b"8", id="no-value-then-one"),
        pytest.param(b"xcustomer=7", None, id="ends-with-the-name"),
        pytest.param(b"customerx=7", None, id="begins-with-the-name"),
        pytest.param(b"a=customer=7", None, id="name-inside-a-value"),
        pytest.param(b"Customer=7", None, id="cookie-names-are-case-sensitive"),
        pytest.param(b"a=\xff; customer=\xfe", b"\xfe", id="not-ascii"),
        pytest.param(b";;;=;customer=7", b"7", id="junk"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_a_cookie_is_found_by_its_whole_name(value: bytes, expected: bytes | None) -> None:
    assert expected == cookie(value, b"customer")


_TOKEN = st.from_regex(rb"[a-z]{1,3}", fullmatch=True)


@given(st.lists(st.tuples(_TOKEN, _TOKEN), max_size=6), _TOKEN)
@settings(max_examples=50)
def test_a_cookie_is_what_a_list_of_pairs_says(
    pairs: list[tuple[bytes, bytes]], name: bytes
) -> None:
    written = b"; ".join(b"%b=%b" % pair for pair in pairs)
    expected = next((value for key, value in pairs if key == name), None)
    assert expected == cookie(written, name)
