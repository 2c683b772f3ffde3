"""What routes.yaml may refer to outside itself; handed in by whoever reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.config.wording import Refusal, quoted

Certificates = Callable[[str], str]
"""The certificates in PEM that the file of this name holds; raises `Refusal` if there are none."""

NOTHING_SET: Mapping[str, str] = MappingProxyType({})


def no_files(name: str) -> str:
    """Refuse every file."""
    raise Refusal(f"cannot read {quoted(name)}: no files are at hand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a reference leads to."""

    environment: Mapping[str, str]
    """What ``${VAR}`` in a backend's url stands for."""
    certificates: Certificates
