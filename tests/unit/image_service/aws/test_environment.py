"""Settings on Lambda."""

from __future__ import annotations

import json

import pytest

from image_service.aws.environment import lambda_settings
from image_service.errors import StartupError

_DATABASE = "postgresql+asyncpg://images:hunter2@db/images"
_PLAIN = {"IMAGE_DATABASE_URL": _DATABASE, "IMAGE_BLOB_URL": "s3://pictures"}


def _never(secret_id: str) -> str:
    raise AssertionError(f"{secret_id} was asked for")


def test_without_a_secret_the_environment_is_all() -> None:
    settings = lambda_settings(_PLAIN, _never)
    assert settings.database.host == "db"
    assert settings.redirect_over_bytes == 4_000_000


def test_a_secret_adds_to_the_environment_and_goes_before_it() -> None:
    secret = {"IMAGE_DATABASE_URL": _DATABASE, "OPENAI_API_KEY": "sk-1", "IMAGE_URL_KEY": "k" * 32}
    environ = {**_PLAIN, "IMAGE_DATABASE_URL": "nonsense", "IMAGE_SECRET_ID": "images"}
    settings = lambda_settings(environ, {"images": json.dumps(secret)}.__getitem__)
    assert (settings.providers, settings.openai_api_key) == (("openai",), "sk-1")
    assert settings.url_key == b"k" * 32


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("sk-only-the-key", "it is not a JSON object of texts"),
        ('["sk-1"]', "it is not a JSON object of texts"),
        ('{"OPENAI_API_KEY": 5}', "it is not a JSON object of texts"),
        ('{"PATH": "/evil"}', "it holds a name that is no setting of a secret"),
        ('{"sk-as-a-name": ""}', "it holds a name that is no setting of a secret"),
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str, says: str) -> None:
    with pytest.raises(StartupError) as error:
        lambda_settings({**_PLAIN, "IMAGE_SECRET_ID": "images"}, lambda _: secret)
    assert says in str(error.value)
    assert "sk-" not in str(error.value)
    assert "evil" not in str(error.value)


@pytest.mark.parametrize(
    ("changed", "variable"),
    [
        ({"IMAGE_DATABASE_URL": "sqlite+aiosqlite:////tmp/images.db"}, "IMAGE_DATABASE_URL"),
        ({"IMAGE_BLOB_URL": "/tmp/blobs"}, "IMAGE_BLOB_URL"),  # noqa: S108 - refused
        ({"IMAGE_BLOB_URL": ""}, "IMAGE_BLOB_URL"),
    ],
)
def test_what_lambda_forgets_is_refused(changed: dict[str, str], variable: str) -> None:
    with pytest.raises(StartupError) as error:
        lambda_settings({**_PLAIN, **changed}, _never)
    assert error.value.where == variable
