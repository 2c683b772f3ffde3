"""The running gateway, asked and told over its admin port."""

from __future__ import annotations

import http.client
import os
import pwd
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from gateway.admin.operations import Announcement, HistoryPage, ReloadResult, RevisionText
from gateway.errors import GatewayError
from gateway.settings import Settings

NOBODY = "none"
"""In place of a URL: leave running gateways alone."""
_PATIENCE_S = 30.0
"""Longer than a worker that hangs and a database that hangs are waited for, together."""
_LIMIT_BYTES = 64 * 1024 * 1024
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - replaced, not bound
_AUTHOR_CHARACTERS = 255
_HOW_CHARACTERS = 1000

Answer = TypeVar("Answer", HistoryPage, ReloadResult, RevisionText)


class NobodyThereError(GatewayError):
    """No gateway listens there."""


class AdminError(GatewayError):
    """Whoever listens there gives no usable answer; the message says what and where."""


def admin_url(settings: Settings) -> str:
    """Where the gateway of these settings answers operators."""
    host = _ANYWHERE.get(settings.admin_host, settings.admin_host)
    shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{shown}:{settings.admin_port}"


def os_user() -> str:
    """Who gives the command: the operating system's user, not what a variable says."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    # With sudo, root is nobody in particular.
    before = os.environ.get("SUDO_USER", "")
    is_sudo = os.getuid() == 0 and before and before != name
    return f"{before} (as {name})"[:_AUTHOR_CHARACTERS] if is_sudo else name[:_AUTHOR_CHARACTERS]


class Admin:
    """One gateway's admin port."""

    def __init__(self, url: str) -> None:
        """Take ``http://HOST:PORT``.

        Raises:
            ValueError: It is none.
        """
        parts = urlsplit(url)
        is_bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or parts.username)
        if parts.scheme != "http" or not parts.hostname or not is_bare:
            raise ValueError(f"--admin {url!r} is no address: write http://HOST:PORT, or {NOBODY}")
        self.url = f"http://{parts.netloc}"
        self._host, self._port = parts.hostname, parts.port or 80

    def reload(self) -> ReloadResult:
        """Have it look at its file, and wait until every worker has taken what serves."""
        return self._ask("POST", "/api/reload", ReloadResult)

    def announce(self, announcement: Announcement) -> None:
        """Tell who is about to write which content."""
        self._send("POST", "/api/announce", msgspec.json.encode(announcement))

    def history(self, before: int | None, limit: int) -> HistoryPage:
        """Revisions, those with smaller numbers than `before` unless it is None."""
        older = f"&before={before}" if before is not None else ""
        return self._ask("GET", f"/api/revisions?limit={limit}{older}", HistoryPage)

    def revision(self, number: int) -> RevisionText | None:
        """One revision with its text; None if there is none."""
        status, body = self._send("GET", f"/api/revisions/{number}", missing_is_fine=True)
        return None if status == http.HTTPStatus.NOT_FOUND else self._decode(body, RevisionText)

    def _ask(self, method: str, target: str, kind: type[Answer]) -> Answer:
        return self._decode(self._send(method, target)[1], kind)

    def _decode(self, body: bytes, kind: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise AdminError(
                f"what answers at {self.url} is no gateway of this version: {error}"
            ) from error

    def _send(
        self, method: str, target: str, body: bytes = b"", *, missing_is_fine: bool = False
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        try:
            headers = {"Content-Type": "application/json"} if method == "POST" else {}
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            status, content = answer.status, answer.read(_LIMIT_BYTES)
        except ConnectionRefusedError as error:
            raise NobodyThereError(f"no gateway is running at {self.url}") from error
        except TimeoutError as error:
            why = f"the gateway at {self.url} gives no answer for {_PATIENCE_S:g} s"
            raise AdminError(why) from error
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(f"cannot ask the gateway at {self.url}: {error}") from error
        finally:
            connection.close()
        is_fine = status < http.HTTPStatus.MULTIPLE_CHOICES
        if is_fine or (missing_is_fine and status == http.HTTPStatus.NOT_FOUND):
            return status, content
        raise AdminError(f"the gateway at {self.url} says {status}: {_detail(content)}")


def _detail(content: bytes) -> str:
    try:
        found = msgspec.json.decode(content, type=dict[str, object]).get("detail")
    except msgspec.DecodeError:
        found = None
    return str(found) if found else "it is no gateway, perhaps"


def announcement(
    digest: str, how: str, restores: int | None = None, *, force: bool = False
) -> Announcement:
    """What is told before a file is written."""
    return Announcement(
        digest=digest,
        author=os_user(),
        how=how[:_HOW_CHARACTERS],
        restores=restores,
        force=force,
    )
