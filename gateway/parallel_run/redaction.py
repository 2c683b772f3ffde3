"""Values without what they say: the same value has the same token, whoever sent it, wherever.

So two sides can be compared, and a customer's requests joined, by somebody who cannot read either.
What says nothing of anybody stays: small numbers, booleans, the words of formats, and what is
declared plain. Whoever has the key can test a guess; it is kept like a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gateway.parallel_run.compare.json_values import NotJsonError, decode
from gateway.wire.messages import Header

Token = Callable[[bytes], str]
"""Value -> 12 characters, the same for the same value."""

_FORMAT_WORDS = (
    "true false yes no on off ok null none error failed failure success pending queued running"
    " done ready new open closed active inactive enabled disabled created updated deleted unknown"
    " asc desc get post put patch delete head options id count total page limit offset"
    " png jpeg jpg gif webp svg json xml html text utf-8 gzip identity http https"
    " small medium large auto standard hd low high url b64_json"
)
WORDS = frozenset(_FORMAT_WORDS.split())
"""That formats and enumerations are made of; nobody is called so."""
_HEADERS = (
    "accept accept-encoding accept-language accept-ranges age allow cache-control connection"
    " content-encoding content-language content-length content-type date expect"
    " expires keep-alive last-modified pragma range retry-after server te trailer transfer-encoding"
    " upgrade vary via x-content-type-options x-frame-options"
)
PLAIN_HEADERS = frozenset(_HEADERS.split())
_MOST_PLAIN_DIGITS = 4
"""Of a whole number: prices, sizes and counts; longer ones may be somebody's."""
_MOST_DIGITS = 7
"""With those behind the point: a place on earth has more."""
_LONGEST_WORD = 24
"""Of a path; longer is data."""
_DEEPEST = 40
_MOST_ITEMS = 50
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?( ?(Z|UTC|GMT|[-+]\d\d:?\d\d))?)?"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"
)
_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_NAME = re.compile(r"[A-Za-z_$@][\w$@.-]{0,40}", re.ASCII)
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Redacts by one key."""

    token: Token
    plain: frozenset[str] = frozenset()
    """Lower-case names of members, fields, query keys and headers whose values stay."""

    def text(self, value: str, name: str = "") -> str:
        """A string: as it is, or what kind it is with its token."""
        if not value or value.lower() in WORDS or name.lower() in self.plain:
            return value
        if _NUMBER.fullmatch(value):
            return self._number(value)
        mark = self.token(value.encode("utf-8", "surrogatepass"))
        if value.startswith(("http://", "https://")):
            return self._url(value, mark)
        if _TIMESTAMP.fullmatch(value):
            return f"<timestamp {mark} {re.sub(r'[0-9]', '0', value)}>"
        kind = "uuid" if _UUID.fullmatch(value) else "mail" if _MAIL.fullmatch(value) else ""
        return f"<{kind or f'text {len(value)}'} {mark}>"

    def json(self, value: object, name: str = "", depth: int = 0) -> object:
        """A JSON value; its shape stays, a long list's first items do."""
        if isinstance(value, str):
            return self.text(value, name)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if name.lower() in self.plain else self._json_number(value)
        return self._container(value, name, depth + 1) if depth < _DEEPEST else "<deeper>"

    def _container(self, value: object, name: str, depth: int) -> object:
        if isinstance(value, list):
            items = [self.json(each, name, depth) for each in value[:_MOST_ITEMS]]
            rest = len(value) - _MOST_ITEMS
            return [*items, f"<{rest} more items>"] if rest > 0 else items
        if isinstance(value, dict):
            return {
                self.name(str(key)): self.json(each, str(key), depth) for key, each in value.items()
            }
        # Infinity and NaN.
        return bytes(value).decode("ascii", "replace") if isinstance(value, msgspec.Raw) else ""

    def name(self, key: str) -> str:
        """A member's name: as it is where it is one, for maps may be keyed by customers."""
        if _NAME.fullmatch(key) and "@" not in key[1:] and not _LONG_NUMBER.search(key):
            return key
        return self.text(key)

    def shown(self, value: str, place: str) -> str:
        """A value as a difference shows it."""
        part, _, where = place.partition(":")
        if part in {"status", "image", "failure"}:
            return value
        if part == "header":
            return self._header(where.partition(":")[0], value)
        name = re.split(r"[.\[\]\"':]", where.rstrip("]\"'"))[-1]
        try:
            read = decode(value.encode("utf-8", "surrogatepass"))
        except NotJsonError:
            return self.text(value, name)
        if isinstance(read, str):
            return self.text(value, name)
        return msgspec.json.encode(self.json(read, name)).decode("utf-8", "replace")

    def headers(self, headers: Iterable[Header]) -> list[tuple[str, str]]:
        """Header fields, in order."""
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        return [(name[:80], self._header(name.lower(), value)) for name, value in pairs]

    def target(self, target: bytes) -> str:
        """A request's target: words of the path and names of the query stay."""
        path, _, query = target.decode("latin-1").partition("?")
        redacted = "/".join(map(self._segment, path.split("/")))
        return f"{redacted}?{self.form(query)}" if query else redacted

    def form(self, text: str) -> str:
        """``name=value`` pairs, decoded."""
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=None)
        return "&".join(
            f"{self._key(name, value)}={self.text(value, name)}" for name, value in pairs
        )

    def _key(self, name: str, value: str) -> str:
        """A field's name; a long one without a value is a value itself (``?TOKEN``)."""
        return self.name(name) if value or len(name) <= _LONGEST_WORD else self.text(name)

    def _header(self, name: str, value: str) -> str:
        if not value or name in PLAIN_HEADERS or name in self.plain:
            return value[:500]
        if name in {"set-cookie", "cookie"}:
            return "; ".join(map(self._cookie, value.split("; ")))
        if name in {"authorization", "proxy-authorization", "www-authenticate"}:
            scheme, _, rest = value.partition(" ")
            return f"{scheme[:20]} {self.text(rest)}" if rest else self.text(value)
        if name == "location":
            return self._relative(value)
        return self.text(value)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if not equals or name.lower() in {"samesite", "max-age", "expires"}:
            return pair
        if name.lower() == "path":
            return f"{name}={self.target(value.encode('latin-1', 'replace'))}"
        return f"{self.name(name)}={self.text(value, name)}"

    def _relative(self, value: str) -> str:
        if value.startswith("/"):
            return self.target(value.encode("latin-1", "replace"))
        return self.text(value)

    def _url(self, value: str, mark: str) -> str:
        try:
            parts = urlsplit(value)
        except ValueError:
            return f"<text {len(value)} {mark}>"
        host = self.token(parts.netloc.encode("utf-8", "surrogatepass"))
        rest = value.split(parts.netloc, 1)[-1] if parts.netloc else ""
        return f"{parts.scheme}://<host {host}>{self.target(rest.encode('latin-1', 'replace'))}"

    def _segment(self, segment: str) -> str:
        if not segment or (_NAME.fullmatch(segment) and not re.search(r"\d", segment)):
            is_word = len(segment) <= _LONGEST_WORD and "@" not in segment
            return segment if is_word else self.text(segment)
        return self.text(segment)

    def _json_number(self, number: float) -> object:
        text = repr(number)
        redacted = self._number(text) if _NUMBER.fullmatch(text) else text
        if redacted == text:
            return number
        return float(redacted) if "." in redacted else int(redacted)

    def _number(self, text: str) -> str:
        """A number: a short one as it is, of a longer one other digits, as many."""
        whole, point, rest = text.lstrip("+-").partition(".")
        digits = len(whole.lstrip("0")) + len(rest)
        if len(whole.lstrip("0")) <= _MOST_PLAIN_DIGITS and digits <= _MOST_DIGITS:
            return text
        sign = text[: len(text) - len(text.lstrip("+-"))]
        other = self._digits(f"{whole}{point}{rest}", len(whole) + len(rest))
        return f"{sign}{other[: len(whole)]}{point}{other[len(whole) :]}"

    def _digits(self, text: str, count: int) -> str:
        found = ""
        while len(found) < count:
            mark = self.token(f"{text}/{len(found)}".encode())
            # The highest digits of what a token stands for are not even.
            found += f"{int.from_bytes(mark.encode(), 'big') % 10**15:015}"
        return str(int(found[0]) % 9 + 1) + found[1:count]
