"""What a reader asks the feed's port, and how it is refused."""

from __future__ import annotations

import ipaddress
import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from legacy_stub.feed import cursor as cursors
from legacy_stub.feed.cursor import Cursor, CursorError

BODY_BYTES = 1024  # of an acknowledgement

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<name>[^\[\]:@/]+))(?::[0-9]{1,5})?")
_PRIVATE = re.compile(r"[a-z0-9-]+|(?:[a-z0-9-]+\.)+(?:localhost|local|internal)")
"""Names that nobody can register: of this machine, of a container, of a cluster."""
_OWN_SITES = {"none", "same-origin"}
"""Values of Sec-Fetch-Site: an address that somebody typed, and the feed itself."""
JSON, LINES = "application/json", "application/x-ndjson"


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer of another kind than the one asked for: problem details, RFC 9457."""

    def __init__(self, status: int, reason: str, detail: str, **more: object) -> None:
        super().__init__(status, reason)
        self.status = status
        self.body = {"status": status, "reason": reason, "detail": detail, **more}

    def response(self) -> Response:
        """The answer."""
        headers = {"Retry-After": "1"} if self.status == 503 else None  # noqa: PLR2004
        return JSONResponse(self.body, self.status, headers, "application/problem+json")


def check_sender(request: Request) -> None:
    """Keep out pages of strangers that a browser on this machine has open.

    Such a page can send a form here by address: it cannot read the answer, but would take a
    reader's name. Browsers then say that another site asks (Fetch Metadata, section 2.3; RFC 6454,
    section 7). Or it gives its own name the address 127.0.0.1 (DNS rebinding); that name is in
    Host.

    Raises:
        Refusal: 421 for a name that may be a stranger's, 403 for another site.
    """
    _check_host(request)
    origin = request.headers.get("origin")
    is_own = origin is None or origin == f"http://{request.headers.get('host', '')}"
    if not is_own or request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        raise Refusal(403, "origin", "a page of another site asks; nothing here is for pages")


def _check_host(request: Request) -> None:
    # as it was sent: the framework takes its own address for a host whose form it dislikes
    found = _HOST.fullmatch(request.headers.get("host", ""))
    host = (found["bracketed"] or found["name"]).lower() if found else ""
    if not (_is_address(host) or _PRIVATE.fullmatch(host)):
        raise Refusal(421, "host", "ask by address, as localhost, or by a private name")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def asked_after(request: Request) -> Cursor | None:
    """Return where the reader stands; None: at the beginning."""
    return read_cursor(request.query_params.get("after", "0"))


def read_cursor(text: str) -> Cursor | None:
    """Return the cursor in a text; None for the beginning.

    Raises:
        Refusal: 400 when it is none.
    """
    try:
        return cursors.parse(text)
    except CursorError:
        raise Refusal(
            400,
            "cursor",
            'give a "cursor" of an answer or of an event as it was, or 0 for the beginning; a '
            "position alone does not say which feed it is of",
        ) from None


def digits(text: str) -> int | None:
    """A whole number that a row's id can be; None if it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(cursors.LARGEST))
    return int(text) if is_number and int(text) <= cursors.LARGEST else None


def whole_number(request: Request, name: str, default: int, allowed: range) -> int:
    """Return a parameter, or the default where it is not given.

    Raises:
        Refusal: 400 when it is not an allowed one.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    number = digits(text)
    if number is None or number not in allowed:
        raise Refusal(
            400, "parameter", f"{name} is a whole number from {allowed[0]} to {allowed[-1]}"
        )
    return number


def reader_name(request: Request) -> str:
    """Return the reader's name in the path.

    Raises:
        Refusal: 400 when it is none.
    """
    name: str = request.path_params["name"]
    if not _NAME.fullmatch(name):
        raise Refusal(400, "name", "a reader's name is 1 to 64 letters, digits, dots, - and _")
    return name


async def read_body(request: Request) -> bytes:
    """Read the whole body.

    Raises:
        Refusal: 413 when it is too long.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise Refusal(413, "body", f"an acknowledgement has at most {BODY_BYTES} bytes")
    return bytes(body)


def acknowledged(body: bytes) -> Cursor | None:
    """Return the cursor that a body acknowledges; None for the beginning.

    Raises:
        Refusal: 400 when there is none in it.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # a thousand brackets fit into the limit
        value = None
    text = value.get("cursor") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise Refusal(400, "body", 'send {"cursor": "..."}, the last one whose events are stored')
    return read_cursor(text)


def choose_media_type(accept: str) -> str:
    """JSON lines for who names them, a JSON object for everybody else who takes one.

    Raises:
        Refusal: 406 when neither will do.
    """
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if named & {LINES, "application/jsonl", "application/ndjson"}:
        return LINES
    if named & {"", "*/*", "application/*", JSON}:
        return JSON
    raise Refusal(406, "accept", f"there are {JSON} and {LINES}")
