"""The ports and the programs of `make up`."""

from __future__ import annotations

import pytest

from tools.up.errors import UpError
from tools.up.parts import Ports, parts, read_ports

SECRET = "s3cret"  # noqa: S105 - of no real service
PORTS = Ports(customers=1, admin=2, monolith=3, images=4, changes=5)


def test_without_any_variable_the_ports_are_those_of_routes_yaml() -> None:
    assert read_ports({}) == Ports(
        customers=8000, admin=9000, monolith=8001, images=8002, changes=8003
    )


def test_each_variable_moves_its_own_port_and_an_empty_one_none() -> None:
    environ = {"FIGUEIRA_PORT": "1", "FIGUEIRA_ADMIN_PORT": "2", "LEGACY_PORT": "3"}
    environ["LEGACY_CHANGES_PORT"] = "5"
    assert read_ports({**environ, "IMAGE_PORT": "4"}) == PORTS
    assert read_ports({**environ, "IMAGE_PORT": ""}).images == 8002


@pytest.mark.parametrize("text", ["0", "65536", "-1", "eighty", "8 000", "٨", "9" * 5000, "1.5"])
def test_what_is_no_port_is_named_with_its_variable(text: str) -> None:
    """0 too: the others have to be told a port before anything listens."""
    with pytest.raises(UpError, match=r"^LEGACY_PORT: '.{1,60}' is no port; ") as caught:
        read_ports({"LEGACY_PORT": text})
    assert len(str(caught.value)) < 160


def test_one_port_for_two_is_refused_with_both_names() -> None:
    with pytest.raises(UpError, match=r"^FIGUEIRA_PORT and IMAGE_PORT are both 8000; "):
        read_ports({"IMAGE_PORT": "8000"})


def test_each_part_listens_where_the_others_look_for_it() -> None:
    monolith, images, bringing, gateway = parts(PORTS, SECRET)
    assert gateway.settings["LEGACY_URL"] == "http://127.0.0.1:3"
    assert monolith.settings["LEGACY_PORT"] == "3"
    assert monolith.settings["LEGACY_CHANGES_PORT"] == "5"
    assert gateway.settings["IMAGE_SERVICE_URL"] == "http://127.0.0.1:4"
    assert images.settings["IMAGE_PORT"] == "4"
    assert bringing.command[-2:] == ("--from-changes", "http://127.0.0.1:5")
    assert images.settings["IMAGE_GATEWAY_SECRET"] == SECRET
    assert gateway.settings["IMAGE_GATEWAY_SECRET"] == SECRET
    assert gateway.settings["FIGUEIRA_PORT"] == "1"
    assert gateway.ready_url == "http://127.0.0.1:2/readyz"


def test_nothing_listens_beyond_this_machine() -> None:
    hosts = {
        value
        for part in parts(PORTS, SECRET)
        for name, value in part.settings.items()
        if name.endswith("HOST")
    }
    assert hosts == {"127.0.0.1"}
