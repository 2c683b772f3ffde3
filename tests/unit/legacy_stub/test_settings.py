"""What the environment may say, and what is said when it is wrong."""

from __future__ import annotations

import pytest

from legacy_stub.errors import StartError
from legacy_stub.settings import Settings, load


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings(
        host="127.0.0.1",
        port=8001,
        database_url="sqlite:///var/legacy.db",
        image_delay_s=2.0,
        workers=4,
        changes=True,
        changes_host="127.0.0.1",
        changes_port=8003,
        changes_keep_days=7,
        changes_keep_events=1_000_000,
        changes_reader_days=30,
    )


def test_every_variable_is_read() -> None:
    environ = {
        "LEGACY_HOST": "0.0.0.0",  # noqa: S104 - only read here
        "LEGACY_PORT": "80",
        "LEGACY_DATABASE_URL": "sqlite:////srv/shop.db",
        "LEGACY_IMAGE_DELAY": "0.5",
        "LEGACY_WORKERS": "1",
        "LEGACY_CHANGES": "off",
        "LEGACY_CHANGES_HOST": "::1",
        "LEGACY_CHANGES_PORT": "81",
        "LEGACY_CHANGES_KEEP_DAYS": "1",
        "LEGACY_CHANGES_KEEP_EVENTS": "1000",
        "LEGACY_CHANGES_READER_DAYS": "2",
    }
    assert load(environ) == Settings(
        host="0.0.0.0",  # noqa: S104
        port=80,
        database_url="sqlite:////srv/shop.db",
        image_delay_s=0.5,
        workers=1,
        changes=False,
        changes_host="::1",
        changes_port=81,
        changes_keep_days=1,
        changes_keep_events=1000,
        changes_reader_days=2,
    )


def test_an_empty_variable_counts_as_absent() -> None:
    assert load({"LEGACY_PORT": "", "LEGACY_HOST": "", "LEGACY_IMAGE_DELAY": ""}) == load({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEGACY_PORT", "http"),
        ("LEGACY_PORT", "-1"),
        ("LEGACY_PORT", "65536"),
        ("LEGACY_PORT", "80.0"),
        ("LEGACY_PORT", "٨٠"),
        ("LEGACY_PORT", "9" * 5000),
        ("LEGACY_IMAGE_DELAY", "2s"),
        ("LEGACY_IMAGE_DELAY", "-0.1"),
        ("LEGACY_IMAGE_DELAY", "nan"),
        ("LEGACY_IMAGE_DELAY", "inf"),
        ("LEGACY_IMAGE_DELAY", "3601"),
        ("LEGACY_WORKERS", "0"),
        ("LEGACY_WORKERS", "65"),
        ("LEGACY_WORKERS", "four\nworkers"),
        ("LEGACY_DATABASE_URL", "legacy.db"),
        ("LEGACY_DATABASE_URL", "sqlite://"),
        ("LEGACY_DATABASE_URL", "sqlite:///:memory:"),
        ("LEGACY_DATABASE_URL", "sqlite:///file:legacy.db?uri=true"),
        ("LEGACY_DATABASE_URL", "sqlite+aiosqlite:///legacy.db"),
        ("LEGACY_DATABASE_URL", "postgresql+asyncpg://shop@db/legacy"),
        ("LEGACY_DATABASE_URL", "postgresql://shop@db"),
        ("LEGACY_CHANGES", "yes"),
        ("LEGACY_CHANGES_PORT", "changes"),
        ("LEGACY_CHANGES_KEEP_DAYS", "0"),
        ("LEGACY_CHANGES_KEEP_EVENTS", "999"),
        ("LEGACY_CHANGES_READER_DAYS", "3651"),
    ],
)
def test_a_wrong_value_is_one_short_line_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(StartError) as caught:
        load({name: value})
    line = str(caught.value)
    assert line.startswith(f"{name}: ")
    assert "\n" not in line
    assert len(line) < 250


def test_a_password_in_a_database_url_is_not_shown() -> None:
    with pytest.raises(StartError) as caught:
        load({"LEGACY_DATABASE_URL": "mysql://shop:tiger@db/legacy"})
    assert "tiger" not in str(caught.value)
    assert "'mysql'" in str(caught.value)


def test_a_postgresql_database_may_be_named() -> None:
    url = "postgresql+psycopg://shop@db/legacy"
    assert load({"LEGACY_DATABASE_URL": url}).database_url == url
