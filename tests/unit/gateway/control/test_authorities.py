"""The CA files that routes.yaml names: what is taken from them, and what is said of bad ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from gateway.config.wording import Refusal
from gateway.control.authorities import CA_LIMIT_BYTES, CertificateFiles

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@pytest.fixture(scope="module")
def pem() -> str:
    """An authority's certificate."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes().decode()


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    """Files beside a routes.yaml."""
    return CertificateFiles(tmp_path)


def _refusal(files: CertificateFiles, name: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        files.read(name)
    return caught.value


@pytest.mark.parametrize("is_absolute", [False, True], ids=["relative", "absolute"])
def test_certificates_are_all_that_is_taken(
    tmp_path: Path, files: CertificateFiles, pem: str, is_absolute: bool
) -> None:
    """Comments do no harm, and a private key that stands beside them goes nowhere."""
    key = "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n"
    path = tmp_path / "own" / "ca.pem"
    path.parent.mkdir()
    path.write_text(f"# A autoridade da Jos\u00e9\n{pem}{key}{pem}", "utf-8")
    read = files.read(str(path) if is_absolute else "own/ca.pem")
    assert read == pem * 2


def test_a_file_that_is_not_there_is_looked_for_beside_routes_yaml(
    tmp_path: Path, files: CertificateFiles
) -> None:
    refusal = _refusal(files, "ca.pem")
    assert refusal.message == 'cannot read "ca.pem": No such file or directory'
    assert refusal.hint == f"looked for in {tmp_path}"
    assert _refusal(files, "/no/ca.pem").hint == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", '"ca.pem" holds no certificate'),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n", '"ca.pem" holds no certificate'),
        (f"{_BEGIN}\nAAAA\n", '"ca.pem" holds no certificate'),
        (f"{_BEGIN}\nAAAA\n{_END}\n", '"ca.pem" holds a certificate that is damaged'),
        (f"{_BEGIN}\n\x00\xff\n{_END}\n", '"ca.pem" holds a certificate that is damaged'),
        ("x" * (CA_LIMIT_BYTES + 1), '"ca.pem" has 262,145 bytes; the limit is 262,144 bytes'),
    ],
    ids=["empty", "key-alone", "cut-off", "damaged", "junk", "too-large"],
)
def test_a_file_without_a_sound_certificate_is_refused(
    tmp_path: Path, files: CertificateFiles, content: str, message: str
) -> None:
    (tmp_path / "ca.pem").write_text(content, "latin-1")
    assert _refusal(files, "ca.pem").message.startswith(message)


def test_one_damaged_certificate_among_good_ones_is_refused(
    tmp_path: Path, files: CertificateFiles, pem: str
) -> None:
    (tmp_path / "ca.pem").write_text(pem + pem.replace("M", "N"))
    assert "damaged" in _refusal(files, "ca.pem").message


@pytest.mark.parametrize("name", [".", "/dev/zero", "pipe", "a\0b"])
def test_what_is_no_file_is_refused_at_once(
    tmp_path: Path, files: CertificateFiles, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert _refusal(files, name).message.startswith("cannot read ")


def _rewrite(path: Path) -> None:
    path.write_text(path.read_text() * 2)


def _replace(path: Path) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(path.read_text())
    os.replace(beside, path)


@pytest.mark.parametrize("change", [_rewrite, _replace, Path.unlink])
def test_a_change_of_any_kind_is_seen(
    tmp_path: Path, files: CertificateFiles, pem: str, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    files.read("ca.pem")
    assert not files.have_changed()
    change(path)
    assert files.have_changed()


def test_a_file_that_comes_after_it_was_missed_is_seen(
    tmp_path: Path, files: CertificateFiles, pem: str
) -> None:
    _refusal(files, "ca.pem")
    assert not files.have_changed()
    (tmp_path / "ca.pem").write_text(pem)
    assert files.have_changed()


def test_a_file_is_read_once_however_often_it_is_named(
    tmp_path: Path, files: CertificateFiles, pem: str
) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(pem)
    assert files.read("ca.pem") == pem
    path.unlink()
    assert files.read("ca.pem") == pem
