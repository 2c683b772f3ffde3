"""Settings from environment and command line; each error is one line that names the culprit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.settings import VARIABLES, Settings, read_settings, unknown_variables

ROOT = Path(__file__).parents[3]


def test_nothing_set_is_the_defaults() -> None:
    assert read_settings({}, {}) == Settings()


def test_every_setting_has_a_variable() -> None:
    assert sorted(VARIABLES.values()) == sorted(field.name for field in fields(Settings))


def test_each_variable_sets_its_field() -> None:
    environment = {
        "FIGUEIRA_CONFIG": "etc/r.yaml",
        "FIGUEIRA_HOST": "::",
        "FIGUEIRA_PORT": "80",
        "FIGUEIRA_ADMIN_HOST": "::1",
        "FIGUEIRA_ADMIN_PORT": "0",
        "FIGUEIRA_WORKERS": "64",
        "FIGUEIRA_DATABASE_URL": "postgresql+asyncpg://u:p@h/d",
        "FIGUEIRA_ACCESS_LOG": "off",
        "FIGUEIRA_TOKEN_KEY": "sixteen or more.",
        "FIGUEIRA_DRAIN_S": "0.5",
        "FIGUEIRA_DRAIN_DELAY_S": "15",
        "FIGUEIRA_RESUME": "1",
        "FIGUEIRA_TLS_CERT": "etc/chain.pem",
        "FIGUEIRA_TLS_KEY": "etc/key.pem",
        "FIGUEIRA_MAX_CLIENT_CONNECTIONS": "1000000",
    }
    assert environment.keys() == VARIABLES.keys()
    assert read_settings(environment, {}) == Settings(
        config=Path("etc/r.yaml"),
        host="::",
        port=80,
        admin_host="::1",
        admin_port=0,
        workers=64,
        database_url="postgresql+asyncpg://u:p@h/d",
        access_log="off",
        token_key="sixteen or more.",  # noqa: S106 - nobody's
        drain_s=0.5,
        drain_delay_s=15.0,
        resume=True,
        tls_cert=Path("etc/chain.pem"),
        tls_key=Path("etc/key.pem"),
        max_client_connections=1_000_000,
    )


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings(dict.fromkeys(VARIABLES, ""), {}) == Settings()


def test_a_flag_overrules_its_variable_even_a_bad_one() -> None:
    flags = {"port": 8080, "host": None, "config": Path("other.yaml")}
    settings = read_settings({"FIGUEIRA_PORT": "eighty", "FIGUEIRA_HOST": "::"}, flags)
    assert (settings.port, settings.host) == (8080, "::")
    assert settings.config == Path("other.yaml")


@pytest.mark.parametrize(
    ("environment", "flags", "said"),
    [
        (
            {"FIGUEIRA_PORT": "http"},
            {},
            "FIGUEIRA_PORT: 'http' is not a whole number from 0 to 65535; give one",
        ),
        ({"FIGUEIRA_PORT": "65536"}, {}, "FIGUEIRA_PORT: '65536' is not a whole number from 0 to"),
        ({"FIGUEIRA_ADMIN_PORT": "-1"}, {}, "FIGUEIRA_ADMIN_PORT: '-1' is not a whole number"),
        ({"FIGUEIRA_PORT": "٨٠"}, {}, "FIGUEIRA_PORT: '٨٠' is not a whole number"),
        ({"FIGUEIRA_PORT": "9" * 5000}, {}, f"FIGUEIRA_PORT: '{'9' * 60}...' is not a whole"),
        (
            {"FIGUEIRA_PORT": "tcp://10.96.0.7:8000"},
            {},
            "FIGUEIRA_PORT: 'tcp://10.96.0.7:8000' is not a whole number from 0 to 65535; "
            "Kubernetes set it for a service; give the pod enableServiceLinks: false",
        ),
        ({"FIGUEIRA_WORKERS": "0"}, {}, "FIGUEIRA_WORKERS: '0' is not a whole number from 1 to 64"),
        ({"FIGUEIRA_DRAIN_S": "nan"}, {}, "FIGUEIRA_DRAIN_S: 'nan' is not a number of seconds"),
        ({"FIGUEIRA_DRAIN_S": "30s"}, {}, "FIGUEIRA_DRAIN_S: '30s' is not a number of seconds"),
        ({"FIGUEIRA_DRAIN_S": "3601"}, {}, "FIGUEIRA_DRAIN_S: '3601' is not a number of seconds"),
        ({"FIGUEIRA_RESUME": "maybe"}, {}, "FIGUEIRA_RESUME: 'maybe' is neither 1 nor 0; give"),
        ({"FIGUEIRA_HOST": " \n"}, {}, r"FIGUEIRA_HOST: ' \n' is empty; give a value, or leave"),
        (
            {"FIGUEIRA_MAX_CLIENT_CONNECTIONS": "0"},
            {},
            "FIGUEIRA_MAX_CLIENT_CONNECTIONS: '0' is not a whole number from 1 to 1000000; give",
        ),
        (
            {"FIGUEIRA_TLS_CERT": "chain.pem"},
            {},
            "FIGUEIRA_TLS_CERT or --tls-cert is given without FIGUEIRA_TLS_KEY or --tls-key; give",
        ),
        (
            {},
            {"tls_key": Path("key.pem")},
            "FIGUEIRA_TLS_KEY or --tls-key is given without FIGUEIRA_TLS_CERT or --tls-cert; give",
        ),
        ({}, {"port": 70000}, "--port: '70000' is not a whole number from 0 to 65535; give one"),
        ({}, {"admin_host": ""}, "--admin-host: '' is empty; give a value, or leave it out"),
        ({}, {"access_log": "a\0b"}, r"--access-log: 'a\x00b' has a NUL; remove it"),
        (
            {},
            {"port": 9000},
            "the customers' and the admin port are both 127.0.0.1:9000; choose another for one",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_that_cannot_be_used_is_one_line(
    environment: Mapping[str, str], flags: Mapping[str, object], said: str
) -> None:
    with pytest.raises(StartError) as raised:
        read_settings(environment, flags)
    assert str(raised.value).startswith(said)
    assert len(str(raised.value).splitlines()) == 1


def test_a_variable_that_is_no_setting_is_found_with_what_was_meant() -> None:
    """But neither what routes.yaml uses, nor what Kubernetes sets for a service of our name."""
    names = [
        "FIGUEIRA_WROKERS",
        "FIGUEIRA_COLOUR",
        "FIGUEIRA_SHOP_URL",
        "FIGUEIRA_SERVICE_HOST",
        "FIGUEIRA_PORT_8000_TCP_ADDR",
        "LEGACY_URL",
        "PATH",
        *VARIABLES,
    ]
    assert unknown_variables(names, 'url: "${FIGUEIRA_SHOP_URL:-http://a}"') == {
        "FIGUEIRA_WROKERS": "FIGUEIRA_WORKERS",
        "FIGUEIRA_COLOUR": "",
    }


def test_two_free_ports_are_no_conflict() -> None:
    assert read_settings({"FIGUEIRA_PORT": "0", "FIGUEIRA_ADMIN_PORT": "0"}, {}).port == 0


def test_the_page_on_settings_lists_every_variable_there_is_and_only_those() -> None:
    """Of all three deployables, found in their sources."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    listed = re.findall(r"(?m)^\| `([A-Z][A-Z0-9_]+)` \|", page)
    sources = "".join(
        file.read_text(encoding="utf-8")
        for package in ("gateway", "legacy_stub", "image_service")
        for file in (ROOT / package).rglob("*.py")
    )
    read = set(re.findall(r'"((?:FIGUEIRA|LEGACY|IMAGE|OPENAI)_[A-Z_]+)"', sources))
    assert set(VARIABLES) < read
    assert len(listed) == len(set(listed))
    assert set(listed) == read


def test_the_page_on_settings_tells_the_gateways_defaults() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| `(FIGUEIRA_[A-Z_]+)` \| `([^`]+)` \|", page))
    defaults = Settings()
    assert told == {
        variable: f"{value:g}" if isinstance(value, float | bool) else str(value)
        for variable, field in VARIABLES.items()
        if (value := getattr(defaults, field)) is not None
    }
