"""What a customer may ask of a blob, read strictly from the path and the query.

Every recipe costs an encoding and a place in the store, so there are few of them: sides from a
list, and any other side only where we signed for it ourselves.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from image_service.problems import Problem, ProblemError

Format = Literal["avif", "webp", "jpeg", "png"]
Fit = Literal["contain", "cover"]

PRESET_SIDES = (64, 128, 256, 512, 1024)
# Of any derivative: an AVIF of the largest original would take 220 MB and up to 12 s to encode.
LARGEST_SIDE = 2048
# Part of every derivative's name: a change to how they are made leaves the old ones to gc.
_MAKING = "v1"
_SUFFIXES: dict[str, Format] = {"avif": "avif", "webp": "webp", "jpg": "jpeg", "png": "png"}
_NAME = re.compile(r"([0-9a-f]{64})(?:\.(avif|webp|jpg|png))?", re.ASCII)
_SIDE = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_FITS: dict[str, Fit] = {"contain": "contain", "cover": "cover"}
_PARAMETERS = ("w", "h", "fit", "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to make a derivative; a picture is never enlarged, and no side is over LARGEST_SIDE.

    Attributes:
        media_format: What to encode it as.
        width: At most so many pixels; None for whatever the height gives, or the limit.
        height: The same.
        fit: ``contain`` keeps all of the picture, ``cover`` cuts it to the box's proportions.
    """

    media_format: Format
    width: int | None
    height: int | None
    fit: Fit

    def __str__(self) -> str:
        """Name it, for the store."""
        return f"{_MAKING}-{self.width or 0}x{self.height or 0}-{self.fit}-{self.media_format}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A valid request for a blob.

    Attributes:
        sha256: Of the original.
        media_format: From the suffix; None where there was none.
        width: See Recipe.
        height: See Recipe.
        fit: See Recipe.
    """

    sha256: str
    media_format: Format | None
    width: int | None
    height: int | None
    fit: Fit

    @property
    def is_sized(self) -> bool:
        """Whether another size is asked for."""
        return self.width is not None or self.height is not None

    def recipe(self, media_format: Format) -> Recipe:
        """Return how to make it in a format."""
        return Recipe(media_format=media_format, width=self.width, height=self.height, fit=self.fit)


def parse_asked(name: str, query: Sequence[tuple[str, str]], *, url_key: bytes | None) -> Asked:
    """Read a request.

    Args:
        name: The last segment of the path.
        query: The decoded parameters in order.
        url_key: What opens other sizes than the presets; None if nothing does.

    Raises:
        ProblemError: 404 for a name that no blob can have, 400 for a parameter, 403 for a
            signature.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ProblemError(Problem(code="not-found", detail="There is no such blob."))
    given = dict(query)
    if len(given) < len(query) or not given.keys() <= set(_PARAMETERS):
        raise _invalid("The parameters are w, h, fit and s, each at most once.")
    is_signed = "s" in given
    if is_signed:
        _check_signature(name, given, url_key)
    width, height = (_side(given.get(which), is_signed=is_signed) for which in ("w", "h"))
    suffix = found[2]
    return Asked(
        sha256=found[1],
        media_format=None if suffix is None else _SUFFIXES[suffix],
        width=width,
        height=height,
        fit=_fit(given.get("fit"), has_box=width is not None and height is not None),
    )


def _side(text: str | None, *, is_signed: bool) -> int | None:
    if text is None:
        return None
    side = int(text) if _SIDE.fullmatch(text) else 0
    if is_signed and 1 <= side <= LARGEST_SIDE:
        return side
    if side not in PRESET_SIDES:
        raise _invalid(f"Sides may be {', '.join(map(str, PRESET_SIDES))} pixels.")
    return side


def _fit(text: str | None, *, has_box: bool) -> Fit:
    if text is None:
        return "contain"
    if not has_box or text not in _FITS:
        raise _invalid("With both w and h, fit may be contain or cover.")
    return _FITS[text]


def _invalid(detail: str) -> ProblemError:
    return ProblemError(Problem(code="invalid-parameter", detail=detail))


def signature(name: str, parameters: dict[str, str], url_key: bytes) -> str:
    """Sign a name with its parameters, in whatever order they stand in the URL."""
    parts = [name, *(f"{key}={parameters[key]}" for key in sorted(parameters) if key != "s")]
    mac = hmac.digest(url_key, "\n".join(parts).encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _check_signature(name: str, given: dict[str, str], url_key: bytes | None) -> None:
    if url_key is not None:
        expected = signature(name, given, url_key).encode()
        if hmac.compare_digest(expected, given["s"].encode(errors="replace")):
            return
    raise ProblemError(Problem(code="invalid-signature"))
