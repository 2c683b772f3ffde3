"""Pictures from OpenAI, against a mocked wire."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator

import httpx2
import pytest
import respx
from PIL import Image

from legacy_stub import tracing
from legacy_stub.gallery.port import GalleryError
from legacy_stub.providers.openai import OpenAIPainter
from legacy_stub.stopping import Stopping

URL = "https://openai.test/v1/images/generations"
KEY = "sk-very-secret"
PROMPT = "a private prompt"


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIPainter]:
    # what the SDK rests between two tries
    monkeypatch.setattr("openai._base_client.time.sleep", lambda _: None)
    bought = OpenAIPainter(
        model="gpt-image-2.5-flare",
        api_key=KEY,
        base_url="https://openai.test/v1",
        stopping=Stopping(),
    )
    yield bought
    bought.close()


def picture(width: int, height: int, mode: str = "RGB", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, kind)
    return out.getvalue()


def answer(content: bytes) -> dict[str, object]:
    return {"created": 1, "data": [{"b64_json": base64.b64encode(content).decode()}]}


@pytest.mark.parametrize(
    ("sides", "asked"),
    [
        ((256, 256), "1024x1024"),
        ((512, 512), "1024x1024"),
        ((1024, 1024), "1024x1024"),
        ((1536, 1024), "1536x1024"),
        ((1024, 1536), "1024x1536"),
    ],
)
def test_one_png_is_bought_and_brought_to_its_size(
    httpx2_mock: respx.Router, painter: OpenAIPainter, sides: tuple[int, int], asked: str
) -> None:
    width, height = (int(side) for side in asked.split("x"))
    route = httpx2_mock.post(URL).respond(json=answer(picture(width, height, "RGBA")))
    with Image.open(io.BytesIO(painter.paint(PROMPT, *sides))) as painted:
        assert (painted.format, painted.mode, painted.size) == ("PNG", "RGB", sides)
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(request.content) == {
        "model": "gpt-image-2.5-flare",
        "prompt": PROMPT,
        "size": asked,
        "n": 1,
        "output_format": "png",
    }


PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("value", "carried"),
    [(PARENT, PARENT), ("", None), ("two, of them", None), (f"{PARENT}-{'a' * 200}", None)],
)
def test_a_call_is_made_in_the_trace_of_the_request(
    httpx2_mock: respx.Router, painter: OpenAIPainter, value: str, carried: str | None
) -> None:
    """And not in that of the one before, which the same thread has handled."""
    tracing.enter(PARENT.replace("4bf9", "0000"))
    tracing.enter(value)
    route = httpx2_mock.post(URL).respond(json=answer(picture(1024, 1024)))
    painter.paint(PROMPT, 1024, 1024)
    assert route.calls.last.request.headers.get("traceparent") == carried


def test_a_picture_that_fits_stays_as_it_came(
    httpx2_mock: respx.Router, painter: OpenAIPainter
) -> None:
    content = picture(1024, 1024)
    httpx2_mock.post(URL).respond(json=answer(content))
    assert painter.paint(PROMPT, 1024, 1024) == content


def test_an_order_that_times_out_is_bought_three_times(
    httpx2_mock: respx.Router, painter: OpenAIPainter
) -> None:
    """As the SDK does it on its own; nothing tells OpenAI that they are one."""
    route = httpx2_mock.post(URL).mock(side_effect=httpx2.ReadTimeout("slow"))
    with pytest.raises(GalleryError, match="APITimeoutError"):
        painter.paint(PROMPT, 256, 256)
    assert route.call_count == 3
    for call in route.calls:
        assert "idempotency-key" not in call.request.headers


def _error(status: int, code: str | None) -> tuple[int, str]:
    error = {"message": f"{KEY} {PROMPT}", "code": code, "type": "x", "param": None}
    return status, json.dumps({"error": error})


@pytest.mark.parametrize(
    ("answered", "calls"),
    [
        (_error(400, "moderation_blocked"), 1),
        (_error(401, "invalid_api_key"), 1),
        (_error(404, f"no such model as {PROMPT}"), 1),
        (_error(429, "insufficient_quota"), 3),
        (_error(500, None), 3),
        ((502, "<h1>Bad Gateway</h1>"), 3),
        ((200, "<h1>Hello</h1>"), 1),
        ((200, "{"), 1),
        ((200, "[]"), 1),
        ((200, '{"data": null}'), 1),
        ((200, '{"data": []}'), 1),
        ((200, '{"data": [{"url": "http://x"}]}'), 1),
        ((200, '{"data": [{"b64_json": "%%%"}]}'), 1),
        ((200, json.dumps(answer(b"no picture"))), 1),
        ((200, json.dumps(answer(picture(1024, 1024)[:500]))), 1),
        ((200, json.dumps(answer(picture(1024, 1024, kind="JPEG")))), 1),
        ((200, json.dumps(answer(picture(3841, 2160, "1")))), 1),
    ],
)
def test_every_fault_is_one_error_that_quotes_nobody(
    httpx2_mock: respx.Router, painter: OpenAIPainter, answered: tuple[int, str], calls: int
) -> None:
    """Moderation and an empty account are faults like any other to the old program."""
    status, body = answered
    kind = "application/json" if body[0] in "{[" else "text/html"
    route = httpx2_mock.post(URL).respond(status, text=body, content_type=kind)
    with pytest.raises(GalleryError, match=r"^OpenAI: ") as caught:
        painter.paint(PROMPT, 256, 256)
    assert route.call_count == calls
    assert KEY not in str(caught.value)
    assert "private" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_more_bytes_than_a_picture_has_are_not_decoded(
    httpx2_mock: respx.Router, painter: OpenAIPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("legacy_stub.providers.openai.BYTE_LIMIT", 30)
    httpx2_mock.post(URL).respond(json=answer(picture(8, 8)))
    with pytest.raises(GalleryError, match="are too many"):
        painter.paint(PROMPT, 256, 256)
