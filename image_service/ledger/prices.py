"""What a picture may cost at most, and what it did cost: decided purely from the price table.

Money is counted in millionths of a US dollar, always rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from image_service.contract import Order
from image_service.providers.usage import Usage

MICRO = 1_000_000
"""Millionths in a dollar."""
PARTIALS = 2
"""Pictures on the way that are asked for: they show that something happens, and roughly what."""
# What each of them takes of output, beside the picture.
_PARTIAL_TOKENS = 100
_MEGAPIXEL = 1024 * 1024
ELSE = "else"


class UnknownModelError(Exception):
    """The table has no price for a model, so nothing is bought from it."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.model = model

    def __str__(self) -> str:
        return f"the price table has no model {self.model!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """Dollars for a million tokens of each class, which is millionths of a dollar for one."""

    text_input: float
    image_input: float
    image_output: float
    text_output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrices:
    """What one model costs.

    Attributes:
        tokens: By class.
        images: Dollars for one picture, by size (or ``else``, for a megapixel) and quality.
    """

    tokens: TokenPrices
    images: Mapping[str, Mapping[str, float]]


class Prices:
    """The price table: model -> prices, None for a model that is free."""

    def __init__(self, models: Mapping[str, ModelPrices | None]) -> None:
        self._models = dict(models)

    def check(self, providers: str) -> None:
        """Make sure that everything has a price.

        Args:
            providers: Names as providers have them, ``openai/<model>``, several with a comma.

        Raises:
            UnknownModelError: For the first model that has none.
        """
        for model in _models(providers):
            self._of(model)

    def most(self, providers: str, order: Order, *, with_partials: bool = False) -> int:
        """Return what one call may cost at most, whichever of the providers answers; 0 = free.

        Args:
            providers: As in ``check``.
            order: What is ordered.
            with_partials: Whether pictures on the way are asked for.

        Raises:
            UnknownModelError: One of them has no price.
        """
        extra_tokens = PARTIALS * _PARTIAL_TOKENS if with_partials else 0
        return max(_most(self._of(model), order, extra_tokens) for model in _models(providers))

    def cost(self, provider: str, usage: Usage | None) -> int | None:
        """Return what a call cost; None when the provider did not say what it used.

        Raises:
            UnknownModelError: It has no price.
        """
        prices = self._of(_models(provider)[0])
        if prices is None:
            return 0
        return None if usage is None else _cost(prices.tokens, usage)

    def _of(self, model: str) -> ModelPrices | None:
        try:
            return self._models[model]
        except KeyError:
            raise UnknownModelError(model) from None


def _models(providers: str) -> list[str]:
    return [name.strip().rpartition("/")[2] for name in providers.split(",")]


def _most(prices: ModelPrices | None, order: Order, extra_tokens: int) -> int:
    if prices is None:
        return 0
    size = order.size
    exact = prices.images.get(str(size))
    by_quality = exact or prices.images[ELSE]
    # Providers make nothing smaller than a megapixel; such orders are scaled down.
    times = 1.0 if exact else max(1.0, size.width * size.height / _MEGAPIXEL)
    # A quality that the table does not know may be any.
    picture = by_quality.get(order.quality, max(by_quality.values())) * times
    # Every character is a token at most, save for what takes several bytes.
    prompt_tokens = len(order.prompt.encode())
    return (
        math.ceil(picture * MICRO)
        + math.ceil(prompt_tokens * prices.tokens.text_input)
        + math.ceil(extra_tokens * prices.tokens.image_output)
    )


def _cost(tokens: TokenPrices, usage: Usage) -> int:
    return math.ceil(
        usage.input_text_tokens * tokens.text_input
        + usage.input_image_tokens * tokens.image_input
        + usage.output_image_tokens * tokens.image_output
        + (usage.output_text_tokens or 0) * tokens.text_output
    )
