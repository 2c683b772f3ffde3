"""`figueira reload`: have the gateway look at its file, and wait until every worker follows."""

from __future__ import annotations

import os
import sys

import msgspec

from gateway.admin.operations import ReloadResult
from gateway.cli.admin import (
    NOBODY,
    Admin,
    AdminError,
    NobodyThereError,
    admin_url,
    announcement,
)
from gateway.cli.changing import who_is_behind
from gateway.cli.ink import printable
from gateway.config.wording import plural
from gateway.errors import GatewayError
from gateway.settings import read_settings

_DIGEST_CHARACTERS = 12


def reload(*, admin: str | None, force: bool, as_json: bool) -> int:
    """Reload, and say what serves; `force` lets ``safety`` pass the file whatever it moves.

    Returns:
        The exit code: 0 if every worker routes by the file as it is, 1 if the file is refused or
        the gateway gives no answer, 3 if none is running or a worker has not followed.

    Raises:
        ValueError: `admin` is no URL, or ``none``.
    """
    if admin == NOBODY:
        raise ValueError(f"--admin {NOBODY}: only a running gateway can reload; name its port")
    try:
        talk = Admin(admin or admin_url(read_settings(os.environ, {})))
        result = talk.reload()
        if force and result.problems and result.file_digest:
            talk.announce(announcement(result.file_digest, "reload --force", force=True))
            result = talk.reload()
    except NobodyThereError as error:
        return _complain(str(error), 3)
    except (AdminError, GatewayError) as error:
        return _complain(str(error), 1)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result)).decode() + "\n")
    else:
        _tell(result)
    if result.problems:
        return 1
    return 3 if result.behind or not result.workers else 0


def _tell(result: ReloadResult) -> None:
    path = printable(result.path)
    for problem in result.problems:
        sys.stderr.write(printable(problem.describe(path)) + "\n")
    if result.problems:
        refused = f"{plural(len(result.problems), 'problem')} in {path}"
        _complain(f"{refused}; revision {result.revision} serves on", 1)
        return
    if result.behind or not result.workers:
        _complain(f"revision {result.revision} is accepted, but {who_is_behind(result)}", 3)
        return
    workers = plural(result.workers, "worker")
    digest = result.digest[:_DIGEST_CHARACTERS]
    sys.stdout.write(f"revision {result.revision} serves on {workers}: {path} ({digest})\n")


def _complain(why: str, code: int) -> int:
    sys.stderr.write(f"figueira: error: {printable(why)}\n")
    return code
