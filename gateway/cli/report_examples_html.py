"""Examples on the page: both answers next to each other, pictures too."""

from __future__ import annotations

import re
from html import escape

from gateway.cli.side_by_side import changed, values_at
from gateway.parallel_run.examples import Example, Side

_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""What a page may show; a picture of another kind could be a program (SVG)."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_MOST_ROWS = 60


def example_html(example: Example) -> str:
    """One example."""
    request = example.request
    asked = f"{request.method} {request.target}" if request else "a request that was not kept"
    place = next((each for each in example.differences if each.place == example.place), None)
    values = ""
    if place is not None:
        control, candidate = map(escape, values_at(place))
        values = (
            f'<div class="values"><div><small>control</small><code>{control}</code></div>'
            f"<div><small>candidate</small><code>{candidate}</code></div></div>"
        )
    return (
        f'<article><p class="asked"><code>{escape(asked)}</code>'
        f"<small>trace {escape(example.trace_id)}, {escape(example.at[:19])}Z</small></p>"
        f"{values}{_pictures(example)}{_bodies(example)}</article>"
    )


def _bodies(example: Example) -> str:
    heads = "".join(
        f'<th scope="col">{_title(role, side)}</th>'
        for role, side in (("Control", example.control), ("Candidate", example.candidate))
    )
    pairs = changed(example)
    rows = "".join(
        f'<tr class="{"differs" if differs else "same"}"><td>{escape(left)}</td>'
        f"<td>{escape(right)}</td></tr>"
        for left, right, differs in pairs[:_MOST_ROWS]
    )
    more = len(pairs) - _MOST_ROWS
    note = f"<p class=note>{more} more lines are in the export.</p>" if more > 0 else ""
    return (
        '<div class="wide"><table class="sides"><thead><tr>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>{note}"
    )


def _title(role: str, side: Side | None) -> str:
    if side is None:
        return f"{role}: not asked"
    said = f"no answer ({side.failure})" if side.status is None else str(side.status)
    return escape(f"{role}: {side.backend}, {said}, {side.duration_s * 1000:,.0f} ms")


def _pictures(example: Example) -> str:
    figures = [
        _figure(role, side)
        for role, side in (("Control", example.control), ("Candidate", example.candidate))
    ]
    return f'<div class="pictures">{"".join(figures)}</div>' if any(figures) else ""


def _figure(role: str, side: Side | None) -> str:
    picture = side.body.picture if side is not None and side.body is not None else None
    if picture is None or picture.media_type not in _PICTURES:
        return ""
    if not _BASE64.fullmatch(picture.data):
        return ""
    facts = f"{picture.format} {picture.width} x {picture.height} {picture.mode}"
    kept = "" if picture.is_whole else " (preview)"
    return (
        f'<figure><img src="data:{picture.media_type};base64,{picture.data}"'
        f' alt="{role}: {escape(facts)}"><figcaption>{role}: {escape(facts)}{kept}</figcaption>'
        "</figure>"
    )
