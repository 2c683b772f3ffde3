"""Bodies as examples show them: redacted by what they are, and not too long."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser

from PIL import Image

from gateway.parallel_run.compare.coding import CodingError, decoded
from gateway.parallel_run.compare.json_values import NotJsonError, decode
from gateway.parallel_run.compare.pictures import MOST_PIXELS
from gateway.parallel_run.examples import Body, Picture
from gateway.parallel_run.redaction import Redactor
from gateway.wire.messages import Header

_LONGEST = 16 * 1024
"""Characters; two sides of a few hundred examples then take some MiB."""
_MOST_READ_BYTES = 256 * 1024
"""Of JSON, which has to be read as a whole: a fifth of a second of work at the most."""
_MOST_TEXT_BYTES = 4 * _LONGEST
"""Of other text: what is beyond could hardly be shown."""
_SIDE = 160
"""Pixels of a preview: enough to see what it is of, too few for a face in a crowd."""
_MOST_WHOLE_BYTES = 512 * 1024
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}(:[a-z-]{1,20})?", re.ASCII)
_ATTRIBUTES = "type name rel method class charset lang role for id http-equiv enctype colspan"
_PLAIN_ATTRIBUTES = frozenset(_ATTRIBUTES.split())


def redacted_body(
    body: bytes, headers: tuple[Header, ...], redactor: Redactor, *, keep_pictures: bool
) -> Body:
    """What is kept of a body."""
    if not body:
        return Body(bytes=0)
    token = redactor.token(body)
    kind = _value(headers, b"content-type").partition(";")[0].strip().lower()
    if kind.startswith("image/") and kind != "image/svg+xml":
        picture = _picture(body, kind, keep_whole=keep_pictures)
        return Body(bytes=len(body), token=token, picture=picture)
    try:
        plain = decoded(body, _value(headers, b"content-encoding").encode("latin-1"))
    except CodingError:
        return Body(bytes=len(body), token=token)
    text, is_whole = _text(plain, kind, redactor)
    is_cut = len(text) > _LONGEST or not is_whole
    return Body(bytes=len(body), token=token, text=text[:_LONGEST], is_cut=is_cut)


def _value(headers: tuple[Header, ...], wanted: bytes) -> str:
    found = (value for name, value in headers if name.lower() == wanted)
    return next(found, b"").decode("latin-1")


def _text(body: bytes, kind: str, redactor: Redactor) -> tuple[str, bool]:
    """What can be shown, empty for what is no text; and whether all was read for it."""
    if kind.endswith(("json", "+json")) or not kind:
        try:
            value = redactor.json(decode(body[:_MOST_READ_BYTES]))
        except NotJsonError:
            pass
        else:
            return json.dumps(value, ensure_ascii=False, indent=2), len(body) <= _MOST_READ_BYTES
    text = body[:_MOST_TEXT_BYTES].decode("utf-8", "replace")
    return _other_text(text, kind, redactor), len(body) <= _MOST_TEXT_BYTES


def _other_text(text: str, kind: str, redactor: Redactor) -> str:
    if kind == "application/x-www-form-urlencoded":
        return redactor.form(text)
    if kind == "text/html":
        return _html(text, redactor)
    if kind == "text/event-stream":
        return "\n".join(_event_line(line, redactor) for line in text.splitlines())
    if kind.startswith("text/") or kind.endswith(("json", "xml")):
        return "\n".join(redactor.text(line) for line in text.splitlines())
    return ""


def _event_line(line: str, redactor: Redactor) -> str:
    """A line of server-sent events (HTML standard, 9.2.6)."""
    field, colon, value = line.partition(":")
    value = value.removeprefix(" ")
    if field != "data" or not value:
        return f"{redactor.name(field)}{colon} {redactor.text(value, field)}" if colon else field
    try:
        read = decode(value.encode("utf-8", "surrogatepass"))
    except NotJsonError:
        return f"data: {redactor.text(value)}"
    return f"data: {json.dumps(redactor.json(read), ensure_ascii=False)}"


class _Redacting(HTMLParser):
    """Writes a page again: its elements stay, its words do not."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(convert_charrefs=True)
        self._redactor = redactor
        self.written: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element with its attributes."""
        pairs = "".join(f" {self._attribute(name, value)}" for name, value in attrs)
        self.written.append(f"<{self._name(tag)}{pairs}>")

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        self.written.append(f"</{self._name(tag)}>")

    def handle_data(self, data: str) -> None:
        """Words; white space stays as far as it parts lines."""
        text = data.strip()
        self.written.append(f"[{self._redactor.text(text)[1:-1]}]" if text else "\n")

    def _attribute(self, name: str, value: str | None) -> str:
        known = self._name(name)
        if value is None:
            return known
        is_plain = name in _PLAIN_ATTRIBUTES and value == self._redactor.name(value)
        return f'{known}="{value if is_plain else self._redactor.text(value, name)}"'

    def _name(self, name: str) -> str:
        """Of an element or attribute: whatever stands behind a < is one to a parser."""
        return name if _NAME.fullmatch(name) else self._redactor.text(name)


def _html(text: str, redactor: Redactor) -> str:
    parser = _Redacting(redactor)
    parser.feed(text)
    parser.close()
    return "".join(parser.written)


def _picture(body: bytes, kind: str, *, keep_whole: bool) -> Picture | None:
    """A picture's contract and a small preview; None where it cannot be decoded."""
    try:
        picture = Image.open(io.BytesIO(body))
        if picture.width * picture.height > MOST_PIXELS:
            return None
        facts = (picture.format or "", picture.width, picture.height, picture.mode)
        if keep_whole and len(body) <= _MOST_WHOLE_BYTES:
            return _of(facts, kind, body, is_whole=True)
        picture.draft("RGB", (_SIDE, _SIDE))
        picture.thumbnail((_SIDE, _SIDE))
        written = io.BytesIO()
        picture.convert("RGBA").save(written, "PNG", optimize=True)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        # Pillow's own words for what it cannot read.
        return None
    return _of(facts, "image/png", written.getvalue(), is_whole=False)


def _of(
    facts: tuple[str, int, int, str], media_type: str, data: bytes, *, is_whole: bool
) -> Picture:
    return Picture(
        format=facts[0],
        width=facts[1],
        height=facts[2],
        mode=facts[3],
        media_type=media_type,
        data=base64.b64encode(data).decode(),
        is_whole=is_whole,
    )
