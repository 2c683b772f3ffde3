"""routes.yaml and everything it refers to, from the disk to a Snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.config import Reviewed, load, review
from gateway.control.authorities import CertificateFiles
from gateway.control.file import read_config
from gateway.routing.snapshot import Snapshot


def load_config(path: Path, environment: Mapping[str, str]) -> Snapshot:
    """Read and compile it.

    Raises:
        ConfigError: It, or a file that it names, cannot be used.
    """
    return load_text(read_config(path), environment, CertificateFiles(path.parent))


def review_config(path: Path, environment: Mapping[str, str]) -> Reviewed:
    """As `load_config`, with the warnings that there are.

    Raises:
        ConfigError: It, or a file that it names, cannot be used.
    """
    return review_text(read_config(path), environment, CertificateFiles(path.parent))


def review_text(
    text: bytes, environment: Mapping[str, str], certificates: CertificateFiles
) -> Reviewed:
    """As `load_text`, with the warnings and the deadlines that there are.

    Raises:
        ConfigError: It, or a file that it names, cannot be used.
    """
    return review(text, environment, certificates.read)


def load_text(
    text: bytes, environment: Mapping[str, str], certificates: CertificateFiles
) -> Snapshot:
    """Compile what was read; the files that it names are read now.

    Raises:
        ConfigError: It, or a file that it names, cannot be used.
    """
    return load(text, environment, certificates.read)
