"""Which format a customer gets who names none (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re

from image_service.derivatives.recipe import Format

# The smallest first. The new formats go only to those who name them: browsers that cannot show
# them say image/* or */* all the same.
_NEW: tuple[tuple[Format, str], ...] = (("avif", "image/avif"), ("webp", "image/webp"))
_OLD: tuple[tuple[Format, str], ...] = (("jpeg", "image/jpeg"), ("png", "image/png"))
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)
# Browsers name about ten; whatever stands behind these is not read.
_MOST_RANGES = 64


def negotiate(accept: str | None) -> Format | None:
    """Return the format to send; None if the customer takes none of ours.

    Weights only tell what is not wanted at all (0): among what is, the smallest wins.
    """
    if accept is None or not accept.strip():
        return "jpeg"
    weights = _weights(accept)
    for media_format, media_type in _NEW:
        if weights.get(media_type, 0.0) > 0:
            return media_format
    for media_format, media_type in _OLD:
        weight = weights.get(media_type, weights.get("image/*", weights.get("*/*", 0.0)))
        if weight > 0:
            return media_format
    return None


def _weights(accept: str) -> dict[str, float]:
    weights = {}
    for part in accept.split(",", _MOST_RANGES)[:_MOST_RANGES]:
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        found = [match for piece in parameters if (match := _WEIGHT.fullmatch(piece))]
        weights[media_range.lower()] = float(found[0][1]) if found else 1.0
    return weights
