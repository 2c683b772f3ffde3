"""A city: rows of towers, nearer ones darker, with lit windows after dark."""

from __future__ import annotations

from dataclasses import dataclass

from image_service.painting.canvas import Canvas, Color, Pen, Point, mix
from image_service.painting.chance import Chance

_LAMPS: tuple[Color, ...] = ((255, 226, 150), (255, 205, 120), (255, 240, 205), (190, 225, 255))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tower:
    """A building's front; ``roof`` is flat, stepped, slanted or spire."""

    corner: Point
    width: float
    height: float
    roof: str


def build_row(canvas: Canvas, level: float, tallest: float, chance: Chance) -> list[Tower]:
    """Build a closed row of towers on ``level``; they are taller towards the middle."""
    towers: list[Tower] = []
    x = -canvas.unit * 0.05
    while x < canvas.width:
        width = canvas.unit * chance.between(0.035, 0.085)
        middle = 1 - abs((x + width / 2) / canvas.width - 0.5) * 1.1
        height = tallest * (0.25 + 0.75 * chance.draw() ** 1.6) * middle
        roof = chance.pick(("flat", "flat", "flat", "stepped", "slanted", "spire"))
        towers.append(Tower(corner=(x, level - height), width=width, height=height, roof=roof))
        x += width * chance.between(0.75, 1.15)
    return towers


def paint_row(canvas: Canvas, towers: list[Tower], top: Color, foot: Color) -> None:
    """Paint the fronts of a row, paler at their feet."""

    def trace(pen: Pen) -> None:
        for tower in towers:
            pen.box(tower.corner, tower.width, tower.height)
            _trace_roof(pen, tower)

    canvas.shade(canvas.mask(trace), [(0, top), (0.6, mix(top, foot, 0.4)), (1, foot)])


def _trace_roof(pen: Pen, tower: Tower) -> None:
    (x, y), width = tower.corner, tower.width
    match tower.roof:
        case "stepped":
            pen.box((x + width * 0.18, y - width * 0.28), width * 0.64, width * 0.3)
            pen.box((x + width * 0.36, y - width * 0.5), width * 0.28, width * 0.25)
        case "slanted":
            pen.polygon([(x, y), (x + width, y), (x + width, y - width * 0.45)])
        case "spire":
            pen.polygon(
                [(x + width * 0.2, y), (x + width * 0.5, y - width * 0.5), (x + width * 0.8, y)]
            )
            pen.box((x + width * 0.48, y - width * 1.15), width * 0.04, width * 0.7)
        case _:
            pen.box((x + width * 0.1, y - width * 0.1), width * 0.25, width * 0.12)


def paint_windows(canvas: Canvas, towers: list[Tower], lit_share: float, chance: Chance) -> None:
    """Light some windows of each tower, in the warm and cold colours of lamps."""
    pane = canvas.unit * 0.0062
    for lamp in _LAMPS:

        def trace(pen: Pen) -> None:
            for tower in towers:
                _trace_windows(pen, tower, pane, lit_share / len(_LAMPS), chance)

        canvas.fill(canvas.mask(trace), lamp, 0.9)


def _trace_windows(pen: Pen, tower: Tower, pane: float, share: float, chance: Chance) -> None:
    across = max(1, int(tower.width / (pane * 1.9)))
    step = tower.width / across
    for floor in range(int(tower.height / (pane * 2.3))):
        for column in range(across):
            if chance.happens(share):
                x = tower.corner[0] + step * (column + 0.5) - pane * 0.45
                pen.box((x, tower.corner[1] + pane * (1.2 + floor * 2.3)), pane * 0.9, pane * 1.2)
