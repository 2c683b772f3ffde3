"""Settings: defaults, and one clear sentence for each wrong value."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_service.blobs.place import FolderPlace
from image_service.errors import StartupError
from image_service.settings import read_settings


def test_everything_has_a_default() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8002)
    assert str(settings.database) == "sqlite+aiosqlite:///var/images.db"
    assert settings.blob_place == FolderPlace(folder=Path("var/blobs"))
    assert (settings.providers, settings.models) == (("procedural",), ("gpt-image-2.5-flare",))
    assert (settings.delay_s, settings.concurrency) == (0.0, 8)


def test_an_empty_variable_counts_as_unset() -> None:
    names = ("IMAGE_PORT", "IMAGE_BLOB_URL", "IMAGE_PROVIDER", "IMAGE_MODEL", "OPENAI_API_KEY")
    assert read_settings(dict.fromkeys(names, "")) == read_settings({})


def test_a_key_chooses_openai() -> None:
    settings = read_settings({"OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": "http://fake/v1"})
    assert settings.providers == ("openai",)
    assert settings.openai_base_url == "http://fake/v1"


def test_a_key_is_not_used_when_the_operator_asks_for_the_renderer() -> None:
    environ = {"OPENAI_API_KEY": "sk-secret", "IMAGE_PROVIDER": "procedural"}
    assert read_settings(environ).providers == ("procedural",)


def test_the_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(read_settings({"OPENAI_API_KEY": "sk-secret"}))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("IMAGE_PORT", "http", "'http' is not a whole number from 0 to 65535"),
        ("IMAGE_PORT", "65536", "'65536' is not"),
        ("IMAGE_PORT", "-1", "'-1' is not"),
        ("IMAGE_PORT", "9" * 5000, "is not a whole number"),
        ("IMAGE_CONCURRENCY", "0", "from 1 to 1000"),
        ("IMAGE_DELAY", "2s", "'2s' is not a number of seconds"),
        ("IMAGE_DELAY", "nan", "'nan' is not"),
        ("IMAGE_DELAY", "inf", "'inf' is not"),
        ("IMAGE_DELAY", "-1", "'-1' is not"),
        ("IMAGE_DELAY", "\u0663", "'\u0663' is not a number of seconds"),
        ("IMAGE_CONCURRENCY", "\u0663", "'\u0663' is not a whole number"),
        ("IMAGE_PROVIDER", "dalle", "'dalle' is unknown; set auto, openai or procedural"),
        ("IMAGE_PROVIDER", "procedural,procedural", "'procedural' comes twice"),
        ("IMAGE_PROVIDER", "auto,procedural", "'auto' is unknown"),
        ("IMAGE_JITTER", "1.5", "'1.5' is not a number from 0 to 1"),
        ("IMAGE_FAIL_RATE", "5%", "'5%' is not a number from 0 to 1"),
        ("IMAGE_CHECK_MODELS", "yes", "'yes' is neither 0 nor 1"),
        ("IMAGE_MODEL", "gpt-image-2,dall-e-3", "dall-e-3 retired on 2026-05-12"),
        ("IMAGE_MODEL", "gpt-image-2,gpt-image-2", "gpt-image-2 comes twice"),
        ("IMAGE_MODEL", "gpt-image-2," * 4, "5 models are more than 4"),
        ("IMAGE_MODEL", "gpt-5", "'gpt-5' is unknown; choose one of gpt-image-2.6-sunburst"),
        ("IMAGE_MODEL", "dall-e-2", "dall-e-2 retired on 2026-05-12"),
        ("IMAGE_MODEL", "dall-e-3", "dall-e-3 retired on 2026-05-12"),
        ("IMAGE_MODEL", "gpt-image-1", "gpt-image-1 retired on 2026-10-23"),
        ("IMAGE_DATABASE_URL", "nonsense", "write sqlite+aiosqlite:///path"),
        ("IMAGE_DATABASE_URL", "sqlite:///x.db", "asynchronous driver"),
        ("IMAGE_DATABASE_URL", "postgresql://h/x", "postgresql+asyncpg://"),
        ("IMAGE_DATABASE_URL", "sqlite+aiosqlite://", "would forget its orders"),
        ("IMAGE_DATABASE_URL", "sqlite+aiosqlite:///:memory:", "would forget its orders"),
        ("IMAGE_BLOB_URL", "s3://", "is not the name of a bucket"),
        ("IMAGE_BLOB_URL", "file://elsewhere/blobs", "is not the URL of a folder on this machine"),
        ("IMAGE_URL_KEY", "short", "its 5 characters can be guessed"),
        ("IMAGE_BLOB_URL", "gs://bucket", "'gs://bucket' is not a folder"),
        ("OPENAI_BASE_URL", "localhost:1234", "is not an http or https URL"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(variable: str, value: str, says: str) -> None:
    with pytest.raises(StartupError) as error:
        read_settings({variable: value})
    line = str(error.value)
    assert line.startswith(f"{variable}: ")
    assert says in line
    assert "\n" not in line
    assert len(line) < 500


def test_a_password_in_a_wrong_database_url_is_not_shown() -> None:
    with pytest.raises(StartupError) as error:
        read_settings({"IMAGE_DATABASE_URL": "mysql://user:hunter2@host/x"})
    assert "hunter2" not in str(error.value)


def test_openai_without_a_key_is_refused() -> None:
    with pytest.raises(StartupError, match="OPENAI_API_KEY: IMAGE_PROVIDER is openai"):
        read_settings({"IMAGE_PROVIDER": "openai"})


def test_several_providers_and_models_are_asked_in_order() -> None:
    settings = read_settings(
        {
            "IMAGE_PROVIDER": "openai, procedural",
            "IMAGE_MODEL": "gpt-image-2.6-flare,gpt-image-2",
            "OPENAI_API_KEY": "sk-secret",
        }
    )
    assert settings.providers == ("openai", "procedural")
    assert settings.models == ("gpt-image-2.6-flare", "gpt-image-2")


def test_the_renderer_can_be_slow_and_moody() -> None:
    settings = read_settings(
        {
            "IMAGE_DELAY": "2",
            "IMAGE_JITTER": "0.3",
            "IMAGE_FAIL_RATE": "0.05",
            "IMAGE_MODERATION_WORDS": "Proibido, secret ,",
        }
    )
    assert (settings.delay_s, settings.jitter, settings.fail_rate) == (2.0, 0.3, 0.05)
    assert settings.moderation_words == {"proibido", "secret"}


@pytest.mark.parametrize("key", ["sk-secret\n", "sk secret", "sk-sécret"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(StartupError, match="OPENAI_API_KEY: it holds") as error:
        read_settings({"OPENAI_API_KEY": key})
    assert "cret" not in str(error.value)
