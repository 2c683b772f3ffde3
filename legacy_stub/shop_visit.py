"""One visit of a browser: its cookies, its session, and what the answer tells it to keep.

Two cookies. ``session`` is the original's, signed, for as long as the browser runs. ``customer`` is
a random name for the browser, given once and never again: whoever has to treat a customer the same
way for months, such as a gateway that sends a share of customers elsewhere, can go by it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from legacy_stub import shop_session
from legacy_stub.flask_style import HTML, Answer, Request
from legacy_stub.shop_accounts import Account, Accounts
from legacy_stub.shop_session import SessionCookies

CUSTOMER = "customer"
CUSTOMER_BYTES = 16
CUSTOMER_AGE_S = 400 * 24 * 3600  # the longest that browsers keep a cookie
TOKEN = "csrf_token"  # noqa: S105 - a field's name, in the session and in forms
TOKEN_BYTES = 16
USER = "user_id"
FLASHES = "_flashes"
FLASH_LIMIT = 3  # they live in a cookie, of 4 KiB at most
KIND = re.compile(r"[a-z]{1,20}", re.ASCII)

# Nothing from elsewhere, nothing inline, nothing for scripts to turn into HTML.
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
PAGE_HEADERS = (
    ("Content-Type", HTML),
    ("Cache-Control", "no-store"),  # it holds a name, and a token for forms
    ("Vary", "Cookie"),
    ("Content-Security-Policy", POLICY),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),  # for browsers that know no frame-ancestors
    ("Cross-Origin-Opener-Policy", "same-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """A sentence for the next page; ``kind`` is ``success`` or ``error``."""

    kind: str
    text: str


@dataclass(slots=True, kw_only=True)
class Visit:
    """A browser's request, and its session while it is being answered.

    Attributes:
        session: What the cookie holds, and shall hold.
        account: Who is logged in; None for nobody.
        is_new: Whether the browser has no ``customer`` cookie yet.
    """

    session: dict[str, object]
    account: Account | None = None
    is_new: bool = False
    is_https: bool = False
    _before: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        self._before = dict(self.session)

    @property
    def token(self) -> str:
        """What a form has to send back; made when first asked for."""
        token = self.session.get(TOKEN)
        if not isinstance(token, str) or not token:
            token = self.session[TOKEN] = secrets.token_hex(TOKEN_BYTES)
        return token

    def may_post(self, form: Mapping[str, str]) -> bool:
        """Whether a form is one that this session was given, and not another site's."""
        token, sent = self.session.get(TOKEN), form.get(TOKEN, "")
        if not isinstance(token, str) or not token:
            return False
        return hmac.compare_digest(sent.encode(), token.encode())

    def log_in(self, account: Account) -> None:
        """Begin a session for ``account``; nothing of the one before is left in it."""
        self.session = {USER: account.id}
        self.account = account

    def log_out(self) -> None:
        """End the session."""
        self.session = {}
        self.account = None

    def flash(self, text: str, kind: str = "success") -> None:
        """Keep a sentence for the next page."""
        kept = self.session.get(FLASHES)
        flashes = [*(kept if isinstance(kept, list) else []), (kind, text)]
        self.session[FLASHES] = flashes[-FLASH_LIMIT:]

    def take_flashes(self) -> list[Flash]:
        """Return the sentences kept, and forget them."""
        kept = self.session.pop(FLASHES, None)
        return [
            Flash(kind=item[0] if KIND.fullmatch(item[0]) else "", text=item[1])
            for item in (kept if isinstance(kept, list) else [])
            if isinstance(item, tuple) and [type(part) for part in item] == [str, str]
        ]

    @property
    def has_changed(self) -> bool:
        """Whether the browser has to be told a new session."""
        return self.session != self._before


class Visits:
    """Opens visits and closes them.

    Args:
        cookies: Reads and writes sessions.
        accounts: Who can be logged in.
    """

    def __init__(self, cookies: SessionCookies, accounts: Accounts) -> None:
        self._cookies = cookies
        self._accounts = accounts

    def open(self, request: Request) -> Visit:
        """Read the cookies of a request."""
        cookies = read_cookies(request.cookie)
        session = self._cookies.read(cookies.get(shop_session.COOKIE, ""))
        user = session.get(USER)
        return Visit(
            session=session,
            account=self._accounts.find(user) if type(user) is int else None,
            is_new=not cookies.get(CUSTOMER),
            is_https=request.is_https,
        )

    def page(self, visit: Visit, html: str, status: int = 200) -> Answer:
        """Answer with a page."""
        return self._answer(visit, status, html.encode(), ())

    def redirect(self, visit: Visit, path: str) -> Answer:
        """Answer a form: the browser gets ``path``, and its reload sends nothing again."""
        return self._answer(visit, 303, b"", (("Location", path),))

    def _answer(
        self, visit: Visit, status: int, body: bytes, more: tuple[tuple[str, str], ...]
    ) -> Answer:
        length = (("Content-Length", str(len(body))),)
        cookies = tuple(("Set-Cookie", cookie) for cookie in self._kept(visit))
        return Answer(status=status, headers=(*PAGE_HEADERS, *length, *more, *cookies), body=body)

    def _kept(self, visit: Visit) -> list[str]:
        """Return what the browser is told to keep."""
        flags = "HttpOnly; Path=/; SameSite=Lax" + ("; Secure" if visit.is_https else "")
        kept = []
        if visit.is_new:
            name = secrets.token_hex(CUSTOMER_BYTES)
            kept.append(f"{CUSTOMER}={name}; Max-Age={CUSTOMER_AGE_S}; {flags}")
        if visit.has_changed and visit.session:
            kept.append(f"{shop_session.COOKIE}={self._cookies.write(visit.session)}; {flags}")
        elif visit.has_changed:
            past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"
            kept.append(f"{shop_session.COOKIE}=; {past}; {flags}")
        return kept


def read_cookies(header: str) -> dict[str, str]:
    """Return the cookies of a Cookie header; of two with one name the first counts.

    RFC 6265, section 5.4: browsers send the one with the longer path first.
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, found, value = pair.strip().partition("=")
        if found:
            cookies.setdefault(name.strip(), value.strip().removeprefix('"').removesuffix('"'))
    return cookies
