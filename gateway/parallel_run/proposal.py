"""Rules to paste into routes.yaml, for what has turned out to be noise."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.parallel_run.examples import Difference
from gateway.parallel_run.noise import Noisy

_VALID_DAYS = 180
"""Long enough for a migration's next step, short enough to be asked again."""
_FORMS = {"<timestamp": "timestamp", "<uuid": "uuid"}
"""How redacted values begin -> what brings both sides' to one form."""
_DOCUMENTS = ("json:", "form:", "sse:")


def proposed_rule(
    noisy: Noisy, differences: Iterable[Difference], now: datetime, also: int = 0
) -> str:
    """A rule in YAML, with its list's key; empty where no rule can name the place.

    Args:
        noisy: What is known of the place.
        differences: Those of kept examples, of any place.
        now: From which the rule's end is counted.
        also: Kinds of requests in which the same place is noise, beside this one.
    """
    where = _place(noisy.place)
    if not where:
        return ""
    is_page = noisy.place.startswith("html:")
    form = "" if is_page else _form(each for each in differences if each.place == noisy.place)
    if form:
        return f"normalise:\n  - {{{where}, to: {form}}}"
    # Only what is counted is said: whoever pastes it in says why that is so.
    because = f"differs between two controls in {noisy.control + noisy.both} of {noisy.triads}"
    if also:
        because += f" trials, and in {also} more kinds of requests"
    else:
        because += " trials"
    until = (now + timedelta(days=_VALID_DAYS)).date().isoformat()
    return f'ignore:\n  - {where}\n    because: {because}\n    until: "{until}"'


def _place(place: str) -> str:
    """``json: $.created_at``; empty for status, pictures and what has no rule."""
    if place.startswith("header:"):
        return f"header: {place.removeprefix('header:')}"
    for part in _DOCUMENTS:
        path = place.removeprefix(part)
        if path not in {place, "$"} and "…" not in path:
            return f"json: {_quoted(path)}"
    if place.startswith("html:") and "…" not in place:
        return f"html: {_quoted(place.removeprefix('html:'))}"
    return ""


def _quoted(path: str) -> str:
    """Plain where YAML takes it for text as it is."""
    is_plain = all(each.isalnum() or each in "$._/*@-" for each in path) and "*" not in path
    return path if is_plain else json.dumps(path, ensure_ascii=False)


def _form(differences: Iterable[Difference]) -> str:
    """What all values are, on both sides; empty where they are several things, or unknown."""
    forms = {
        next((form for begin, form in _FORMS.items() if side.startswith(begin)), "")
        for each in differences
        for side in (each.control, each.candidate)
    }
    return forms.pop() if len(forms) == 1 else ""
