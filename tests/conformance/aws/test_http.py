"""The whole service behind an HTTP API: what crosses Lambda is what the service said."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from image_service.providers.procedural import render
from tests.conformance.aws.conftest import BUCKET
from tests.support.aws import Aws
from tests.support.lambda_runtime import (
    Function,
    InvocationError,
    http_event,
    running_function,
)

_JSON = {"content-type": "application/json"}


def _body(answer: Mapping[str, object]) -> bytes:
    body = answer.get("body", "")
    assert isinstance(body, str)
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def _headers(answer: Mapping[str, object]) -> dict[str, str]:
    headers = answer.get("headers")
    assert isinstance(headers, dict)
    return headers


def _order(function: Function, prompt: str = "praia") -> dict[str, object]:
    body = json.dumps({"prompt": prompt, "size": "256x256"})
    answer = function.invoke(http_event("POST", "/images", headers=_JSON, body=body))
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    image = json.loads(_body(answer))
    assert isinstance(image, dict)
    return image


def test_an_order_is_carried_out_and_its_picture_arrives_byte_for_byte(
    http_function: Function,
) -> None:
    image = _order(http_function)
    assert image["status"] == "pronta"
    answer = http_function.invoke(http_event("GET", f"/images/{image['id']}/file"))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert _body(answer) == render("praia", 256, 256)
    assert _headers(answer)["content-type"] == "image/png"
    # All orders of a process share its connections: a loop per event would have lost them.
    assert _order(http_function)["id"] == int(str(image["id"])) + 1


def test_a_picture_is_found_under_its_hash_in_any_format(http_function: Function) -> None:
    _order(http_function)
    sha256 = hashlib.sha256(render("praia", 256, 256)).hexdigest()
    for suffix, media_type in (("", "image/png"), (".avif?w=64", "image/avif")):
        answer = http_function.invoke(http_event("GET", f"/images/blobs/{sha256}{suffix}"))
        assert answer["statusCode"] == 200
        assert _headers(answer)["content-type"] == media_type
        digest = hashlib.sha256(_body(answer)).hexdigest()
        assert _headers(answer)["etag"] == f'"{digest}"'


def test_a_304_says_nothing_of_a_content_type(http_function: Function) -> None:
    image = _order(http_function)
    path = f"/images/{image['id']}/file"
    etag = _headers(http_function.invoke(http_event("GET", path)))["etag"]
    answer = http_function.invoke(http_event("GET", path, headers={"if-none-match": etag}))
    assert (answer["statusCode"], _body(answer)) == (304, b"")
    assert "content-type" not in _headers(answer)
    assert _headers(answer)["etag"] == etag


def test_a_part_of_a_picture_arrives_as_that_part(http_function: Function) -> None:
    image = _order(http_function)
    event = http_event("GET", f"/images/{image['id']}/file", headers={"range": "bytes=100-199"})
    answer = http_function.invoke(event)
    assert answer["statusCode"] == 206
    assert _body(answer) == render("praia", 256, 256)[100:200]


def test_a_problem_arrives_as_text(http_function: Function) -> None:
    answer = http_function.invoke(http_event("GET", "/images/blobs/nothing"))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (404, False)
    assert _headers(answer)["content-type"] == "application/problem+json"
    assert json.loads(_body(answer))["code"] == "not-found"


def test_a_picture_too_long_for_lambda_is_fetched_from_the_bucket(
    http_function: Function, aws: Aws
) -> None:
    """Whole, it is answered with 303 and a URL that anybody can open; a part of it comes here."""
    content = b"\x89PNG\r\n\x1a\n" + os.urandom(5_000_000)
    sha256 = hashlib.sha256(content).hexdigest()
    aws.client("s3").put_object(
        Bucket=BUCKET,
        Key=f"images/sha256/{sha256[:2]}/{sha256}",
        Body=content,
        ContentType="image/png",
    )
    path = f"/images/blobs/{sha256}"
    answer = http_function.invoke(http_event("GET", path))
    assert (answer["statusCode"], _body(answer)) == (303, b"")
    assert _headers(answer)["cache-control"] == "no-store"
    assert "content-type" not in _headers(answer)
    there = httpx.get(_headers(answer)["location"], trust_env=False)
    assert (there.content, there.headers["content-type"]) == (content, "image/png")
    part = http_function.invoke(http_event("GET", path, headers={"range": "bytes=0-999999"}))
    assert (part["statusCode"], _body(part)) == (206, content[:1_000_000])


def test_a_body_in_base64_is_an_order_too(http_function: Function) -> None:
    body = base64.b64encode(json.dumps({"prompt": "serra", "size": "256x256"}).encode()).decode()
    event = {**http_event("POST", "/images", headers=_JSON, body=body), "isBase64Encoded": True}
    assert json.loads(_body(http_function.invoke(event)))["prompt"] == "serra"


def test_the_process_is_ready_and_says_so(http_function: Function) -> None:
    answer = http_function.invoke(http_event("GET", "/readyz"))
    assert json.loads(_body(answer)) == {
        "checks": {"blobs": "ok", "database": "ok"},
        "status": "ready",
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"IMAGE_BLOB_URL": "/tmp/blobs"}, "on Lambda is forgotten with the process"),  # noqa: S108 - refused
        ({"IMAGE_BLOB_URL": "s3://nowhere-at-all"}, "the bucket does not exist"),
        ({"IMAGE_SECRET_ID": "missing"}, "ResourceNotFoundException"),
        ({"IMAGE_SECRET_ID": ""}, "an SQLite file on Lambda is forgotten"),
    ],
)
def test_what_would_lose_orders_on_lambda_is_an_error_that_says_why(
    settings: Mapping[str, str], tmp_path: Path, changed: dict[str, str], says: str
) -> None:
    handler = "image_service.aws.http.handler"
    with running_function(handler, folder=tmp_path, environ={**settings, **changed}) as function:
        for _ in range(2):
            with pytest.raises(InvocationError) as error:
                function.invoke(http_event("GET", "/livez"))
            assert error.value.error_type == "StartupError"
            assert says in error.value.message
