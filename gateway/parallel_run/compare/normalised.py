"""Values that may differ as long as both are of one form: moments, UUIDs, hosts, ids.

Stricter than to ignore them: where the old code writes ``2026-11-23T10:00:00Z`` and the new one
``23/11/2026``, that is a difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from gateway.parallel_run.plan import Normaliser

_UUID = re.compile("[0-9a-f]{8}(-?)[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{4}\\1[0-9a-f]{12}")
_MOMENTS = (
    # RFC 3339 and its looser relatives: each part that may be there or not is part of the form.
    re.compile(
        r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d)?([.,]\d+)?( ?)(Z|[-+]\d\d:?\d\d|)", re.ASCII
    ),
    re.compile(r"\d{4}-\d\d-\d\d"),
    # HTTP-date (RFC 9110, section 5.6.7) and the form of mails (RFC 5322).
    re.compile(r"[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d( GMT| [-+]\d{4})"),
)
_SEGMENT = re.compile(r"[^/?&=#]+")
_SINCE_1970_S = (1e9, 1e10)
"""2001 to 2286; a thousand times that in milliseconds."""


def _moment(value: object) -> object:
    """The form of a moment; None if it is none."""
    if isinstance(value, str):
        for form in _MOMENTS:
            if found := form.fullmatch(value):
                # Digits of a fraction and offsets vary from moment to moment, their presence not.
                return (form.pattern, *(_presence(group) for group in found.groups()))
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = _SINCE_1970_S
    if low <= value < high:
        return type(value), "seconds"
    return (type(value), "milliseconds") if low <= value / 1000 < high else None


def _presence(group: str | None) -> str:
    if not group:
        return ""
    return "offset" if group[0] in "+-" else group[0]


def _uuid(value: object) -> object:
    """The form of a UUID; None if it is none."""
    if not isinstance(value, str):
        return None
    found = _UUID.fullmatch(value.lower())
    return (found[1], value.lower() == value, value.upper() == value) if found else None


def _without_host(value: object) -> object:
    """A URL without scheme and host; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    return parts._replace(scheme="", netloc="").geturl()


_FORMS: Mapping[Normaliser, Callable[[object], object]] = {
    "timestamp": _moment,
    "uuid": _uuid,
    "url_host": _without_host,
}


def _in_our_words(text: str, aliases: Mapping[str, str]) -> str:
    """An id, or a path or URL with ids as segments, with the control's ids in it."""
    return _SEGMENT.sub(lambda found: aliases.get(found[0], found[0]), text)


def is_same_form(
    to: Normaliser, control: object, candidate: object, aliases: Mapping[str, str]
) -> bool:
    """Whether both are equal but for what `to` leaves out.

    Args:
        to: What to leave out.
        control: A value.
        candidate: A value that differs from it.
        aliases: The candidate's id -> the control's, learned from what both have created.
    """
    if to == "id_alias":
        return type(control) is type(candidate) and str(control) == _in_our_words(
            str(candidate), aliases
        )
    form = _FORMS[to](control)
    return form is not None and form == _FORMS[to](candidate)
