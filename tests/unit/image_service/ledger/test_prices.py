"""What pictures cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_service.contract import SIZES, Order
from image_service.errors import StartupError
from image_service.ledger.price_file import read_prices
from image_service.ledger.prices import UnknownModelError
from image_service.providers.catalogue import KNOWN_MODELS
from image_service.providers.usage import Usage

_PRICES = read_prices(None)


def _order(size: str = "1024x1024", prompt: str = "praia") -> Order:
    return Order(prompt=prompt, size=SIZES[size], product_id=None)


@pytest.mark.parametrize("model", KNOWN_MODELS)
def test_every_known_model_has_a_price(model: str) -> None:
    assert _PRICES.most(f"openai/{model}", _order()) > 0


@pytest.mark.parametrize("model", ["gpt-image-9", "", "procedural-2"])
def test_an_unknown_model_is_refused_and_not_free(model: str) -> None:
    with pytest.raises(UnknownModelError, match=repr(model)):
        _PRICES.most(f"openai/{model}", _order())


def test_the_renderer_is_free() -> None:
    assert _PRICES.most("procedural", _order()) == 0
    assert _PRICES.cost("procedural", None) == 0


def test_of_several_providers_the_dearest_is_reserved_for() -> None:
    both = _PRICES.most("procedural, openai/gpt-image-2,openai/gpt-image-1-mini", _order())
    assert both == _PRICES.most("openai/gpt-image-2", _order())


def test_a_small_picture_costs_a_megapixel_because_that_is_what_is_ordered() -> None:
    assert _PRICES.most("openai/gpt-image-2", _order("256x256")) == _PRICES.most(
        "openai/gpt-image-2", _order("512x512")
    )


def test_output_tokens_are_priced_as_image_tokens_when_nobody_says_what_they_are() -> None:
    """At thirty dollars for a million, not at the ten of text."""
    usage = Usage(input_text_tokens=100, input_image_tokens=0, output_tokens=1000)
    assert _PRICES.cost("openai/gpt-image-2", usage) == 100 * 5 + 1000 * 30
    told = Usage(
        input_text_tokens=100, input_image_tokens=0, output_tokens=1000, output_text_tokens=200
    )
    assert _PRICES.cost("openai/gpt-image-2", told) == 100 * 5 + 800 * 30 + 200 * 10


def test_a_call_whose_usage_is_not_told_has_no_known_cost() -> None:
    assert _PRICES.cost("openai/gpt-image-2", None) is None


def test_what_is_reserved_covers_a_usual_picture() -> None:
    """A high-quality square takes some 7,000 tokens."""
    usage = Usage(input_text_tokens=5, input_image_tokens=0, output_tokens=7000)
    cost = _PRICES.cost("openai/gpt-image-2", usage)
    assert cost is not None
    assert cost <= _PRICES.most("openai/gpt-image-2", _order())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("models: [", "expected"),
        ("{}", "models: None is not a mapping"),
        ("models: {m: {free: yes please}}", "m: write tokens and images"),
        ("models: {m: {tokens: {}, images: {}}}", "m.tokens: write text_input"),
        (
            "models: {m: {tokens: {text_input: 1, image_input: 1, image_output: -1, "
            "text_output: 1}, images: {else: {auto: 1}}}}",
            "m.tokens.image_output: -1 is not a price",
        ),
        (
            "models: {m: {tokens: {text_input: 1, image_input: 1, image_output: 1, "
            "text_output: 1}, images: {1024x1024: {auto: 1}}}}",
            "m.images: a price for any other size is missing",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(StartupError, match=r"IMAGE_PRICES \(.*prices\.yaml\)") as raised:
        read_prices(path)
    assert why in str(raised.value)


def test_a_file_of_another_kind_is_not_shown_in_full(tmp_path: Path) -> None:
    path = tmp_path / "secrets.txt"
    path.write_text("a line of text\n" * 20 + "and the password at its end\n")
    with pytest.raises(StartupError) as raised:
        read_prices(path)
    assert "'a line of text a line of text" in str(raised.value)
    assert "password" not in str(raised.value)
