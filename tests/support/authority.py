"""Certificates for tests, and customers who trust them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate's two files."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a gateway serve by it."""
        return {"FIGUEIRA_TLS_CERT": str(self.certificate), "FIGUEIRA_TLS_KEY": str(self.key)}

    def take_over(self, other: Pair) -> None:
        """Put another pair's content in this one's place, as a renewal does."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.key.write_bytes(other.key.read_bytes())


class Authority:
    """Issues certificates for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        """Write what is issued to `folder`."""
        self._folder = folder
        self._authority = trustme.CA()

    def issue(
        self,
        name: str,
        *,
        key_type: trustme.KeyType = trustme.KeyType.ECDSA,
        not_after: datetime | None = None,
    ) -> Pair:
        """A new certificate, in ``NAME.pem`` and ``NAME.key``; ``NAME.test`` is in it as well."""
        issued = self._authority.issue_cert(
            "127.0.0.1", f"{name}.test", key_type=key_type, not_after=not_after
        )
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        pair.key.write_bytes(issued.private_key_pem.bytes())
        return pair

    def trusting(self) -> ssl.SSLContext:
        """What a customer checks a certificate by."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context


def names_in(shown: ssl.SSLSocket | ssl.SSLObject) -> set[str]:
    """The host names in the certificate that was shown."""
    certificate = shown.getpeercert()
    assert certificate
    return {str(value) for kind, value in _pairs(certificate["subjectAltName"]) if kind == "DNS"}


def _pairs(names: object) -> list[tuple[str, str]]:
    assert isinstance(names, tuple)
    return list(names)
