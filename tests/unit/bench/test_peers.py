"""What the proxies are told, as far as it can be seen without starting them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.debian import packages
from bench.peers import caddy, envoy, haproxy, nginx, traefik
from bench.peers.peer import Setting

_ROUTES = 7


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(
        folder=tmp_path, origins={"a": 1, "b": 2}, port=8000, admin_port=9000, routes=_ROUTES
    )


def test_the_packages_of_a_simulated_installation_are_those_that_it_would_install() -> None:
    simulated = (
        "Inst liblua5.3-0 (5.3.6-2 Debian:12/oldstable [amd64])\n"
        "Inst nginx [1.22.1-8] (1.22.1-9 Debian:12/oldstable [amd64])\n"
        "Conf liblua5.3-0 (5.3.6-2 Debian:12/oldstable [amd64])\n"
    )
    assert packages(simulated) == ["liblua5.3-0", "nginx"]
    assert packages("") == []


def test_every_proxy_that_routes_has_every_route(setting: Setting) -> None:
    """All configurations name each prefix, and none of them one more."""
    texts = {
        "envoy": json.dumps(envoy.configuration(setting)),
        "traefik": json.dumps(traefik.routing(setting)),
        "caddy": json.dumps(caddy.configuration(setting)),
        "nginx": nginx.configuration(setting),
        "haproxy": haproxy.routes_map(setting),
    }
    for name, text in texts.items():
        assert f"/service-{_ROUTES - 1:04d}" in text, name
        assert f"/service-{_ROUTES:04d}" not in text, name


def test_every_sticky_proxy_goes_by_the_customer(setting: Setting) -> None:
    assert '"header_name": "X-Customer-Id"' in json.dumps(envoy.configuration(setting))
    assert '"field": "X-Customer-Id"' in json.dumps(caddy.configuration(setting))
    assert "split_clients $http_x_customer_id $side { 50% a; * b; }" in nginx.configuration(setting)
    assert "req.hdr(X-Customer-Id),xxh32,mod(100) lt 50" in haproxy.configuration(setting, "map")
