"""Names and times of certificates, as a library of others reads them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from gateway.control.x509 import CertificateFacts, read_facts

AUTHORITY = trustme.CA()
END = datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)


def _issue(*names: str, not_after: datetime | None = None) -> bytes:
    issued = AUTHORITY.issue_cert(*names, not_after=not_after)
    return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize(
    "names",
    [
        ("shop.example",),
        ("shop.example", "*.shop.example", "127.0.0.1", "2001:db8::1"),
        tuple(f"host-{number}.example" for number in range(200)),
    ],
    ids=len,
)
@pytest.mark.parametrize("not_after", [None, END, datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_names_and_times_are_those_that_others_read(
    names: tuple[str, ...], not_after: datetime | None
) -> None:
    """A time from 2050 on is written in another way; so are lengths above 127 bytes."""
    data = _issue(*names, not_after=not_after)
    theirs = x509.load_der_x509_certificate(data)
    facts = read_facts(data)
    assert facts.names == names
    assert facts.not_before == theirs.not_valid_before_utc
    assert facts.not_after == theirs.not_valid_after_utc
    assert facts.not_after == not_after or not_after is None


def test_an_authority_has_no_host_names() -> None:
    data = ssl.PEM_cert_to_DER_cert(AUTHORITY.cert_pem.bytes().decode())
    assert read_facts(data).names == ()


@given(st.data())
def test_whatever_is_broken_is_no_certificate(data: st.DataObject) -> None:
    """And nothing but a ValueError comes of it."""
    whole = bytearray(_CERTIFICATE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    try:
        read_facts(bytes(whole))
    except ValueError:
        return


_CERTIFICATE = _issue("shop.example")


@pytest.mark.parametrize(
    ("days", "left_days", "is_due"),
    [
        pytest.param(90, 15, False, id="there is time"),
        pytest.param(90, 13, True, id="it should have been renewed"),
        pytest.param(90, -1, True, id="it is over"),
        pytest.param(6, 2, False, id="issued for days there is time"),
        pytest.param(6, 0.9, True, id="issued for days it should have been renewed"),
    ],
)
def test_when_somebody_should_look(days: float, left_days: float, is_due: bool) -> None:
    facts = CertificateFacts(
        names=(), not_before=END - timedelta(days=days), not_after=END, sha256=""
    )
    assert facts.is_due(END - timedelta(days=left_days)) is is_due
