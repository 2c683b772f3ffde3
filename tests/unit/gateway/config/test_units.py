"""What the small values mean; what is refused is in the golden files."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import units
from gateway.config.units import Span
from gateway.routing.snapshot import BUCKETS


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("1ms", 0.001), ("250ms", 0.25), ("1s", 1.0), ("1.5s", 1.5), ("2m", 120.0), ("60m", 3600.0)],
)
def test_a_duration_is_seconds(written: str, seconds: float) -> None:
    assert units.duration_s(written) == seconds


@pytest.mark.parametrize(
    ("written", "buckets"),
    [
        (0, 0),
        (5, 5_000),
        (100, BUCKETS),
        (Decimal("0.001"), 1),
        (Decimal("12.5"), 12_500),
        (Decimal("5.0000"), 5_000),
        ("rest", "rest"),
    ],
)
def test_a_weight_is_a_number_of_buckets(written: object, buckets: object) -> None:
    assert units.weight(written) == buckets


@given(st.integers(0, BUCKETS))
def test_a_weight_is_shown_as_it_is_written(buckets: int) -> None:
    assert units.weight(Decimal(units.percent(buckets))) == buckets


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("0..0", Span(first=0, last=0)),
        ("1..1000000000", Span(first=1, last=1_000_000_000)),
        ("1000000001..", Span(first=1_000_000_001, last=None)),
        ("1..9223372036854775807", Span(first=1, last=2**63 - 1)),
    ],
)
def test_a_range_has_both_its_ends(written: str, span: Span) -> None:
    assert units.span(written) == span
    assert str(span) == written


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("127.0.0.0/8", "127.0.0.0/8"),
        ("10.1.2.3/32", "10.1.2.3/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00:0::/8", "fd00::/8"),
        ("::1/128", "::1/128"),
    ],
)
def test_a_network_has_one_spelling(written: str, network: str) -> None:
    assert units.cidr(written) == network


@pytest.mark.parametrize("written", ["GET", "M-SEARCH", "VERSION-CONTROL"])
def test_methods_are_kept(written: str) -> None:
    assert units.method(written) == written


@pytest.mark.parametrize("written", ["", "1", "text/html; q=0.8", 'W/"x"'])
def test_header_values_are_kept(written: str) -> None:
    assert units.field_value(written) == written
