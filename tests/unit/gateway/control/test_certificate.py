"""A pair of files that customers are shown; whatever is wrong with it is one line."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.control.certificate import Certificate
from gateway.errors import StartError
from tests.support.authority import Authority, Pair, names_in


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Issues certificates."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def pair(authority: Authority) -> Pair:
    """A good pair, anew for each test."""
    return authority.issue("good")


def _shake_hands(server: ssl.SSLContext, customer: ssl.SSLContext) -> ssl.SSLObject:
    """Let a customer and a server meet in memory; the customer's end."""
    to_server, to_customer = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = customer.wrap_bio(to_customer, to_server, server_hostname="127.0.0.1")
    ours = server.wrap_bio(to_server, to_customer, server_side=True)
    for side in (theirs, ours, theirs, ours):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return theirs


def test_a_customer_is_shown_the_chain_and_speaks_the_newest_tls(
    authority: Authority, pair: Pair
) -> None:
    customer = authority.trusting()
    customer.set_alpn_protocols(["h2", "http/1.1"])
    met = _shake_hands(Certificate(pair.certificate, pair.key).context, customer)
    assert names_in(met) == {"good.test"}
    assert met.version() == "TLSv1.3"
    assert met.selected_alpn_protocol() == "http/1.1"


def test_tls_1_2_has_forward_secrecy(authority: Authority, pair: Pair) -> None:
    customer = authority.trusting()
    customer.maximum_version = ssl.TLSVersion.TLSv1_2
    met = _shake_hands(Certificate(pair.certificate, pair.key).context, customer)
    assert (cipher := met.cipher()) is not None
    assert cipher[0].startswith("ECDHE-")


def test_a_cipher_without_forward_secrecy_is_not_spoken(authority: Authority) -> None:
    pair = authority.issue("rsa", key_type=trustme.KeyType.RSA)
    customer = authority.trusting()
    customer.maximum_version = ssl.TLSVersion.TLSv1_2
    customer.set_ciphers("AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        _shake_hands(Certificate(pair.certificate, pair.key).context, customer)


def test_nothing_older_than_tls_1_2_is_spoken(pair: Pair) -> None:
    context = Certificate(pair.certificate, pair.key).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


def test_both_may_be_in_one_file_with_words_around_them(pair: Pair) -> None:
    both = pair.certificate
    text = "subject: Loja São Jorge\n".encode() + both.read_bytes() + pair.key.read_bytes()
    both.write_bytes(text)
    assert Certificate(both, both).problem == ""


# What is wrong with which of the two, what is then in the file, and what is said.
BAD_FILES = {
    "certificate": {
        "empty": (b"", "is no chain of certificates in PEM; give one, its own certificate first"),
        "noise": (b"\xff\x00noise", "is no chain of certificates in PEM; give one, its own"),
        "no base64": (
            b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
            "is no chain of certificates in PEM; give one, its own certificate first",
        ),
        "no certificate inside": (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "is no chain of certificates in PEM; give one, its own certificate first",
        ),
        "too long": (bytes(1024 * 1024 + 1), "has more than 1,048,576 bytes; give a PEM file"),
    },
    "key": {
        "empty": (b"", "holds no private key in PEM; give a PEM file that this user can read"),
        "noise": (b"\xff\x00noise", "holds no private key in PEM; give a PEM file"),
        "no key inside": (
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "holds no private key in PEM; give a PEM file that this user can read",
        ),
        "too long": (bytes(1024 * 1024 + 1), "has more than 1,048,576 bytes; give a PEM file"),
    },
}


@pytest.mark.parametrize(
    ("which", "how"), [(which, how) for which, cases in BAD_FILES.items() for how in cases]
)
def test_a_file_that_holds_something_else_is_named(pair: Pair, which: str, how: str) -> None:
    content, said = BAD_FILES[which][how]
    path = pair.certificate if which == "certificate" else pair.key
    path.write_bytes(content)
    assert _said(pair).startswith(f"TLS {which} {path}: {said}")


@pytest.mark.parametrize("which", ["certificate", "key"])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("missing", "No such file or directory; give a PEM file that this user can read"),
        ("a folder", "Is a directory; give a PEM file that this user can read"),
        ("a pipe", "is not a regular file; give a PEM file that this user can read"),
    ],
)
def test_what_is_no_file_is_named(pair: Pair, which: str, how: str, said: str) -> None:
    path = pair.certificate if which == "certificate" else pair.key
    path.unlink()
    if how == "a folder":
        path.mkdir()
    elif how == "a pipe":
        os.mkfifo(path)
    found = _said(pair)
    if path.is_dir():
        path.rmdir()
    elif how == "a pipe":
        path.unlink()
    assert found == f"TLS {which} {path}: {said}"


@pytest.mark.parametrize("key_type", list(trustme.KeyType))
def test_a_key_of_another_certificate_is_told_apart(
    authority: Authority, pair: Pair, key_type: trustme.KeyType
) -> None:
    """Of the same kind, or of another."""
    other = authority.issue("other", key_type=key_type)
    assert _said(Pair(pair.certificate, other.key)) == (
        f"TLS key {other.key}: does not belong to the first certificate in {pair.certificate}; "
        "give the key that it was issued for"
    )


def test_a_key_with_a_passphrase_asks_nobody_for_it(pair: Pair) -> None:
    key = load_pem_private_key(pair.key.read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    pair.key.write_bytes(locked)
    assert _said(pair) == (
        f"TLS key {pair.key}: is locked by a passphrase; "
        "give it without one, readable by this user alone"
    )


def test_nothing_that_is_in_the_files_is_ever_said(authority: Authority, pair: Pair) -> None:
    """A key in the certificate's place, above all."""
    for path in (pair.key, authority.issue("other").key):
        said = _said(Pair(path, path))
        assert not any(line in said for line in path.read_text().splitlines())


def _said(pair: Pair) -> str:
    with pytest.raises(StartError) as raised:
        Certificate(pair.certificate, pair.key)
    said = str(raised.value)
    assert "\n" not in said
    return said


def test_a_renewed_pair_is_for_the_next_connection(authority: Authority, pair: Pair) -> None:
    certificate = Certificate(pair.certificate, pair.key)
    before = certificate.context, certificate.fingerprint
    pair.take_over(authority.issue("renewed"))
    assert certificate.renew()
    assert certificate.context is not before[0]
    assert certificate.fingerprint != before[1]
    assert names_in(_shake_hands(certificate.context, authority.trusting())) == {"renewed.test"}
    assert names_in(_shake_hands(before[0], authority.trusting())) == {"good.test"}


def test_files_that_did_not_change_are_not_loaded_anew(pair: Pair) -> None:
    """Sessions that customers could resume would be lost at every SIGHUP for routes.yaml."""
    certificate = Certificate(pair.certificate, pair.key)
    before = certificate.context
    assert not certificate.renew()
    assert certificate.context is before


def test_a_new_pair_that_cannot_be_used_changes_nothing_until_it_can(
    authority: Authority, pair: Pair
) -> None:
    certificate = Certificate(pair.certificate, pair.key)
    before, good_key = certificate.context, pair.key.read_bytes()
    pair.key.write_bytes(authority.issue("other").key.read_bytes())
    for _ in range(2):
        assert not certificate.renew()
        assert certificate.problem.startswith(f"TLS key {pair.key}: does not belong to")
        assert certificate.context is before
    pair.key.write_bytes(good_key)
    assert certificate.renew(), "that all is well again is a change worth telling"
    assert certificate.problem == ""
    assert certificate.context is before


def test_the_fingerprint_is_what_other_tools_say(pair: Pair, tmp_path: Path) -> None:
    first = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    fingerprint = Certificate(pair.certificate, pair.key).fingerprint
    chain = tmp_path / "chain.pem"
    chain.write_text(f"words\n{pair.certificate.read_text()}{pair.certificate.read_text()}")
    assert Certificate(chain, pair.key).fingerprint == fingerprint
    assert len(fingerprint) == 64
    assert first
