"""Backend URLs and the variables in them."""

from __future__ import annotations

import pytest

from gateway.config.urls import Endpoint, endpoint, expand
from gateway.config.wording import Refusal

ENVIRONMENT = {"HOST": "legacy", "PORT": "8001", "EMPTY": "", "NESTED": "${HOST}"}


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:8001", "127.0.0.1", 8001),
        ("http://legacy", "legacy", 80),
        ("http://image_service:8002", "image_service", 8002),
        ("HTTP://Legacy.Example.COM:1", "legacy.example.com", 1),
        ("http://[::1]:65535", "::1", 65_535),
        ("http://${HOST}:${PORT}", "legacy", 8001),
    ],
)
def test_a_good_url_is_a_host_and_a_port(url: str, host: str, port: int) -> None:
    assert endpoint(url, ENVIRONMENT) == Endpoint(host=host, port=port)


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("http://h", "http://h"),
        ("${HOST}", "legacy"),
        ("${HOST:-other}", "legacy"),
        ("${UNSET:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-http://h:1}${PORT}", "http://h:18001"),
        ("${NESTED}", "${HOST}"),
    ],
)
def test_references_are_filled_in_once(written: str, expanded: str) -> None:
    """A value that looks like a reference itself is not filled in again."""
    assert expand(written, ENVIRONMENT) == expanded


@pytest.mark.parametrize("url", ["http://user:secret@h", "http://h:1@secret", "ftp://u:secret@h"])
def test_what_may_be_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(Refusal) as caught:
        endpoint(url, ENVIRONMENT)
    assert "secret" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("host", ["[1:2]", "256.1.1.1", "0x7f.1", "a..b", "a" * 64, "caf\u00e9"])
def test_what_resolvers_would_read_in_their_own_ways_is_no_host(host: str) -> None:
    with pytest.raises(Refusal, match="bad host"):
        endpoint(f"http://{host}:80", {})
