"""What an operator wants to know of a certificate: whose it is, and until when.

Python's ``ssl`` tells that only of a certificate which it has verified, and one that customers are
shown is verified by them. So the few fields are read here (RFC 5280, section 4.1). Nothing is
decided by them.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

_SEQUENCE, _VERSION, _EXTENSIONS = 0x30, 0xA0, 0xA3
_UTC_TIME = 0x17
_DNS_NAME, _ADDRESS = 0x82, 0x87
_SUBJECT_ALT_NAME = bytes((0x06, 0x03, 0x55, 0x1D, 0x11))
"""The object identifier 2.5.29.17, as it is encoded."""
_LONG = 0x80
_VALIDITY_PLACE = 3
"""Behind serial number, algorithm and issuer, where the version is left out of the count."""
_MOST_WARNED = timedelta(days=14)
"""Before the end: two weekends."""
_PART_WARNED = 6
"""Or this part of its whole time, for those that are issued for a few days."""


class CertificateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that customers are shown."""

    names: tuple[str, ...]
    """Host names and addresses that it is for."""
    not_before: datetime
    not_after: datetime
    sha256: str
    """Of its DER form, in hexadecimal."""

    def is_due(self, now: datetime) -> bool:
        """Whether it is over, or so soon that somebody should look why it was not renewed."""
        warned = min(_MOST_WARNED, (self.not_after - self.not_before) / _PART_WARNED)
        return now >= self.not_after - warned


def read_facts(certificate: bytes) -> CertificateFacts:
    """Read a certificate in DER form.

    Raises:
        ValueError: It is none.
    """
    try:
        (_, body), *_ = _parts(_content(certificate))
        fields = [part for part in _parts(body) if part[0] != _VERSION]
        not_before, not_after = (_moment(*part) for part in _parts(fields[_VALIDITY_PLACE][1]))
        extensions = [content for tag, content in fields if tag == _EXTENSIONS]
        return CertificateFacts(
            names=tuple(_names(extensions[0])) if extensions else (),
            not_before=not_before,
            not_after=not_after,
            sha256=hashlib.sha256(certificate).hexdigest(),
        )
    except IndexError:
        raise ValueError("the certificate ends too soon") from None


def _names(extensions: bytes) -> Iterator[str]:
    for _, extension in _parts(_content(extensions)):
        if extension.startswith(_SUBJECT_ALT_NAME):
            *_, (_, wrapped) = _parts(extension)
            for tag, name in _parts(_content(wrapped)):
                if tag == _DNS_NAME:
                    yield name.decode("ascii", "backslashreplace")
                elif tag == _ADDRESS:
                    yield str(ipaddress.ip_address(name))


def _moment(tag: int, text: bytes) -> datetime:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        # Two digits of the year; RFC 5280, section 4.1.2.5.1.
        digits = ("19" if digits >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _content(data: bytes) -> bytes:
    """The content of the sequence that `data` is."""
    ((tag, content), *_) = _parts(data)
    if tag != _SEQUENCE:
        raise ValueError(f"a certificate has no {tag:#x} here")
    return content


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element, in order (X.690, section 8.1)."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length >= _LONG:
            size = length - _LONG
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("the certificate ends too soon")
        yield tag, data[at : at + length]
        at += length
