"""Images made and kept by the image service, over the contract that both sides have.

A call is made once, never repeated: an order may have been carried out although no answer came.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TypeGuard

import httpx

from legacy_stub.gallery.port import MISSING, GalleryError, ImageRecord
from legacy_stub.orders import LARGEST_ID, SIZES, Order, OrderError
from legacy_stub.stopping import Stopping

CONNECT_S = 2.0  # on one site; a service that takes longer is as good as down
# The service's server closes an idle connection after 5 s; a call on it just then would be lost.
KEEP_IDLE_S = 2.0
FILE_LIMIT_BYTES = 64 * 1024 * 1024
JSON_LIMIT_BYTES = 16 * 1024 * 1024  # thousands of records with the longest prompts
OK = 200
# Goes with each call and through gateways. What comes back to a monolith with it must not go on.
MARK, MARKED = "X-Images-Asked-By", "legacy_stub"


class RemoteGallery:
    """The image service; a ``Gallery``.

    Args:
        url: Where it answers.
        timeout_s: How long it may be silent; an order is silent until its picture is there. Once
            it answers, it has as long again for the whole answer.
        connections: Calls at once.
        stopping: Ends the wait for an answer when the process ends.
    """

    def __init__(self, url: str, *, timeout_s: float, connections: int, stopping: Stopping) -> None:
        limits = httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_IDLE_S,
        )
        # a proxy for the outside has no business here
        self._transport = httpx.HTTPTransport(limits=limits, trust_env=False)
        self._client = httpx.Client(
            base_url=url,
            transport=self._transport,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            headers={"Accept-Encoding": "identity", MARK: MARKED},
            trust_env=False,
        )
        self._timeout_s = timeout_s
        self._stopping = stopping

    def order(self, order: Order) -> ImageRecord | None:
        """Order from the service and wait for it.

        Raises:
            OrderError: It refuses, with a text for the customer.
        """
        fields = {"prompt": order.prompt, "size": order.size, "product_id": order.product_id}
        # ASCII: half of a surrogate pair goes through, for the service to refuse it as we do
        content = json.dumps(fields).encode("ascii")
        value = self._json("POST", "/images", content)
        text = _error(value)
        if text is None:
            return _record(value)
        if text == MISSING:
            return None
        raise OrderError(text)

    def all(self) -> list[ImageRecord]:
        """List what the service has."""
        value = self._json("GET", "/images")
        if not isinstance(value, list):
            raise GalleryError(f"image service: {type(value).__name__} where a list should be")
        return [_record(each) for each in value]

    def one(self, image_id: int) -> ImageRecord | None:
        """Ask for one record."""
        value = self._json("GET", f"/images/{image_id}")
        return None if _error(value) == MISSING else _record(value)

    def file(self, image_id: int) -> bytes | None:
        """Ask for one picture."""
        kind, content = self._call("GET", f"/images/{image_id}/file")
        if kind == "image/png":
            return content
        if _error(_parsed(content)) == MISSING:
            return None
        raise GalleryError("image service: neither a PNG nor a missing one")

    def delete(self, image_id: int) -> bool:
        """Have one image deleted."""
        return _error(self._json("DELETE", f"/images/{image_id}")) != MISSING

    def check(self) -> None:
        """See that the image service itself is there, and ready.

        The monolith and a gateway before it know no such page: with one of them in the service's
        place, an order would come back here again and again.

        Raises:
            GalleryError: It is not.
        """
        self._call("GET", "/readyz")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _json(self, method: str, path: str, content: bytes | None = None) -> object:
        kind, body = self._call(method, path, content)
        if kind != "application/json":
            raise GalleryError(f"image service: {method} was not answered with JSON")
        return _parsed(body)

    def _call(self, method: str, path: str, content: bytes | None = None) -> tuple[str, bytes]:
        """Return media type and body of an answer of 200."""
        return self._stopping.await_(lambda: self._exchange(method, path, content))

    def _exchange(self, method: str, path: str, content: bytes | None) -> tuple[str, bytes]:
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            with self._client.stream(method, path, content=content, headers=headers) as answer:
                if answer.status_code != OK:
                    raise GalleryError(
                        f"image service: status {answer.status_code} to {method} {path}"
                    )
                kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                limit = FILE_LIMIT_BYTES if kind == "image/png" else JSON_LIMIT_BYTES
                return kind, _read(answer, limit, time.monotonic() + self._timeout_s)
        except httpx.HTTPError as error:
            raise GalleryError(f"image service: {type(error).__name__} at {method}") from error
        finally:
            if self._client.is_closed:  # the wait for this call was given up: it cleans up itself
                self._transport.close()


def _read(answer: httpx.Response, limit_bytes: int, until_s: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > limit_bytes:
            raise GalleryError(f"image service: an answer of more than {limit_bytes} bytes")
        if time.monotonic() > until_s:  # never silent, and never done
            raise GalleryError(f"image service: {len(body)} bytes of an answer, and no end")
    return bytes(body)


def _parsed(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise GalleryError("image service: an answer that is not JSON") from None
    return value


def _error(value: object) -> str | None:
    """Return the text of an error, as both sides write it: status 200, one field."""
    text = value.get("error") if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else None


def _record(value: object) -> ImageRecord:
    fields = value if isinstance(value, Mapping) else {}
    image_id, product_id = fields.get("id"), fields.get("product_id")
    prompt, size, status = (fields.get(name) for name in ("prompt", "size", "status"))
    if (
        not _is_id(image_id)
        or not (product_id is None or _is_id(product_id))
        or not isinstance(prompt, str)
        or size not in SIZES
        or not isinstance(status, str)
    ):
        raise GalleryError("image service: an answer that is no image's record")
    order = Order(prompt=prompt, size=size, product_id=product_id)
    return ImageRecord(image_id=image_id, order=order, status=status)


def _is_id(value: object) -> TypeGuard[int]:
    # by type, not isinstance: to Python true is the integer 1
    return type(value) is int and 1 <= value <= LARGEST_ID
