"""A bar chart as SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from bench.targets import digits

_WIDTH, _MARGIN, _GAP = 860, 20, 30
_COLUMNS = 2
_LABEL_WIDTH, _VALUE_WIDTH = 118, 56
_ROW, _BAR, _TITLE_HEIGHT, _HEAD = 24, 16, 28, 44
_INK, _QUIET, _OURS, _THEIRS = "#1f2933", "#66727f", "#b4540a", "#9fb3c8"
_CUT_ABOVE = 4.0
"""A bar this many times the median is cut off: it would flatten all others."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One value with its name."""

    label: str
    value: float
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that share a scale."""

    title: str
    bars: Sequence[Bar]


def full_scale(values: Sequence[float]) -> float:
    """The value that fills a panel's width; longer bars are cut."""
    most = _CUT_ABOVE * median(values)
    return max((value for value in values if value <= most), default=most)


def draw(title: str, panels: Sequence[Panel]) -> str:
    """The chart; its own background makes it readable on dark pages too."""
    width = (_WIDTH - 2 * _MARGIN - _GAP * (_COLUMNS - 1)) / _COLUMNS
    tallest = max((len(panel.bars) for panel in panels), default=0)
    height = _TITLE_HEIGHT + tallest * _ROW + _GAP
    rows = -(-len(panels) // _COLUMNS)
    total = _HEAD + rows * height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total}" '
        f'width="{_WIDTH}" height="{total}" font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{total}" fill="#ffffff"/>',
        _text(_MARGIN, 28, title, size=15, weight="600"),
    ]
    for number, panel in enumerate(panels):
        row, column = divmod(number, _COLUMNS)
        x, y = _MARGIN + column * (width + _GAP), _HEAD + row * height
        parts += _panel(panel, x, y, width)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, x: float, y: float, width: float) -> list[str]:
    parts = [_text(x, y + 16, panel.title, weight="600")]
    scale = full_scale([bar.value for bar in panel.bars])
    room = width - _LABEL_WIDTH - _VALUE_WIDTH
    left = x + _LABEL_WIDTH
    for number, bar in enumerate(panel.bars):
        top = y + _TITLE_HEIGHT + number * _ROW
        length = room * min(bar.value / scale, 1.0)
        fill = _OURS if bar.is_ours else _THEIRS
        parts.append(_text(left - 8, top + 13, bar.label, anchor="end"))
        parts.append(_rect(left, top, length, fill))
        if bar.value > scale:
            # Two white strokes: the bar goes on.
            parts += [_cut(left + length - offset, top) for offset in (30, 22)]
        value = digits(bar.value)
        parts.append(_text(left + length + 6, top + 13, value, fill=_QUIET))
    return parts


def _rect(x: float, y: float, width: float, fill: str) -> str:
    size = f'width="{max(width, 1):.1f}" height="{_BAR}"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{fill}"/>'


def _cut(x: float, y: float) -> str:
    path = f"M{x - 3:.1f} {y + _BAR + 2:.1f} L{x + 3:.1f} {y - 2:.1f}"
    return f'<path d="{path}" stroke="#ffffff" stroke-width="3"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    fill: str = _INK,
    anchor: str = "start",
    weight: str = "400",
    size: int = 13,
) -> str:
    style = f'fill="{fill}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
