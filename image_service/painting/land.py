"""Land: mountain ranges, hills, dunes and the outlines they are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops

from image_service.painting.canvas import Canvas, Color, Pen, Point, mix, noise
from image_service.painting.chance import Chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """The three colours of a piece of land: lit, in shade, and fading into mist at its foot."""

    lit: Color
    shade: Color
    foot: Color


def rugged(width: int, level: float, reach: float, chance: Chance) -> list[Point]:
    """Return a mountain outline by midpoint displacement: about ``level``, ``reach`` high."""
    heights = [chance.between(-0.3, 0.3) for _ in range(5)]
    swing = 0.42
    for _ in range(6):
        midpoints = [
            (a + b) / 2 + chance.between(-swing, swing) for a, b in itertools.pairwise(heights)
        ]
        heights = [
            height
            for pair in itertools.zip_longest(heights, midpoints)
            for height in pair
            if height is not None
        ]
        swing *= 0.5
    top, bottom = max(heights), min(heights)
    step = width / (len(heights) - 1)
    return [
        (index * step, level - reach * ((height - bottom) / (top - bottom)))
        for index, height in enumerate(heights)
    ]


def rolling(width: int, level: float, reach: float, chance: Chance) -> list[Point]:
    """Return a soft hill outline: a few slow waves about ``level``."""
    waves = [
        (chance.between(1.0, 2.4) * (1 + index), chance.between(0, 6.3), 0.6**index)
        for index in range(4)
    ]
    weight = sum(share for _, _, share in waves)
    return [
        (
            width * at / 128,
            level - reach * sum(math.sin(at / 128 * f * 2.6 + p) * s for f, p, s in waves) / weight,
        )
        for at in range(129)
    ]


def solid(outline: Sequence[Point], floor: float) -> list[Point]:
    """Close an outline into a polygon that reaches down to ``floor``."""
    return [*outline, (outline[-1][0], floor), (outline[0][0], floor)]


def tracer(outline: Sequence[Point], floor: float) -> Callable[[Pen], None]:
    """Return what draws everything between an outline and ``floor``."""
    return lambda pen: pen.polygon(solid(outline, floor))


def height_at(outline: Sequence[Point], x: float) -> float:
    """Return the outline's y at x; beyond its ends, the end's own."""
    for (x0, y0), (x1, y1) in itertools.pairwise(outline):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return outline[-1][1]


def paint_hill(canvas: Canvas, outline: Sequence[Point], tone: Tone) -> Image.Image:
    """Paint a hill with soft light on its brow; return its mask."""
    mask = canvas.mask(tracer(outline, canvas.height))
    canvas.shade(mask, [(0, tone.lit), (0.3, tone.shade), (1, tone.foot)])
    return mask


def paint_range(
    canvas: Canvas, outline: Sequence[Point], floor: float, tone: Tone, chance: Chance
) -> Image.Image:
    """Paint mountains with a lit and a shaded flank at every summit; return their mask."""
    mask = canvas.mask(tracer(outline, floor))
    canvas.shade(mask, [(0, tone.lit), (0.55, mix(tone.lit, tone.foot, 0.35)), (1, tone.foot)])
    flanks = canvas.mask(lambda pen: _trace_flanks(pen, outline, floor, chance))
    flanks = ImageChops.multiply(flanks, mask)
    fade = [(0.0, tone.shade), (0.6, mix(tone.shade, tone.foot, 0.4)), (1.0, tone.foot)]
    canvas.shade(flanks, fade)
    return mask


def _trace_flanks(pen: Pen, outline: Sequence[Point], floor: float, chance: Chance) -> None:
    """Draw, right of each summit, the side that looks away from the light."""
    for start, end in _descents(outline):
        ridge = list(outline[start : end + 1])
        (x, top), (right, low) = ridge[0], ridge[-1]
        fall = low - top
        foot = min(floor, low + fall * 0.9)
        spine = [
            (x + fall * chance.between(-0.1, 0.2), top + (foot - top) * part / 6)
            for part in range(1, 6)
        ]
        pen.polygon([*ridge, (right, foot), *reversed(spine)])


def _descents(outline: Sequence[Point]) -> list[tuple[int, int]]:
    """Return (summit, valley) index pairs of the outline, ignoring ripples."""
    spread = max(y for _, y in outline) - min(y for _, y in outline)
    pairs: list[tuple[int, int]] = []
    summit, valley = 0, 0
    for index, (_, y) in enumerate(outline):
        if y > outline[valley][1]:
            valley = index
        climbed = outline[valley][1] - y
        if y < outline[summit][1] or climbed > spread * 0.05:
            if outline[valley][1] - outline[summit][1] > spread * 0.08:
                pairs.append((summit, valley))
            summit = valley = index
    if outline[valley][1] - outline[summit][1] > spread * 0.08:
        pairs.append((summit, valley))
    return pairs


def paint_snowcaps(
    canvas: Canvas, outline: Sequence[Point], snowline: float, chance: Chance, color: Color
) -> None:
    """Lay snow on whatever rises above the snowline, running down in the gullies."""

    def trace(pen: Pen) -> None:
        tongues = [
            chance.between(0.2, 0.5) if at % 2 else chance.between(0.6, 1.0) for at in range(99)
        ]
        lower = []
        for index, (x, y) in enumerate(outline):
            # A tongue of snow is four points wide, so that it shows as one.
            at, share = index // 2 % 98, index % 2 / 2
            reach = tongues[at] + (tongues[at + 1] - tongues[at]) * share
            lower.append((x, y + max(0.0, snowline - y) * reach))
        pen.polygon([*outline, *reversed(lower)])

    snow = canvas.mask(trace)
    canvas.fill(snow, color, 0.92)
    shaded = canvas.mask(
        lambda pen: _trace_flanks(pen, outline, canvas.height, chance.fork("snow"))
    )
    canvas.fill(ImageChops.multiply(snow, shaded), mix(color, (70, 90, 140), 0.45), 0.75)


def paint_dune(canvas: Canvas, outline: Sequence[Point], tone: Tone, chance: Chance) -> None:
    """Paint a dune: a wind-cut crest winds down from its top, lit on one side."""
    mask = paint_hill(canvas, outline, tone)
    x, top = min(outline, key=lambda point: point[1])
    depth = canvas.height - top
    sway = canvas.unit * chance.between(0.12, 0.25)
    crest = [
        (
            x + sway * math.sin(part / 24 * 4.2) * (0.25 + part / 24),
            top + depth * (part / 24) ** 1.3,
        )
        for part in range(25)
    ]
    dark = canvas.mask(
        lambda pen: pen.polygon(
            [*crest, (canvas.width + 1, canvas.height), (canvas.width + 1, top), (x, top)]
        )
    )
    fall = Image.linear_gradient("L").rotate(90).resize(canvas.image.size)
    dark = ImageChops.multiply(
        ImageChops.multiply(dark, mask), fall.point([150 + v * 105 // 255 for v in range(256)])
    )
    canvas.fill(dark, mix(tone.shade, tone.foot, 0.55), 0.85)


def roughen(canvas: Canvas, mask: Image.Image, chance: Chance, strength: float) -> None:
    """Break up a flat surface with a little light and shade."""
    box = mask.getbbox()
    if box is None:
        return
    width, height = box[2] - box[0], box[3] - box[1]
    grain = noise(width // 2 + 1, height // 2 + 1, chance, (12, 20))
    grain = grain.resize((width, height), Image.Resampling.BILINEAR)
    inked = mask.crop(box)
    light = grain.point([round(strength * max(0, min(255, (v - 128) * 4))) for v in range(256)])
    dark = grain.point([round(strength * max(0, min(255, (122 - v) * 4))) for v in range(256)])
    canvas.image.paste((255, 246, 225), box, ImageChops.multiply(light, inked))
    canvas.image.paste((10, 12, 30), box, ImageChops.multiply(dark, inked))
