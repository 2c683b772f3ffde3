"""Signed pins: honoured as they were made, for as long as they were made for, and not otherwise."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.pins import Fault, PinKey, is_signed_pin, read_pin, write_pin

_SECRET = "s" * 32
_KEY = PinKey(secret=_SECRET, now_s=999.9)
_PIN = write_pin("image_service", 1000, _SECRET)


def test_a_pin_is_the_name_the_moment_and_an_hmac_of_both() -> None:
    """So that another program can make one."""
    digest = hmac.digest(b"s" * 32, b"figueira pin 1\0image_service.1000", hashlib.sha256)
    assert urlsafe_b64encode(digest).decode().rstrip("=") == _PIN.removeprefix(
        "image_service.1000."
    )


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [(0.0, "image_service"), (999.999, "image_service"), (1000.0, Fault.EXPIRED)],
    ids=["long-before", "just-before", "the-moment-itself"],
)
def test_a_pin_is_honoured_until_it_expires(now_s: float, expected: str | Fault) -> None:
    assert read_pin(_PIN.encode(), PinKey(secret=_SECRET, now_s=now_s)) == expected


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param(_PIN.replace("image_service", "legacy"), Fault.FORGED, id="another-backend"),
        pytest.param(_PIN.replace("1000", "2000"), Fault.FORGED, id="another-moment"),
        pytest.param(
            _PIN[:-1] + ("A" if _PIN[-1] != "A" else "B"), Fault.FORGED, id="another-hmac"
        ),
        pytest.param(write_pin("image_service", 1000, "t" * 32), Fault.FORGED, id="another-secret"),
        pytest.param(_PIN[:-1], Fault.MALFORMED, id="cut"),
        pytest.param(_PIN + "=", Fault.MALFORMED, id="padded"),
        pytest.param(_PIN + "\n", Fault.MALFORMED, id="line-end"),
        pytest.param(_PIN.replace(".1000", ".01000"), Fault.MALFORMED, id="leading-zero"),
        pytest.param("image_service.1000", Fault.MALFORMED, id="unsigned"),
        pytest.param("image_service", Fault.MALFORMED, id="plain"),
        pytest.param("", Fault.MALFORMED, id="empty"),
        pytest.param("." * 100_000, Fault.MALFORMED, id="long"),
    ],
)
def test_whatever_was_not_signed_so_is_not_honoured(value: str, fault: Fault) -> None:
    assert read_pin(value.encode(), _KEY) is fault


def test_without_a_secret_nothing_is_honoured_not_even_what_is_signed_with_none() -> None:
    key = PinKey(secret="", now_s=0.0)
    assert read_pin(write_pin("image_service", 1000, "").encode(), key) is Fault.NO_SECRET


@given(st.binary(max_size=90))
def test_bytes_of_any_kind_are_never_a_pin(value: bytes) -> None:
    assert isinstance(read_pin(value, _KEY), Fault)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (b"X-Figueira-Backend", _PIN.encode(), True),
        (b"x-figueira-backend", b"a.b", True),
        (b"X-Figueira-Backend", b"image_service", False),
        (b"X-Figueira-Beta", b"1.5", False),
    ],
)
def test_a_signed_pin_is_told_from_other_fields(name: bytes, value: bytes, expected: bool) -> None:
    assert is_signed_pin((name, value)) is expected
