"""Pictures under their hashes, through the gateway: caches and resumed downloads rely on them."""

from __future__ import annotations

import hashlib
import io

import httpx
import pytest
from PIL import Image

from image_service.providers.procedural import render
from tests.e2e.conftest import Backends, Start

pytestmark = pytest.mark.e2e


def test_pictures_cross_the_gateway_whatever_the_split_says(
    start: Start, backends: Backends
) -> None:
    """At 0 percent: what was made on the new side is its own."""
    picture = render("a lagoon", 256, 256)
    sha256 = hashlib.sha256(picture).hexdigest()
    with httpx.Client(base_url=backends.image_service, trust_env=False) as service:
        service.post("/images", json={"prompt": "a lagoon", "size": "256x256"})
    url = f"/images/blobs/{sha256}"
    with (
        start() as figueira,
        httpx.Client(base_url=figueira.url, trust_env=False) as shop,
    ):
        whole = shop.get(url)
        assert (whole.status_code, whole.content) == (200, picture)
        assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"
        held = shop.get(url, headers={"If-None-Match": whole.headers["etag"]})
        assert (held.status_code, held.content) == (304, b"")
        part = shop.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})
        assert (part.status_code, part.content) == (206, picture[100:])
        head = shop.head(url)
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(picture)))
        small = shop.get(f"{url}?w=64", headers={"Accept": "image/webp,*/*"})
        assert (small.headers["content-type"], small.headers["vary"]) == ("image/webp", "Accept")
        with Image.open(io.BytesIO(small.content)) as decoded:
            assert decoded.size == (64, 64)
        refused = shop.get("/images/blobs/nothing")
        assert refused.json()["code"] == "not-found"
