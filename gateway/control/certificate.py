"""The certificate that customers are shown, and its key: two files, taken in anew when asked.

A pair that cannot be used changes nothing: the last good one serves on. What is said of a pair
names files and reasons, never what is in them.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.control.x509 import CertificateFacts, read_facts
from gateway.errors import StartError

_MAX_FILE_BYTES = 1024 * 1024
"""A chain of certificates has a few KiB; more is another file."""
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: with forward secrecy and authenticated, which leaves out what has been broken since
(RFC 9325, section 4.2). TLS 1.3 has no others."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_MISMATCHES = {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}
"""OpenSSL's reasons; the last one where the key is of another kind than the certificate's."""
_READABLE = "give a PEM file that this user can read"


class Certificate:
    """A pair of files, and the last of their contents that could be used."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Load the pair.

        Args:
            certificate: PEM; the certificate first, then those that lead to its root.
            key: PEM, without a passphrase.

        Raises:
            StartError: It cannot be used; one line that says which file, why and what to do.
        """
        self._files = certificate, key
        self._pair = _load(certificate, key)
        self.problem = ""
        """Why the newest pair cannot be used; empty if it serves."""

    @property
    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        return self._pair.context

    @property
    def fingerprint(self) -> str:
        """Of the certificate that serves: SHA-256 of its DER form, in hexadecimal."""
        return self._pair.fingerprint

    @property
    def facts(self) -> CertificateFacts | None:
        """What is in it; None if that cannot be read, which keeps nobody from being shown it."""
        return self._pair.facts

    def renew(self) -> bool:
        """Look at the files again; whether this changed anything for new connections.

        What is open goes on as it began. Files that are as they were are not loaded anew: customers
        could not resume their sessions.
        """
        try:
            pair = _load(*self._files)
        except StartError as error:
            self.problem = str(error)
            return False
        is_other = pair.digest != self._pair.digest
        if is_other:
            self._pair = pair
        has_changed = is_other or bool(self.problem)
        self.problem = ""
        return has_changed


@dataclass(frozen=True, slots=True)
class _Pair:
    digest: bytes
    """Of both files."""
    fingerprint: str
    facts: CertificateFacts | None
    context: ssl.SSLContext


def _load(certificate: Path, key: Path) -> _Pair:
    chain, secret = _read("TLS certificate", certificate), _read("TLS key", key)
    digest = hashlib.sha256(hashlib.sha256(chain).digest() + secret).digest()
    first = _check_chain(certificate, chain)
    context = _bare_context()
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except _EncryptedError:
        why, remedy = (
            "is locked by a passphrase",
            "give it without one, readable by this user alone",
        )
        raise _unusable("TLS key", key, why, remedy) from None
    except ssl.SSLError as error:
        raise _say_fault(certificate, key, error) from None
    except OSError as error:
        # Gone since it was read.
        raise _unreadable("TLS key", key, error) from None
    return _Pair(digest, hashlib.sha256(first).hexdigest(), _try_facts(first), context)


def _try_facts(certificate: bytes) -> CertificateFacts | None:
    try:
        return read_facts(certificate)
    except ValueError:
        # OpenSSL takes it: only names and dates are missing then, for people to read.
        return None


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    # A customer who asks for new keys over and over would keep a core busy.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _read(what: str, path: Path) -> bytes:
    try:
        # Without waiting: a pipe that nobody writes to would hold up the supervisor.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _unusable(what, path, "is not a regular file", _READABLE)
            text = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(what, path, error) from None
    if len(text) > _MAX_FILE_BYTES:
        raise _unusable(what, path, f"has more than {_MAX_FILE_BYTES:,} bytes", _READABLE)
    return text


def _check_chain(path: Path, chain: bytes) -> bytes:
    """See that a file holds certificates; return the first in DER form.

    Of a pair, OpenSSL does not say which file it means.
    """
    text = chain.decode("ascii", "ignore")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
        return ssl.PEM_cert_to_DER_cert(
            _BEGIN + text.partition(_BEGIN)[2].partition(_END)[0] + _END
        )
    except (ssl.SSLError, ValueError):
        why, remedy = "is no chain of certificates in PEM", "give one, its own certificate first"
        raise _unusable("TLS certificate", path, why, remedy) from None


def _say_fault(certificate: Path, key: Path, error: ssl.SSLError) -> StartError:
    if error.reason in _MISMATCHES:
        why = f"does not belong to the first certificate in {certificate}"
        return _unusable("TLS key", key, why, "give the key that it was issued for")
    if error.reason in {None, "NO_START_LINE", "PEM_LIB"}:
        return _unusable("TLS key", key, "holds no private key in PEM", _READABLE)
    # Such as EE_KEY_TOO_SMALL: OpenSSL's own words for it, in which nothing of the file is.
    why = f"is refused: {error.reason.lower().replace('_', ' ')}"
    return _unusable("TLS certificate", certificate, why, "have a new one issued")


class _EncryptedError(Exception):
    """The key asks for a passphrase, which a process that runs unwatched cannot be asked for."""


def _refuse_passphrase() -> str:
    raise _EncryptedError


def _unreadable(what: str, path: Path, error: OSError) -> StartError:
    return _unusable(what, path, error.strerror or str(error), _READABLE)


def _unusable(what: str, path: Path, why: str, remedy: str) -> StartError:
    return StartError(f"{what} {path}: {why}; {remedy}")
