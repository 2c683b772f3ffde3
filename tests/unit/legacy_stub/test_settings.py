"""What the environment may say, and what is said when it is wrong."""

from __future__ import annotations

import pytest

from legacy_stub.errors import StartError
from legacy_stub.settings import Settings, load

KEY, PASSWORD = "sixteen letters.", "a better one"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings(
        host="127.0.0.1",
        port=8001,
        database_url="sqlite:///var/legacy.db",
        image_delay_s=2.0,
        workers=4,
    )


def test_every_variable_is_read() -> None:
    environ = {
        "LEGACY_HOST": "0.0.0.0",  # noqa: S104 - only read here
        "LEGACY_PORT": "80",
        "LEGACY_DATABASE_URL": "sqlite:////srv/shop.db",
        "LEGACY_IMAGE_DELAY": "0.5",
        "LEGACY_WORKERS": "1",
        "LEGACY_SECRET_KEY": KEY,
        "LEGACY_SEED_PASSWORD": PASSWORD,
    }
    assert load(environ) == Settings(
        host="0.0.0.0",  # noqa: S104
        port=80,
        database_url="sqlite:////srv/shop.db",
        image_delay_s=0.5,
        workers=1,
        secret_key=KEY,
        seed_password=PASSWORD,
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
        ("LEGACY_DATABASE_URL", "postgresql://shop@db/legacy"),
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
        load({"LEGACY_DATABASE_URL": "postgresql://shop:tiger@db/legacy"})
    assert "tiger" not in str(caught.value)
    assert "'postgresql'" in str(caught.value)


def test_secrets_are_never_shown() -> None:
    """Neither by what prints the settings, nor where one is refused."""
    settings = load({"LEGACY_SECRET_KEY": KEY, "LEGACY_SEED_PASSWORD": PASSWORD})
    assert KEY not in repr(settings)
    assert PASSWORD not in repr(settings)
    with pytest.raises(StartError, match=r"^LEGACY_SECRET_KEY: it has 15 characters") as caught:
        load({"LEGACY_SECRET_KEY": KEY[:-1]})
    assert KEY[:-1] not in str(caught.value)
