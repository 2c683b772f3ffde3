"""Promise 6 with the real shop: what was acknowledged stays reachable, in lists as by itself."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.e2e.conftest import Backends, Start
from tests.support.figueira import run
from tests.support.load import IMAGE_SERVICE_FROM
from tests.support.processes import free_port
from tests.support.routes_file import SHIPPED

pytestmark = pytest.mark.e2e

_SECRET = "pin" * 11
_PINNED = SHIPPED.read_text().replace(
    "  testers: []", '  pin_secret: "${FIGUEIRA_PIN_SECRET}"\n  testers: []'
)


def _order(shop: httpx.Client, **headers: str) -> int:
    """Order a picture; return its id."""
    order = {"prompt": "a lagoon", "size": "256x256"}
    image = shop.post("/images", json=order, headers=headers).json()
    assert image["status"] == "pronta", image
    return int(image["id"])


def test_promise_6_images_of_both_sides_are_one_list_during_any_split_and_after_any_flip_back(
    start: Start, backends: Backends
) -> None:
    """Made at 0, 100 and 50 percent, through dying workers; read, listed and deleted at 0."""
    with start() as figueira:
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            made = [_order(shop)]
            figueira.flip(100)
            made.append(_order(shop))
            figueira.flip(50)
            made += [_order(shop, **{"X-Customer-Id": str(n)}) for n in range(6)]
        assert {id_ >= IMAGE_SERVICE_FROM for id_ in made} == {True, False}
        figueira.flip(0)
        # With it go the connections that it had.
        figueira.kill(figueira.status()["workers"][0]["pid"])
        figueira.wait_until_whole()
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            _find_and_delete(shop, backends, made)


def _find_and_delete(shop: httpx.Client, backends: Backends, made: list[int]) -> None:
    """Find each image in the list and by itself, however its id is spelt, and delete it."""
    listed = [image["id"] for image in shop.get("/images").json()]
    assert listed == sorted(listed)
    assert set(made) <= set(listed)
    with httpx.Client(trust_env=False) as beside:
        parts = [beside.get(f"{url}/images") for url in (backends.legacy, backends.image_service)]
    # The records cross as they are, written as the monolith would have written all of them.
    assert shop.get("/images").content == b"[%b]\n" % b",".join(
        part.content.strip().removeprefix(b"[").removesuffix(b"]") for part in parts if part.json()
    )
    for id_ in made:
        spelt = f"/images/0{id_}"
        assert shop.get(f"/images/{id_}").json()["id"] == id_
        assert shop.get(f"{spelt}/file").headers["content-type"] == "image/png"
        assert shop.delete(spelt).json() == {"success": "Imagem deletada"}
    listed = [image["id"] for image in shop.get("/images").json()]
    assert not set(made) & set(listed)


def test_half_a_list_is_never_shown(start: Start) -> None:
    """The image service is not there: 502 for the list; what the monolith has is served."""
    gone = f"http://127.0.0.1:{free_port()}"
    with start(IMAGE_SERVICE_URL=gone) as figueira:
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            id_ = _order(shop)
            assert shop.get(f"/images/{id_}").json()["id"] == id_
            answer = shop.get("/images")
            assert (answer.status_code, answer.json()["status"]) == (502, 502)
        assert figueira.stop() == 0
        (line,) = (line for line in figueira.access_lines() if line["status"] == 502)
        assert (line["backend"], line["error"]) == (
            "legacy+image_service",
            "connect:refused:upstream",
        )


def test_a_tester_with_a_signed_pin_reaches_the_new_side_before_any_customer(start: Start) -> None:
    """At weight 0, from an address that is no tester's; what exists stays where it is."""
    with start(_PINNED, FIGUEIRA_PIN_SECRET=_SECRET) as figueira:
        folder, secret = figueira.routes.path.parent, {"FIGUEIRA_PIN_SECRET": _SECRET}
        told = json.loads(run("pin", "image_service", "--json", folder=folder, **secret).stdout)
        pin = {told["header"]: told["value"]}
        forged = {told["header"]: told["value"][:-3] + "AAA"}
        with httpx.Client(base_url=figueira.url, trust_env=False) as shop:
            assert _order(shop) < IMAGE_SERVICE_FROM
            assert _order(shop, **forged) < IMAGE_SERVICE_FROM
            old, new = _order(shop), _order(shop, **pin)
            assert new >= IMAGE_SERVICE_FROM
            assert shop.get(f"/images/{old}", headers=pin).json()["id"] == old
            assert shop.get(f"/images/{new}").json()["id"] == new
        assert figueira.stop() == 0
        reasons = [line["reason"] for line in figueira.access_lines()]
        assert reasons.count("pin") == 1
        assert told["value"] not in figueira.access_log.read_text()
