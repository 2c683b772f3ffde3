"""What `figueira diff` asks the admin port for: what decides, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import cast

import msgspec
from starlette.testclient import TestClient

from gateway.admin.app import create_app
from gateway.admin.from_control import ControlView
from gateway.config import load
from gateway.control.control import Control
from gateway.routing.snapshot import Snapshot, Trust
from tests.unit.gateway.admin.fake_view import FakeView

_FILE = load(b"""\
version: 1
trust: {proxies: [10.0.0.0/8], testers: [192.0.2.1/32]}
safety: {max_moved: 10%}
access_log: {sensitive_headers: [X-Plan], sensitive_query: [code]}
backends:
  legacy: {url: "http://127.0.0.1:1"}
  image_service: {url: "http://127.0.0.1:2"}
routes:
  - name: images
    match: {path_prefix: /images, headers: {X-Beta: "on"}}
    split: {image_service: 12.5, legacy: rest}
    sticky: [{header: X-Customer-Id}, {cookie: c}, client_ip]
    owner:
      id: "/images/{id}"
      ranges: {legacy: 1..9, image_service: 10..}
      unknown: legacy
      lists: legacy
  - {name: rest, match: {path_prefix: /}, backend: legacy}
""")


def test_the_page_is_the_snapshot_as_json() -> None:
    with TestClient(create_app(FakeView(serves=_FILE)), base_url="http://localhost") as client:
        answer = client.get("/api/snapshot")
    assert answer.headers["content-type"] == "application/json"
    assert msgspec.json.decode(answer.content, type=Snapshot) == _FILE


def test_before_the_first_file_there_is_none() -> None:
    with TestClient(create_app(FakeView()), base_url="http://localhost") as client:
        assert client.get("/api/snapshot").status_code == 503


def test_a_running_control_tells_what_decides_and_no_backend() -> None:
    """What is added to the file later is not told until somebody says so here."""
    current = SimpleNamespace(snapshot=_FILE)
    control = SimpleNamespace(reloader=SimpleNamespace(current=current))
    told = ControlView(cast("Control", control)).snapshot()
    assert told is not None
    assert told.backends == ()
    assert {field.name for field in fields(Trust)} >= {"proxies", "testers"}
    for name in ("digest", "routes", "safety", "sensitive"):
        assert getattr(told, name) == getattr(_FILE, name)
    assert (told.trust.proxies, told.trust.testers) == (("10.0.0.0/8",), ("192.0.2.1/32",))
