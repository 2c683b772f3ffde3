"""Settings on Lambda: the environment, what a secret adds to it, and what must not be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from image_service.blobs.place import VARIABLE, S3Place
from image_service.errors import StartupError
from image_service.json_text import JsonError, read_strict_json
from image_service.settings import Settings, read_settings

SECRET_VARIABLE = "IMAGE_SECRET_ID"  # noqa: S105 - the name of a variable
# Whoever may write the secret must not be able to set anything else.
_IN_SECRET = frozenset({"IMAGE_DATABASE_URL", "IMAGE_URL_KEY", "OPENAI_API_KEY"})
# Lambda sends at most 6 MB, and a picture travels there in base64, a third longer.
_REDIRECT_OVER_BYTES = 4_000_000

FetchSecret = Callable[[str], str]


def lambda_settings(environ: Mapping[str, str], fetch_secret: FetchSecret) -> Settings:
    """Read the settings of a function.

    Args:
        environ: The process's environment.
        fetch_secret: Returns a secret's text by its name or ARN; called if one is named.

    Raises:
        StartupError: A value cannot be used, or would lose orders on Lambda.
    """
    secret_id = environ.get(SECRET_VARIABLE)
    added = _parse_secret(fetch_secret(secret_id)) if secret_id else {}
    settings = read_settings({**environ, **added})
    if settings.database.get_backend_name() == "sqlite":
        raise StartupError(
            where="IMAGE_DATABASE_URL",
            why="an SQLite file on Lambda is forgotten with the process",
            remedy="name a PostgreSQL database: postgresql+asyncpg://user:password@host/database",
        )
    if not isinstance(settings.blob_place, S3Place):
        raise StartupError(
            where=VARIABLE,
            why=f"the folder {settings.blob_place} on Lambda is forgotten with the process",
            remedy="name a bucket, such as s3://pictures/shop",
        )
    # Who is fed by a queue leaves pictures to it: a process is frozen between two events.
    jobs = replace(settings.jobs, has_worker=settings.jobs.queue_url is None)
    return replace(settings, redirect_over_bytes=_REDIRECT_OVER_BYTES, jobs=jobs)


def _parse_secret(text: str) -> dict[str, str]:
    try:
        values = read_strict_json(text)
    except JsonError:
        values = None
    # Neither a value nor a wrong name is shown: the name may be a value put in the wrong place.
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise _wrong_secret("it is not a JSON object of texts")
    if not values.keys() <= _IN_SECRET:
        raise _wrong_secret("it holds a name that is no setting of a secret")
    return values


def _wrong_secret(why: str) -> StartupError:
    names = ", ".join(sorted(_IN_SECRET))
    return StartupError(
        where=SECRET_VARIABLE, why=why, remedy=f"store an object with some of {names} in it"
    )
