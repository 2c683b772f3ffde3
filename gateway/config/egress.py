"""The values of ``egress``, and what must hold between them."""

from __future__ import annotations

from gateway.config.draft import Draft
from gateway.config.paths import is_inside
from gateway.config.report import Report
from gateway.config.wording import quoted


def check_egress(draft: Draft, report: Report) -> None:
    """Report whatever is wrong across the values of ``egress``."""
    egress = draft.spec.egress
    if egress is None or not draft.knows("egress"):
        return
    prefixes: dict[str, str] = {}
    for name, side in egress.sides.items():
        loc = ("egress", "sides", name)
        if draft.knows("backends") and name not in draft.backends:
            hint = report.guess.hint(name, draft.backends, kind="backends")
            report.at_key(loc, f"unknown backend {quoted(name)}", hint)
        prefix = side.prefix or f"/{name}/v1"
        for other, taken in prefixes.items():
            if is_inside(prefix, taken) or is_inside(taken, prefix):
                message = f"{quoted(prefix)} and {quoted(taken)} of {other} overlap"
                report.at_key(loc, message, "give each side a prefix of its own")
        prefixes[name] = prefix
