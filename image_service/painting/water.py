"""Water: it mirrors what stands above it, and breaks the light into dashes."""

from __future__ import annotations

import math

from PIL import Image, ImageFilter

from image_service.painting.canvas import Canvas, Color, Pen, Point, mix
from image_service.painting.chance import Chance
from image_service.painting.palette import Palette


def paint_water(
    canvas: Canvas, level: float, palette: Palette, chance: Chance, calm: float = 0.6
) -> None:
    """Fill from ``level`` (pixels from the top) down with a rippled mirror image.

    ``calm`` is 0 for a rough sea, which mirrors little, and 1 for a still lake.
    """
    top, width = round(level), canvas.width
    depth = canvas.height - top
    above = canvas.image.crop((0, max(0, top - depth), width, top)).resize((width, depth))
    mirror = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.filter(ImageFilter.BoxBlur((canvas.unit * 0.004 * (1.4 - calm), 0)))
    canvas.image.paste(_rippled(mirror, canvas.unit, chance, calm), (0, top))
    veil = Image.linear_gradient("L").resize((width, depth))
    low, high = (1 - calm) * 90, 80 + (1 - calm) * 120
    veil = veil.point([round(low + (high - low) * v / 255) for v in range(256)])
    deep = mix(mix(palette.sky[0][1], palette.sky[1][1], 0.4), palette.near, 0.25)
    canvas.image.paste(deep, (0, top), veil)
    _paint_ripples(canvas, level, mix(palette.sky[-1][1], palette.light, 0.3), chance)


def _rippled(mirror: Image.Image, unit: float, chance: Chance, calm: float) -> Image.Image:
    """Shift thin rows sideways, further towards the viewer."""
    width, depth = mirror.size
    wet = Image.new("RGB", mirror.size)
    phase, y = chance.between(0, 6.3), 0
    while y < depth:
        near = y / depth
        thick = max(1, round(unit * 0.002 * (1 + 3 * near)))
        wave = math.sin(y / unit * 90 / (0.5 + near) + phase) + 0.6 * math.sin(
            y / unit * 233 + phase
        )
        shift = round(wave * unit * (0.002 + 0.011 * near) * (1.5 - calm))
        row = mirror.crop((0, y, width, min(depth, y + thick)))
        wet.paste(row, (shift, y))
        # The edge that the shift has bared is filled with the row's own other end.
        wet.paste(row, (shift - width if shift > 0 else shift + width, y))
        y += thick
    return wet


def _paint_ripples(canvas: Canvas, level: float, color: Color, chance: Chance) -> None:
    """Draw faint long dashes of sky on the surface."""
    depth = canvas.height - level

    def trace(pen: Pen) -> None:
        for _ in range(round(170 * canvas.width / canvas.unit)):
            near = chance.draw() ** 1.3
            place = (chance.draw() * canvas.width, level + depth * (0.01 + near))
            long = canvas.unit * (0.01 + 0.05 * near) * chance.between(0.4, 1)
            pen.ellipse(
                place, long, canvas.unit * (0.0006 + 0.0018 * near), ink=chance.whole(40, 150)
            )

    canvas.fill(canvas.mask(trace), color, 0.4)


def paint_glitter(canvas: Canvas, light: Point, level: float, color: Color, chance: Chance) -> None:
    """Lay the path of the sun or the moon on the water."""
    depth = canvas.height - level

    def trace(pen: Pen) -> None:
        for _ in range(420):
            near = chance.draw() ** 1.2
            spread = canvas.unit * (0.035 + 0.16 * near)
            # The mean of three draws gathers the dashes in the middle of the path.
            aside = (chance.draw() + chance.draw() + chance.draw()) / 1.5 - 1
            place = (light[0] + spread * aside, level + depth * (0.006 + near))
            long = (
                canvas.unit
                * (0.004 + 0.026 * near)
                * chance.between(0.4, 1)
                * (1 - abs(aside) * 0.6)
            )
            pen.ellipse(
                place, long, canvas.unit * (0.0009 + 0.0026 * near), ink=chance.whole(120, 255)
            )

    canvas.fill(canvas.mask(trace), color, 0.85)


def paint_sailboat(canvas: Canvas, foot: Point, height: float, hull: Color, sail: Color) -> None:
    """Paint a small boat under sail."""
    x, y = foot

    def trace_hull(pen: Pen) -> None:
        pen.polygon(
            [
                (x - height * 0.42, y - height * 0.1),
                (x + height * 0.48, y - height * 0.13),
                (x + height * 0.3, y + height * 0.02),
                (x - height * 0.3, y + height * 0.02),
            ]
        )
        pen.line([(x, y - height * 0.1), (x, y - height)], height * 0.02)

    def trace_sails(pen: Pen) -> None:
        pen.polygon(
            [
                (x + height * 0.03, y - height),
                (x + height * 0.2, y - height * 0.5),
                (x + height * 0.4, y - height * 0.18),
                (x + height * 0.03, y - height * 0.16),
            ]
        )
        pen.polygon(
            [
                (x - height * 0.03, y - height * 0.92),
                (x - height * 0.14, y - height * 0.5),
                (x - height * 0.34, y - height * 0.17),
                (x - height * 0.03, y - height * 0.17),
            ]
        )

    canvas.fill(canvas.mask(trace_hull), hull)
    canvas.fill(canvas.mask(trace_sails), sail)
