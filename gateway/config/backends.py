"""What must hold between the values of one backend, and of all of them together."""

from __future__ import annotations

from gateway.config.draft import Draft
from gateway.config.report import Report
from gateway.config.spec import BackendSpec
from gateway.config.wording import quoted

MOST_CA_BYTES = 4 * 1024 * 1024
"""Of all backends together: control sends them to each worker in one message of at most 16 MiB."""


def check_backends(draft: Draft, report: Report) -> None:
    """Report whatever is wrong across values, in those backends that are known."""
    for name, backend in draft.spec.backends.items():
        if draft.knows("backends", name):
            _destination(draft, report, name, backend)
            _schemes(report, name, backend)
            _tls(report, name, backend)
            _repeated(report, name, backend)
            _fallback(draft, report, name, backend)
    _certificates(draft, report)


def _destination(draft: Draft, report: Report, name: str, backend: BackendSpec) -> None:
    """Exactly one of url and urls."""
    loc = ("backends", name)
    has_url, has_urls = (
        key in backend.model_fields_set or not draft.knows(*loc, key) for key in ("url", "urls")
    )
    if has_url and has_urls:
        report.at_key((*loc, "urls"), "a backend has either url or urls, not both", "keep one")
    elif not has_url and not has_urls:
        report.within(loc, "needs url or urls", "say where it listens")


def _schemes(report: Report, name: str, backend: BackendSpec) -> None:
    """All addresses are spoken to in the same way."""
    for index, endpoint in enumerate(backend.urls):
        first = backend.urls[0].scheme
        if endpoint.scheme != first:
            message = f"a backend's urls are of one kind, and {quoted(str(endpoint))} is not"
            report.at_value(("backends", name, "urls", index), message, f"the first is {first}:")


def _tls(report: Report, name: str, backend: BackendSpec) -> None:
    if backend.tls is None or not backend.endpoints:
        return
    if any(endpoint.scheme != "https" for endpoint in backend.endpoints):
        loc = ("backends", name, "tls")
        report.at_key(loc, "tls has a meaning only with https://", "remove it, or write https://")


def _repeated(report: Report, name: str, backend: BackendSpec) -> None:
    seen: set[object] = set()
    for index, endpoint in enumerate(backend.urls):
        if endpoint.address in seen:
            report.at_value(("backends", name, "urls", index), "is in the list already")
        seen.add(endpoint.address)


def _fallback(draft: Draft, report: Report, name: str, backend: BackendSpec) -> None:
    """It leads to another backend, and to one that is configured."""
    if backend.fallback is None:
        return
    loc, to = ("backends", name, "fallback", "to"), backend.fallback.to
    if to == name:
        report.at_value(loc, "a backend cannot fall back to itself", "name another")
    elif to not in draft.backends:
        hint = report.guess.hint(to, draft.backends - {name}, kind="backends")
        report.at_value(loc, f"unknown backend {quoted(to)}", hint)


def _certificates(draft: Draft, report: Report) -> None:
    total_bytes = 0
    for name, backend in draft.spec.backends.items():
        if backend.tls is None:
            continue
        total_bytes += len(backend.tls.ca)
        if total_bytes > MOST_CA_BYTES:
            message = f"the certificates of all backends have over {MOST_CA_BYTES >> 20} MiB"
            hint = "name files with nothing in them but the authority's own certificates"
            report.at_value(("backends", name, "tls", "ca"), message, hint)
            return
