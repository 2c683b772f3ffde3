"""The settings that say who paints, each read from its text alone."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from image_service.digits import read_decimal
from image_service.errors import StartupError
from image_service.providers.catalogue import KNOWN_MODELS, RETIRED_MODELS

ProviderName = Literal["openai", "procedural"]

# All of their names fit into one column of the record.
_MOST_MODELS = 4
# How much of a wrong value is shown.
_SHOWN_CHARACTERS = 60


def read_providers(text: str, *, has_key: bool) -> tuple[ProviderName, ...]:
    """Read who paints, in order; ``auto`` is OpenAI where there is a key.

    Raises:
        StartupError: A name is unknown or comes twice, or there is no key for OpenAI.
    """
    names = [part.strip() for part in text.split(",")]
    if names == ["auto"]:
        return ("openai",) if has_key else ("procedural",)
    found: list[ProviderName] = []
    for name in names:
        match name:
            case "procedural" | "openai" if name not in found:
                found.append(name)
            case _:
                raise StartupError(
                    where="IMAGE_PROVIDER",
                    why=f"{shown(name)} {'comes twice' if name in found else 'is unknown'}",
                    remedy="set auto, openai or procedural, or openai,procedural to paint here "
                    "what OpenAI does not take",
                )
    if "openai" in found and not has_key:
        raise StartupError(
            where="OPENAI_API_KEY",
            why=f"IMAGE_PROVIDER is {text}, but no key is set",
            remedy="set the key, or set IMAGE_PROVIDER to procedural",
        )
    return tuple(found)


def read_models(text: str) -> tuple[str, ...]:
    """Read OpenAI's models, in order: the next is asked when the one before cannot be had.

    Raises:
        StartupError: One is unknown or retired, or comes twice.
    """
    models = [part.strip() for part in text.split(",")]
    if len(models) > _MOST_MODELS:
        raise StartupError(
            where="IMAGE_MODEL",
            why=f"{len(models)} models are more than {_MOST_MODELS}",
            remedy="name the first choice, and a few that stand in for it",
        )
    for model in models:
        why = _why_not(model) or (f"{model} comes twice" if models.count(model) > 1 else None)
        if why is not None:
            gone = ", ".join(f"{old} on {day}" for old, day in RETIRED_MODELS.items())
            raise StartupError(
                where="IMAGE_MODEL",
                why=why,
                remedy=f"choose one of {', '.join(KNOWN_MODELS)} (retired: {gone})",
            )
    return tuple(models)


def _why_not(model: str) -> str | None:
    if model in KNOWN_MODELS:
        return None
    retired = RETIRED_MODELS.get(model)
    return f"{shown(model)} is unknown" if retired is None else f"{model} retired on {retired}"


def read_api_key(text: str | None) -> str | None:
    """Read OpenAI's key; None when there is none.

    Raises:
        StartupError: It cannot stand in a header; it is not shown.
    """
    if text is not None and not (text.isascii() and text.isprintable() and " " not in text):
        raise StartupError(
            where="OPENAI_API_KEY",
            why="it holds a blank, a line break or a letter that no key has",
            remedy="set the key alone, as it was given",
        )
    return text


def read_base_url(text: str | None) -> str | None:
    """Read where OpenAI is; None for OpenAI itself.

    Raises:
        StartupError: It is not an http or https URL.
    """
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise StartupError(
            where="OPENAI_BASE_URL",
            why=f"{shown(text)} is not an http or https URL",
            remedy="write one such as https://api.openai.com/v1, or unset it for OpenAI itself",
        )
    return text


def read_number(variable: str, text: str, *, limit: float, what: str, remedy: str) -> float:
    """Read a number from 0 to ``limit``.

    Args:
        variable: Whose value.
        text: The value.
        limit: The largest.
        what: What the number is, such as ``a number of seconds``.
        remedy: What the operator does about a wrong one.

    Raises:
        StartupError: It is not such a number.
    """
    value = read_decimal(text)
    if not 0 <= value <= limit:
        raise StartupError(
            where=variable, why=f"{shown(text)} is not {what} from 0 to {limit:g}", remedy=remedy
        )
    return value


def read_words(text: str) -> frozenset[str]:
    """Read words separated by commas, in lower case."""
    return frozenset(word for part in text.split(",") if (word := part.strip().lower()))


def shown(text: str) -> str:
    """Quote a value so that it stays on one line and of bounded length."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
