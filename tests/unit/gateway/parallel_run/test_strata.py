"""Requests of one kind share a stratum, however many things they name."""

from __future__ import annotations

import pytest

from gateway.parallel_run.strata import MOST_TEMPLATES, OTHERS, Stratum, Templates, pooled, template


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/images/7/file", "/images/{id}/file"),
        ("/images/0190b5a2-7f1c-7c3e-9d2a-3f6f0f2a9c11", "/images/{id}"),
        ("/images/img_7f3c9a", "/images/{id}"),
        ("/blobs/9f86d081884c7d659a2feaa0c55ad015", "/blobs/{id}"),
        ("/products", "/products"),
        ("/loja/entrar", "/loja/entrar"),
        ("/v1/images", "/v1/images"),
        ("/", "/"),
        ("/images//7", "/images//{id}"),
        ("/u/ana@shop.example", "/u/{id}"),
        ("/u/ana%40shop.example", "/u/{id}"),
        ("/u/Ana%20Maria", "/u/{id}"),
        ("/u/123.456.789-09", "/u/{id}"),
        ("/u;cpf=12345678909/orders", "/{id}/orders"),
        ("/reset/sk-live-abcdefghijklmnopqrs", "/reset/{id}"),
        ("/2026/catalogue.v2", "/{id}/catalogue.v2"),
        ("/deadbeefdeadbeef", "/deadbeefdeadbeef"),  # a word, for all anybody knows
    ],
)
def test_what_names_a_thing_becomes_a_placeholder(path: str, expected: str) -> None:
    assert template(path) == expected


def test_paths_that_customers_make_up_cost_no_memory_for_ever() -> None:
    templates = Templates()
    for word in range(MOST_TEMPLATES):
        assert templates.of(f"/word{word}x") == f"/word{word}x"
    assert templates.of("/one-more") == OTHERS
    assert templates.of("/word0x") == "/word0x"


def test_less_than_a_hundredth_of_the_traffic_is_judged_together() -> None:
    often, seldom = Stratum("GET", "/images", 2), Stratum("DELETE", "/images/{id}", 2)
    assert pooled({often: 9_950, seldom: 50}) == {seldom}
    assert pooled({often: 9_900, seldom: 100}) == set()
    assert pooled({}) == set()


def test_a_stratum_can_be_written_and_read() -> None:
    stratum = Stratum("GET", "/images/{id}", 2)
    assert str(stratum) == "GET /images/{id} 2xx"
    assert Stratum.parse(str(stratum)) == stratum


@pytest.mark.parametrize("text", ["", "GET", "GET /x", "GET /x 22x", " /x 2xx"])
def test_other_text_is_no_stratum(text: str) -> None:
    with pytest.raises(ValueError, match="is no stratum"):
        Stratum.parse(text)
