"""Reads the CA files that routes.yaml names, and sees when one of them changes."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

from gateway.config.wording import Refusal, quoted
from gateway.control.file import read_regular

CA_LIMIT_BYTES = 256 * 1024
"""A system's whole bundle of some 150 authorities is this large; an own authority takes 2 KiB."""
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", re.ASCII)
_Sight = tuple[int, int, int] | None
"""What tells one state of a file from the next, without reading it; None where there is none."""


class CertificateFiles:
    """The CA files of one routes.yaml, each read once."""

    def __init__(self, folder: Path) -> None:
        """Look for relative names in `folder`: the one that routes.yaml is in."""
        self._folder = folder
        self._found: dict[str, str | Refusal] = {}
        self._seen: dict[Path, _Sight] = {}

    def read(self, name: str) -> str:
        """The certificates of a file, as PEM and without anything that stands around them.

        Raises:
            Refusal: It cannot be read, or holds no certificate.
        """
        if name not in self._found:
            self._found[name] = self._read(name)
        found = self._found[name]
        if isinstance(found, Refusal):
            raise found
        return found

    def have_changed(self) -> bool:
        """Whether a file is no longer as it was when it was read, or was missing."""
        return any(_look(path) != seen for path, seen in self._seen.items())

    def _read(self, name: str) -> str | Refusal:
        try:
            path = self._folder / name
            self._seen[path] = _look(path)
            content, size = read_regular(path, CA_LIMIT_BYTES)
        except (OSError, ValueError) as error:
            # ValueError: a zero inside the name.
            reason = getattr(error, "strerror", None) or error
            hint = "" if Path(name).is_absolute() else f"looked for in {self._folder.absolute()}"
            return Refusal(f"cannot read {quoted(name)}: {reason}", hint)
        if len(content) > CA_LIMIT_BYTES:
            limit = f"the limit is {CA_LIMIT_BYTES:,} bytes"
            return Refusal(f"{quoted(name)} has {size:,} bytes; {limit}")
        return _certificates(name, content)


def _certificates(name: str, content: bytes) -> str | Refusal:
    found = _CERTIFICATE.findall(content.decode("ascii", "ignore"))
    if not found:
        hint = "it has to hold the authority's certificate in PEM: -----BEGIN CERTIFICATE-----"
        return Refusal(f"{quoted(name)} holds no certificate", hint)
    text = "\n".join([*found, ""])
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except ssl.SSLError:
        return Refusal(f"{quoted(name)} holds a certificate that is damaged")
    return text


def _look(path: Path) -> _Sight:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
