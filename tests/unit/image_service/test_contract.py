"""The order's rules, as tables."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_service.contract import (
    LARGEST_ID,
    Order,
    Size,
    parse_id,
    parse_order,
    read_body,
    record,
)
from image_service.errors import OrderError, PromptError, RequestError

# Named here because a table's own brackets hide their types.
_NOT_OBJECTS: list[object] = [None, [], "x", 5, {}, {"prompt": None}]
_NOT_PROMPTS: list[object] = ["", " \t\n", 5, ["x"], True]
_NOT_SIZES: list[object] = [None, "", "512", "512X512", " 512x512", "2048x2048", 512, [], {}]
_NOT_PRODUCTS: list[object] = [0, -1, LARGEST_ID + 1, True, False, 1.0, "1", [], float("nan")]
_SQUARE = Size(width=512, height=512)


def test_an_order_needs_nothing_but_a_prompt() -> None:
    assert parse_order({"prompt": "praia"}) == Order(prompt="praia", size=_SQUARE, product_id=None)


def test_an_order_keeps_its_prompt_as_it_was_written() -> None:
    body = {"prompt": "  praia\n", "size": "1024x1536", "product_id": LARGEST_ID, "extra": 1}
    tall = Size(width=1024, height=1536)
    assert parse_order(body) == Order(prompt="  praia\n", size=tall, product_id=LARGEST_ID)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        *[(body, "Prompt obrigatório") for body in _NOT_OBJECTS],
        *[({"prompt": prompt}, "Prompt obrigatório") for prompt in _NOT_PROMPTS],
        ({"prompt": " " * 5000}, "Prompt obrigatório"),
        ({"prompt": "x" * 4001}, "Prompt longo demais"),
        *[({"prompt": "x", "size": size}, "Tamanho inválido") for size in _NOT_SIZES],
        *[
            ({"prompt": "x", "product_id": product}, "Produto inválido")
            for product in _NOT_PRODUCTS
        ],
        ({"prompt": "", "size": "?", "product_id": 0}, "Prompt obrigatório"),
        ({"prompt": "x", "size": "?", "product_id": 0}, "Tamanho inválido"),
    ],
)
def test_what_is_wrong_first_is_said(body: object, sentence: str) -> None:
    with pytest.raises(OrderError) as refusal:
        parse_order(body)
    assert refusal.value.sentence == sentence


def test_the_longest_prompt_is_counted_in_characters_not_bytes() -> None:
    assert parse_order({"prompt": "ã" * 4000}).prompt == "ã" * 4000


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(PromptError):
        parse_order(json.loads('{"prompt": "\\ud800"}'))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["prompt", "size", "product_id"]) | st.text(), inner)
    ),
    max_leaves=6,
)


@given(_JSON)
def test_any_json_is_an_order_or_is_refused(body: object) -> None:
    try:
        order = parse_order(body)
    except (OrderError, PromptError):
        return
    assert order.prompt.strip()


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON ; charset=x", "application/vnd.api+json"],
)
def test_json_content_types_are_read(content_type: str) -> None:
    assert read_body(content_type, b'{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("content_type", ["", "text/json", "application/jsonx", "json", "+json"])
def test_other_content_types_are_refused_before_the_body_is_looked_at(content_type: str) -> None:
    with pytest.raises(RequestError) as refusal:
        read_body(content_type, b"{")
    assert refusal.value.status == 415


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_of_json_is_read(encoding: str) -> None:
    assert read_body("application/json", '"ã"'.encode(encoding)) == "ã"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a": 1,}', b"\xff\xff", '"ã"'.encode("latin-1"), b"9" * 5000],
    ids=["empty", "open", "comma", "bytes", "latin-1", "digits"],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        read_body("application/json", body)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("text", "image_id"),
    [("1", 1), ("0", 0), ("007", 7), ("9" * 19, None), (str(LARGEST_ID), LARGEST_ID)],
)
def test_an_id_is_a_whole_number(text: str, image_id: int | None) -> None:
    assert parse_id(text) == image_id


def test_an_endless_number_is_the_id_of_nothing() -> None:
    assert parse_id("9" * 10_000) is None


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "abc", "1 ", "1\n", "0x1", "²"])
def test_a_path_without_a_number_does_not_exist(text: str) -> None:
    with pytest.raises(RequestError) as refusal:
        parse_id(text)
    assert refusal.value.status == 404


def test_a_record_names_the_picture_by_its_path() -> None:
    order = Order(prompt="praia", size=_SQUARE, product_id=None)
    assert record(image_id=7, order=order, status="pronta") == {
        "id": 7,
        "product_id": None,
        "prompt": "praia",
        "size": "512x512",
        "status": "pronta",
        "url": "/images/7/file",
    }
