"""The session cookie as the original wrote it: signed JSON that the browser keeps.

Flask's ``SecureCookieSessionInterface``: itsdangerous' ``URLSafeTimedSerializer``, salt
``cookie-session``, HMAC-SHA1 with a key derived by HMAC, the payload in Flask's tagged JSON. Who
holds the key can check one; nobody else can make one. What is in it is signed, not secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "session"
SALT = "cookie-session"
LIFETIME_S = (
    31 * 24 * 3600
)  # Flask's permanent_session_lifetime: an older cookie counts for nothing
TUPLE_TAG = " t"  # Flask's tagged JSON: {" t": [...]} is a tuple


class TaggedJson:
    """Flask's session serializer, for what this shop puts in: JSON, and tuples."""

    @staticmethod
    def dumps(value: object) -> str:
        """Write ``value`` as Flask does: keys sorted, compact, ASCII, tuples tagged."""
        return json.dumps(_tag(value), sort_keys=True, separators=(",", ":"))

    @staticmethod
    def loads(text: str | bytes) -> object:
        """Read what ``dumps`` wrote; tags of other types stay as they are.

        Raises:
            ValueError: It is no JSON.
        """
        return json.loads(text, object_hook=_untag)


class SessionCookies:
    """Reads and writes the cookie's value.

    Args:
        key: ``LEGACY_SECRET_KEY``.
    """

    def __init__(self, key: str) -> None:
        self._serializer = URLSafeTimedSerializer(
            key,
            salt=SALT,
            serializer=TaggedJson(),
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
        )

    def read(self, value: str) -> dict[str, object]:
        """Return what the session holds; empty for one that is forged, too old or no session."""
        try:
            session = self._serializer.loads(value, max_age=LIFETIME_S)
        except BadData:
            return {}
        return session if isinstance(session, dict) else {}

    def write(self, session: Mapping[str, object]) -> str:
        """Return the cookie's value for ``session``, signed with the time of now."""
        return self._serializer.dumps(dict(session))


def _tag(value: object) -> object:
    if isinstance(value, tuple):
        return {TUPLE_TAG: [_tag(item) for item in value]}
    if isinstance(value, list):
        return [_tag(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _tag(item) for name, item in value.items()}
    return value


def _untag(found: dict[str, object]) -> object:
    items = found.get(TUPLE_TAG) if len(found) == 1 else None
    return tuple(items) if isinstance(items, list) else found
