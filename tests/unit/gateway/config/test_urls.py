"""Backend URLs and the variables in them."""

from __future__ import annotations

import pytest

from gateway.config.urls import LONGEST_SOCKET_BYTES, Endpoint, endpoint, expand, host_name
from gateway.config.wording import Refusal
from gateway.routing.snapshot import Address

ENVIRONMENT = {"HOST": "legacy", "PORT": "8001", "EMPTY": "", "NESTED": "${HOST}"}


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("http://127.0.0.1:8001", "http", "127.0.0.1", 8001),
        ("http://legacy", "http", "legacy", 80),
        ("https://legacy", "https", "legacy", 443),
        ("https://legacy:80", "https", "legacy", 80),
        ("http://image_service:8002", "http", "image_service", 8002),
        ("HTTPS://Legacy.Example.COM:1", "https", "legacy.example.com", 1),
        ("http://[::1]:65535", "http", "::1", 65_535),
        ("http://${HOST}:${PORT}", "http", "legacy", 8001),
    ],
)
def test_a_good_url_is_a_scheme_a_host_and_a_port(
    url: str, scheme: str, host: str, port: int
) -> None:
    read = endpoint(url, ENVIRONMENT)
    assert read == Endpoint(scheme=scheme, address=Address(host=host, port=port))
    assert endpoint(str(read), {}) == read


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("unix:/run/shop.sock", "/run/shop.sock"),
        ("unix:/run/${HOST}.sock", "/run/legacy.sock"),
        ("unix:/a b/@caf\u00e9", "/a b/@caf\u00e9"),
        ("unix:/" + "x" * (LONGEST_SOCKET_BYTES - 1), "/" + "x" * (LONGEST_SOCKET_BYTES - 1)),
    ],
    ids=["plain", "variable", "any-characters", "longest"],
)
def test_a_unix_socket_is_its_path_as_it_is(url: str, path: str) -> None:
    """No percent-decoding: a path is no URL."""
    read = endpoint(url, ENVIRONMENT)
    assert read == Endpoint(scheme="unix", address=Address(path=path))
    assert str(read) == f"unix:{path}"


@pytest.mark.parametrize("name", ["Shop.Example", "10.0.0.1", "::1"])
def test_a_servers_name_is_a_host_name_or_an_address(name: str) -> None:
    assert host_name(name) == name.lower()


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
