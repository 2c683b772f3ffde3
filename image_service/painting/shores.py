"""Scenes at the water: the sea, a city and a lake."""

from __future__ import annotations

from image_service.painting import land, plants, sky, town, water
from image_service.painting.canvas import Pen, mix
from image_service.painting.chance import Chance
from image_service.painting.view import DARK_HOURS, WHITE, View


def paint_sea(view: View) -> None:
    """Paint islands, open water, perhaps a boat, and a beach with palms."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("sea")
    width, unit, level = canvas.width, canvas.unit, view.horizon
    for near, reach in ((0.05, 0.13), (0.25, 0.07)):
        outline = land.rolling(width, level + unit * 0.02, unit * reach, chance)
        land.paint_range(canvas, outline, level, view.land_tone(near), chance)
    water.paint_water(canvas, level, palette, chance, calm=0.35)
    water.paint_glitter(canvas, view.light, level, palette.light, chance)
    if chance.happens(0.75):
        place = (width * chance.between(0.2, 0.8), level + unit * chance.between(0.03, 0.07))
        hull = mix(palette.near, palette.far, 0.2)
        water.paint_sailboat(canvas, place, unit * 0.09, hull, mix(palette.cloud, WHITE, 0.4))
    _paint_beach(view, chance)


def _paint_beach(view: View, chance: Chance) -> None:
    canvas, palette = view.canvas, view.palette
    width, height, unit = canvas.width, canvas.height, canvas.unit
    dark = view.theme.hour in DARK_HOURS
    sand = mix((236, 208, 160), palette.near, 0.62 if dark else 0.12)
    shore = land.rolling(width, height * 0.88, unit * 0.05, chance)
    for lift, color, opacity in ((0.03, WHITE, 0.25), (0.014, WHITE, 0.6), (0.0, sand, 1.0)):
        edge = [(x, y - unit * lift) for x, y in shore]
        mask = canvas.mask(land.tracer(edge, height))
        canvas.fill(mask, mix(color, palette.sky[-1][1], 0.25), opacity)
    wet = canvas.mask(land.tracer(shore, height))
    canvas.shade(
        wet, [(0, mix(sand, palette.near, 0.3)), (0.3, sand), (1, mix(sand, palette.light, 0.2))]
    )
    land.roughen(canvas, wet, chance.fork("sand"), 0.12)
    # The palms stand opposite the light and lean towards it.
    side, lean = (0.1, 1.0) if view.light[0] > width / 2 else (0.9, -1.0)

    def trace(pen: Pen) -> None:
        for shift, tall in ((0.0, 0.62), (0.09, 0.48)):
            foot = (width * side + lean * unit * shift, height * (0.97 - shift * 0.3))
            plants.trace_palm(pen, foot, unit * tall, lean * chance.between(0.5, 0.95), chance)

    canvas.fill(canvas.mask(trace), mix(palette.near, (12, 16, 20), 0.35))


def paint_city(view: View) -> None:
    """Paint three rows of towers behind water."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("city")
    unit, level = canvas.unit, view.horizon
    dark = view.theme.hour not in ("day", "dawn")
    for index, near in enumerate((0.1, 0.35, 0.72)):
        part = chance.fork(f"row {index}")
        row = town.build_row(canvas, level, unit * (0.52 - 0.1 * index), part)
        tone = view.land_tone(near)
        town.paint_row(canvas, row, tone.shade, mix(tone.foot, palette.sky[-1][1], 0.25))
        if dark:
            town.paint_windows(canvas, row, 0.16 + 0.16 * index, part)
        elif index:
            town.paint_windows(canvas, row, 0.1, part)
    canvas.glow(
        (canvas.width / 2, level), canvas.width * 0.55, palette.light, 0.22 if dark else 0.1
    )
    water.paint_water(canvas, level, palette, chance, calm=0.75)
    water.paint_glitter(canvas, view.light, level, palette.light, chance)


def paint_lake(view: View) -> None:
    """Paint two ranges mirrored in still water, reeds before it."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("lake")
    unit, level = canvas.unit, view.horizon
    for index, near in enumerate((0.06, 0.26)):
        part = chance.fork(f"range {index}")
        reach = unit * (0.36 - 0.12 * index)
        outline = land.rugged(canvas.width, level + unit * 0.01, reach, part)
        land.paint_range(canvas, outline, level, view.land_tone(near), part)
        if index == 0:
            snow = mix(mix(WHITE, palette.light, 0.3), palette.far, 0.4)
            land.paint_snowcaps(canvas, outline, level - reach * 0.55, part, snow)
        sky.paint_mist(canvas, palette.sky[-1][1], level - unit * 0.01, part)
    bank = land.rolling(canvas.width, level - unit * 0.01, unit * 0.016, chance)

    def trace(pen: Pen) -> None:
        pen.polygon(land.solid(bank, level))
        plants.trace_conifers(pen, bank, unit * 0.075, round(50 * canvas.width / unit), chance)

    canvas.fill(canvas.mask(trace), view.land_tone(0.62, (30, 80, 60), 0.2).shade)
    water.paint_water(canvas, level, palette, chance, calm=0.85)
    water.paint_glitter(canvas, view.light, level, palette.light, chance)
    plants.paint_grass(canvas, mix(palette.near, (14, 30, 22), 0.3), chance, tall=0.11)
