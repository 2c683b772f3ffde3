"""The image service from the monolith's side: every kind of answer it may give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import repeat

import httpx
import pytest
import respx

from legacy_stub.gallery.port import GalleryError, ImageRecord
from legacy_stub.gallery.remote import MARK, RemoteGallery
from legacy_stub.orders import Order, OrderError
from legacy_stub.stopping import Stopping

URL = "http://images.test"
ORDER = Order(prompt="mar \ud83d ção", size="256x256", product_id=7)
RECORD = {
    "id": 1_000_000_001,
    "product_id": 7,
    "prompt": "mar",
    "size": "256x256",
    "status": "pronta",
    "url": "/images/1000000001/file",
}
IMAGE = ImageRecord(
    image_id=1_000_000_001,
    order=Order(prompt="mar", size="256x256", product_id=7),
    status="pronta",
)
MISSING = {"error": "Imagem não encontrada"}
Call = Callable[[RemoteGallery], object]


@pytest.fixture
def service() -> Iterator[respx.Router]:
    """The wire: nothing leaves this process."""
    with respx.mock(base_url=URL) as router:
        yield router


@pytest.fixture
def gallery() -> Iterator[RemoteGallery]:
    opened = RemoteGallery(URL, timeout_s=5, connections=1, stopping=Stopping())
    yield opened
    opened.close()


def test_an_order_is_sent_as_the_contract_says(
    service: respx.Router, gallery: RemoteGallery
) -> None:
    route = service.post("/images").respond(json=RECORD)
    assert gallery.order(ORDER) == IMAGE
    sent = route.calls.last.request
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.content) == {"prompt": ORDER.prompt, "size": "256x256", "product_id": 7}
    assert sent.headers[MARK] == "legacy_stub", "another monolith would know it by that"


def test_a_refused_order_is_refused_in_the_services_words(
    service: respx.Router, gallery: RemoteGallery
) -> None:
    service.post("/images").respond(json={"error": "Saldo insuficiente"})
    with pytest.raises(OrderError, match="Saldo insuficiente"):
        gallery.order(ORDER)


def test_what_is_missing_there_is_missing_here(
    service: respx.Router, gallery: RemoteGallery
) -> None:
    service.route().respond(json=MISSING)
    assert gallery.order(ORDER) is None, "deleted while it was drawn"
    assert gallery.one(5) is None
    assert gallery.file(5) is None
    assert not gallery.delete(5)


def test_records_pictures_and_deletions_come_through(
    service: respx.Router, gallery: RemoteGallery
) -> None:
    service.get("/images").respond(json=[RECORD, {**RECORD, "product_id": None}])
    service.get("/images/5").respond(json={**RECORD, "status": "falhou"})
    service.get("/images/5/file").respond(content=b"png", content_type="image/png")
    service.delete("/images/5").respond(json={"success": "Imagem deletada"})
    assert [image.order.product_id for image in gallery.all()] == [7, None]
    found = gallery.one(5)
    assert found is not None
    assert found.status == "falhou"
    assert gallery.file(5) == b"png"
    assert gallery.delete(5)


CALLS: dict[str, Call] = {
    "order": lambda gallery: gallery.order(ORDER),
    "all": lambda gallery: gallery.all(),
    "one": lambda gallery: gallery.one(5),
    "file": lambda gallery: gallery.file(5),
    "delete": lambda gallery: gallery.delete(5),
}
FAULTS: dict[str, httpx.Response | Exception] = {
    "500": httpx.Response(500, json={"error": "x"}),
    "404": httpx.Response(404, html="<h1>Not Found</h1>"),
    "a redirect": httpx.Response(302, headers={"Location": "http://elsewhere.test/"}),
    "html": httpx.Response(200, html="<h1>Hello</h1>"),
    "half of it": httpx.Response(
        200, content=b'{"id": 1', headers={"Content-Type": "application/json"}
    ),
    "nesting": httpx.Response(
        200, content=b"[" * 100_000, headers={"Content-Type": "application/json"}
    ),
    "refused": httpx.ConnectError("refused"),
    "too slow": httpx.ReadTimeout("slow"),
    "cut off": httpx.RemoteProtocolError("cut"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_fault_is_one_error_and_nothing_is_asked_twice(
    call: Call,
    fault: httpx.Response | Exception,
    service: respx.Router,
    gallery: RemoteGallery,
) -> None:
    """An order whose answer is lost may have been carried out."""
    route = service.route()
    route.mock(return_value=fault) if isinstance(fault, httpx.Response) else route.mock(
        side_effect=fault
    )
    with pytest.raises(GalleryError, match=r"^image service: "):
        call(gallery)
    assert route.call_count == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 0},
        {"id": "5"},
        {"id": True},
        {"id": 2**63},
        {"product_id": 0},
        {"prompt": None},
        {"size": "1x1"},
        {"size": ["256x256"]},
        {"status": 1},
    ],
    ids=str,
)
def test_a_record_that_is_none_is_not_passed_on(
    wrong: dict[str, object], service: respx.Router, gallery: RemoteGallery
) -> None:
    service.post("/images").respond(json={**RECORD, **wrong})
    with pytest.raises(GalleryError, match="no image's record"):
        gallery.order(ORDER)


@pytest.mark.parametrize("value", [[5], {"id": 5}, None, "x"], ids=str)
def test_a_list_of_something_else_is_an_error(
    value: object, service: respx.Router, gallery: RemoteGallery
) -> None:
    service.get("/images").respond(json=value)
    with pytest.raises(GalleryError):
        gallery.all()


def test_an_endless_answer_is_given_up(
    service: respx.Router, gallery: RemoteGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legacy_stub.gallery.remote.FILE_LIMIT_BYTES", 10)
    service.get("/images/5/file").respond(content=b"x" * 11, content_type="image/png")
    with pytest.raises(GalleryError, match="more than 10 bytes"):
        gallery.file(5)


def test_an_answer_that_is_never_silent_and_never_done_is_given_up(service: respx.Router) -> None:
    """A byte now and then would hold one of the shop's few threads for days."""
    head = {"Content-Type": "application/json"}
    service.get("/images").mock(
        side_effect=lambda _: httpx.Response(200, headers=head, content=repeat(b" "))
    )
    gallery = RemoteGallery(URL, timeout_s=0.05, connections=1, stopping=Stopping())
    with pytest.raises(GalleryError, match="and no end"):
        gallery.all()
    gallery.close()
