"""What the environment may say, and what is said when it is wrong."""

from __future__ import annotations

import pytest

from legacy_stub.errors import StartError
from legacy_stub.gallery.mode import Mode
from legacy_stub.settings import Profile, Provider, Settings, load

KEY, PASSWORD = "sixteen letters.", "a better one"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load({}) == Settings(
        host="127.0.0.1",
        port=8001,
        database_url="sqlite:///var/legacy.db",
        profile=Profile.FLASK31,
        image_delay_s=2.0,
        workers=4,
        provider=Provider.PROCEDURAL,
        model="gpt-image-2.5-flare",
        openai_api_key=None,
        openai_base_url=None,
        images=Mode.LOCAL,
        image_service_url="http://127.0.0.1:8002",
        image_service_timeout_s=60.0,
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
        "LEGACY_PROFILE": "flask22",
        "LEGACY_IMAGE_DELAY": "0.5",
        "LEGACY_WORKERS": "1",
        "LEGACY_IMAGE_PROVIDER": "openai",
        "LEGACY_IMAGE_MODEL": "dall-e-2",
        "OPENAI_API_KEY": "sk-1",
        "OPENAI_BASE_URL": "https://models.test/v1?version=5",
        "LEGACY_IMAGES": "both",
        "IMAGE_SERVICE_URL": "http://images:80/",
        "LEGACY_IMAGE_SERVICE_TIMEOUT": "5",
        "LEGACY_SECRET_KEY": KEY,
        "LEGACY_SEED_PASSWORD": PASSWORD,
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
        profile=Profile.FLASK22,
        image_delay_s=0.5,
        workers=1,
        provider=Provider.OPENAI,
        model="dall-e-2",
        openai_api_key="sk-1",
        openai_base_url="https://models.test/v1?version=5",
        images=Mode.BOTH,
        image_service_url="http://images:80/",
        image_service_timeout_s=5.0,
        secret_key=KEY,
        seed_password=PASSWORD,
        changes=False,
        changes_host="::1",
        changes_port=81,
        changes_keep_days=1,
        changes_keep_events=1000,
        changes_reader_days=2,
    )


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        ({}, Provider.PROCEDURAL),
        ({"OPENAI_API_KEY": "sk-1"}, Provider.OPENAI),
        ({"OPENAI_API_KEY": "sk-1", "LEGACY_IMAGE_PROVIDER": "auto"}, Provider.OPENAI),
        ({"OPENAI_API_KEY": "sk-1", "LEGACY_IMAGE_PROVIDER": "procedural"}, Provider.PROCEDURAL),
    ],
)
def test_a_key_decides_who_paints_as_on_the_image_service(
    environ: dict[str, str], provider: Provider
) -> None:
    assert load(environ).provider is provider


def test_openai_without_a_key_cannot_start() -> None:
    with pytest.raises(StartError, match="OPENAI_API_KEY: LEGACY_IMAGE_PROVIDER is openai"):
        load({"LEGACY_IMAGE_PROVIDER": "openai"})


def test_the_key_is_not_shown() -> None:
    assert "sk-1" not in repr(load({"OPENAI_API_KEY": "sk-1"}))


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
        ("LEGACY_PROFILE", "flask"),
        ("LEGACY_IMAGE_PROVIDER", "dall-e"),
        ("LEGACY_IMAGES", "Remote"),
        ("LEGACY_IMAGE_SERVICE_TIMEOUT", "1 min"),
        ("IMAGE_SERVICE_URL", "images:8002"),
        ("IMAGE_SERVICE_URL", "ftp://images"),
        ("IMAGE_SERVICE_URL", "http://"),
        ("IMAGE_SERVICE_URL", "http://[::1"),
        ("IMAGE_SERVICE_URL", "http://images\n"),
        ("OPENAI_BASE_URL", "models.test"),
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


def test_secrets_are_never_shown() -> None:
    """Neither by what prints the settings, nor where one is refused."""
    settings = load({"LEGACY_SECRET_KEY": KEY, "LEGACY_SEED_PASSWORD": PASSWORD})
    assert KEY not in repr(settings)
    assert PASSWORD not in repr(settings)
    with pytest.raises(StartError, match=r"^LEGACY_SECRET_KEY: it has 15 characters") as caught:
        load({"LEGACY_SECRET_KEY": KEY[:-1]})
    assert KEY[:-1] not in str(caught.value)


def test_a_postgresql_database_may_be_named() -> None:
    url = "postgresql+psycopg://shop@db/legacy"
    assert load({"LEGACY_DATABASE_URL": url}).database_url == url
