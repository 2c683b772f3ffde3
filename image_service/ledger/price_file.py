"""Reads the price table: the package's own, or the operator's."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import yaml

from image_service.errors import StartupError
from image_service.ledger.prices import ELSE, ModelPrices, Prices, TokenPrices

# Nobody means this many dollars, for a picture or for a million tokens.
_TOO_DEAR = 1_000_000
_SHOWN_CHARACTERS = 40
_CLASSES = ("text_input", "image_input", "image_output", "text_output")


class _FormError(ValueError):
    """What is wrong with the table, and where."""


def read_prices(path: Path | None) -> Prices:
    """Read a price table; None takes the package's own.

    Raises:
        StartupError: It cannot be read, or is not of the form of the package's own.
    """
    try:
        text = _own() if path is None else path.read_text(encoding="utf-8")
        return parse_prices(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, _FormError) as error:
        raise StartupError(
            where=f"IMAGE_PRICES ({path})",
            why=f"the price table cannot be used ({' '.join(str(error).split())})",
            remedy="write it as image_service/ledger/prices.yaml, or unset it to use that",
        ) from error


def parse_prices(text: str) -> Prices:
    """Read a price table from YAML.

    Raises:
        yaml.YAMLError: It is not YAML.
        ValueError: It is something else.
    """
    models = _mapping(
        _mapping(yaml.load(text, yaml.CSafeLoader), "the file").get("models"), "models"
    )
    return Prices({str(model): _model(value, str(model)) for model, value in models.items()})


def _own() -> str:
    return resources.files("image_service.ledger").joinpath("prices.yaml").read_text("utf-8")


def _model(value: object, where: str) -> ModelPrices | None:
    fields = _mapping(value, where)
    if fields == {"free": True}:
        return None
    if set(fields) != {"tokens", "images"}:
        raise _FormError(f"{where}: write tokens and images, or free: true")
    tokens = _mapping(fields["tokens"], f"{where}.tokens")
    if set(tokens) != set(_CLASSES):
        raise _FormError(f"{where}.tokens: write {', '.join(_CLASSES)}")
    images = _mapping(fields["images"], f"{where}.images")
    if ELSE not in images:
        raise _FormError(f"{where}.images: a price for any other size is missing ({ELSE})")
    return ModelPrices(
        tokens=TokenPrices(
            **{name: _dollars(tokens[name], f"{where}.tokens.{name}") for name in _CLASSES}
        ),
        images={str(size): _qualities(by, f"{where}.images.{size}") for size, by in images.items()},
    )


def _qualities(value: object, where: str) -> dict[str, float]:
    by_quality = _mapping(value, where)
    if not by_quality:
        raise _FormError(f"{where}: there is no price")
    return {
        str(quality): _dollars(price, f"{where}.{quality}") for quality, price in by_quality.items()
    }


def _mapping(value: object, where: str) -> dict[object, object]:
    if not isinstance(value, dict):
        raise _FormError(f"{where}: {_shown(value)} is not a mapping")
    return value


def _shown(value: object) -> str:
    """Return its beginning: a file of another kind may be a single text, and hold secrets."""
    return f"{value!r:.{_SHOWN_CHARACTERS}}"


def _dollars(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _TOO_DEAR:
        raise _FormError(f"{where}: {_shown(value)} is not a price in dollars")
    return float(value)
