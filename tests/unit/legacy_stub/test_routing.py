"""Targets as they come over the wire, and what the original's router made of them."""

from __future__ import annotations

import pytest

from legacy_stub.flask_style import Answer, HttpError, Request, plain_answer
from legacy_stub.routing import dispatch, rule


def _all(_request: Request, _number: int) -> Answer:
    return plain_answer("text/plain", b"all")


def _one(_request: Request, number: int) -> Answer:
    return plain_answer("text/plain", b"one %d" % number)


RULES = (
    rule("/products", {"GET": _all, "POST": _all}),
    rule("/products/<int>", {"GET": _one, "DELETE": _one}),
    rule("/images/<int>/file", {"GET": _one}),
    rule("/static/<path>", {"GET": _all}),
)


def answer(target: str, method: str = "GET", host: str | None = "shop.test") -> Answer:
    return dispatch(
        RULES, Request(method=method, target=target, host=host, server="127.0.0.1:8001")
    )


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/products", b"all"),
        ("//products", b"all"),
        ("////products", b"all"),
        ("/%2Fproducts", b"all"),
        ("/products?a=1", b"all"),
        ("/products#a?b", b"all"),
        ("/%70roducts", b"all"),
        ("http://elsewhere/products", b"all"),
        ("/products/7", b"one 7"),
        ("/products/007", b"one 7"),
        ("/products%2F7", b"one 7"),
        ("/products/%37", b"one 7"),
        ("/products/%D9%A7", b"one 7"),
        ("//products/7", b"one 7"),
        ("/images/7/file", b"one 7"),
        ("/static/a//b", b"all"),
    ],
)
def test_a_target_finds_its_handler(target: str, body: bytes) -> None:
    assert answer(target).body == body


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "*",
        "products:7",
        "/Products",
        "/products/",
        "/products/7/",
        "/products/7%0A",
        "/products/+7",
        "/products/-7",
        "/products/7.0",
        "/products;x",
        "/products/.",
        "/products//x",
        "/images/x/file",
        "/images/7/file/",
        "/static/",
        "//[/products",
    ],
)
def test_a_target_that_no_rule_matches_is_404(target: str) -> None:
    with pytest.raises(HttpError) as caught:
        answer(target)
    assert caught.value.status == 404


def test_a_target_that_is_no_url_is_400() -> None:
    with pytest.raises(HttpError) as caught:
        answer("http://[/products")
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("target", "host", "location"),
    [
        ("/products//7", "shop.test", "http://shop.test/products/7"),
        ("/products////7", "SHOP.test:8000", "http://shop.test:8000/products/7"),
        ("//products/%2F7", "shop.test:80", "http://shop.test/products/7"),
        ("/images//7//file", "[::1]:8000", "http://[::1]:8000/images/7/file"),
        ("/products//7?a=1&b=%20", "shop.test", "http://shop.test/products/7?a=1&b=%20"),
        ("/products//7?a=<b>", "shop.test", "http://shop.test/products/7?a=%3Cb%3E"),
        ("/products//7", None, "http://127.0.0.1:8001/products/7"),
        ("/products//7", "shop<test", "http:///products/7"),
        ("/products//7", "shop.test:", "http:///products/7"),
        ("/products//7", "shop.test:65535", "http://shop.test:65535/products/7"),
        ("/products//7", "shop.test:65536", "http:///products/7"),
        ("/products//7", "shop.test:080", "http:///products/7"),
        ("http://other.test/products//7", "shop.test", "http://other.test/products/7"),
    ],
)
def test_slashes_in_a_row_are_redirected_to_one(
    target: str, host: str | None, location: str
) -> None:
    redirected = answer(target, host=host)
    assert redirected.status == 308
    assert ("Location", location) in redirected.headers


@pytest.mark.parametrize("host", ["shop..test", "." * 3, f"{'x' * 64}.test"])
@pytest.mark.parametrize("target", ["/products", "/nothing", "http://shop..test/products"])
def test_a_host_that_can_be_no_name_is_400_whatever_is_asked(host: str, target: str) -> None:
    with pytest.raises(HttpError) as caught:
        answer(target, host=host)
    assert caught.value.status == 400


@pytest.mark.parametrize("target", ["/products/7", "/products//7"])
def test_a_method_the_path_does_not_know_is_405_with_the_ones_it_does(target: str) -> None:
    refused = answer(target, method="POST")
    assert refused.status == 405
    assert ("Allow", "DELETE, GET, HEAD, OPTIONS") in refused.headers


def test_options_answers_by_itself() -> None:
    options = answer("/products", method="OPTIONS")
    assert (options.status, options.body) == (200, b"")
    assert ("Allow", "GET, HEAD, OPTIONS, POST") in options.headers


def test_head_is_handled_as_get() -> None:
    assert answer("/products/7", method="HEAD").body == b"one 7"
