"""Scenes on land: mountains, forest, desert, snow and fields."""

from __future__ import annotations

from PIL import Image

from image_service.painting import land, plants, sky
from image_service.painting.canvas import Pen, mix
from image_service.painting.chance import Chance
from image_service.painting.land import Tone
from image_service.painting.view import DARK_HOURS, WHITE, View

_TREE_ROW = 2  # the lone tree of a field stands on the third of its four hills


def paint_mountain(view: View) -> None:
    """Paint three ranges with mist between them, and firs before them."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("mountain")
    unit, level = canvas.unit, view.horizon
    for index, (near, is_snowy) in enumerate(((0.04, True), (0.2, True), (0.42, False))):
        part = chance.fork(f"range {index}")
        reach = unit * (0.42 - 0.1 * index)
        outline = land.rugged(canvas.width, level + unit * 0.05 * index, reach, part)
        floor = level + unit * 0.14
        land.paint_range(canvas, outline, floor, view.land_tone(near), part)
        if is_snowy:
            snow = mix(mix(WHITE, palette.light, 0.3), palette.far, 0.55 - 0.25 * index)
            if view.theme.hour in DARK_HOURS:
                snow = mix(snow, palette.far, 0.5)
            land.paint_snowcaps(canvas, outline, level - reach * 0.5, part, snow)
        sky.paint_mist(canvas, palette.sky[-1][1], level + unit * 0.02 * index, part)
    _paint_firs(view, chance)


def _paint_firs(view: View, chance: Chance) -> None:
    """Close the foreground with two rows of firs on dark slopes."""
    canvas, unit = view.canvas, view.canvas.unit
    for near, level, tall, count in ((0.68, 0.86, 0.09, 46), (0.95, 0.97, 0.2, 20)):
        outline = land.rolling(canvas.width, canvas.height * level, unit * 0.05, chance)
        spread = round(count * canvas.width / unit)
        wood = plants.wooded(canvas, outline, unit * tall, spread, chance=chance)
        tone = view.land_tone(near)
        canvas.shade(wood, [(0, tone.lit), (0.5, tone.shade), (1, tone.foot)])


def paint_forest(view: View) -> None:
    """Paint row behind row of firs, mist rising between."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("forest")
    unit, green = canvas.unit, (30, 92, 62)
    rugged = land.rugged(canvas.width, view.horizon + unit * 0.05, unit * 0.22, chance)
    land.paint_range(canvas, rugged, canvas.height, view.land_tone(0.08), chance)
    for index in range(5):
        near = 0.2 + 0.19 * index
        level = view.horizon + (canvas.height - view.horizon) * (index * 0.24 - 0.08)
        outline = land.rolling(canvas.width, level, unit * 0.07, chance)
        count = round((64 - 11 * index) * canvas.width / unit)
        tall = unit * (0.07 + 0.055 * index)
        wood = plants.wooded(canvas, outline, tall, count, chance=chance)
        tone = view.land_tone(near, green, 0.34)
        canvas.shade(wood, [(0, tone.lit), (0.35, tone.shade), (1, tone.foot)])
        if near < 0.9:  # noqa: PLR2004 - no mist before the nearest row
            sky.paint_mist(canvas, palette.sky[-1][1], level + unit * 0.07, chance.fork(f"{index}"))


def paint_desert(view: View) -> None:
    """Paint dunes, far mesas and a few cacti."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("desert")
    unit, sand = canvas.unit, (226, 150, 84)
    mesas = land.rugged(canvas.width, view.horizon + unit * 0.03, unit * 0.12, chance)
    land.paint_range(canvas, mesas, canvas.height, view.land_tone(0.1, sand, 0.2), chance)
    for index in range(4):
        share = index / 3
        level = view.horizon + (canvas.height - view.horizon) * (0.1 + 0.62 * share)
        outline = land.rolling(canvas.width, level, unit * (0.05 + 0.06 * share), chance)
        tone = view.land_tone(0.15 + 0.3 * share, sand, 0.72)
        foot = Tone(
            lit=mix(tone.lit, palette.light, 0.32),
            shade=tone.shade,
            foot=mix(tone.shade, palette.near, 0.5),
        )
        land.paint_dune(canvas, outline, foot, chance)
    whole = Image.new("L", canvas.image.size, 0)
    whole.paste(255, (0, round(view.horizon), canvas.width, canvas.height))
    land.roughen(canvas, whole, chance.fork("grain"), 0.06)

    def trace(pen: Pen) -> None:
        for _ in range(chance.whole(3, 5)):
            near = chance.draw()
            place = (
                canvas.width * chance.between(0.04, 0.96),
                canvas.height * (0.78 + 0.17 * near),
            )
            plants.trace_cactus(pen, place, unit * (0.08 + 0.14 * near), chance)

    canvas.fill(canvas.mask(trace), mix(palette.near, (20, 40, 34), 0.4))


def paint_snow(view: View) -> None:
    """Paint a snowed-in range, white hills with firs, and falling snow."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("snow")
    unit, level = canvas.unit, view.horizon
    dark = view.theme.hour in DARK_HOURS
    white = mix(WHITE, palette.sky[-2][1], 0.5 if dark else 0.12)
    outline = land.rugged(canvas.width, level + unit * 0.06, unit * 0.32, chance)
    land.paint_range(canvas, outline, canvas.height, view.land_tone(0.12), chance)
    land.paint_snowcaps(canvas, outline, level - unit * 0.02, chance, mix(white, palette.far, 0.45))
    sky.paint_mist(canvas, palette.sky[-1][1], level + unit * 0.02, chance)
    for index in range(4):
        rise = land.rolling(
            canvas.width,
            level + (canvas.height - level) * (0.02 + 0.26 * index),
            unit * 0.06,
            chance,
        )
        count = round((40 - 10 * index) * canvas.width / unit * 0.6)
        tall = unit * (0.08 + 0.06 * index)
        wood = plants.wooded(canvas, rise, tall, count, chance=chance, has_ground=False)
        firs = mix(mix(palette.far, palette.near, 0.35 + 0.2 * index), white, 0.12)
        canvas.fill(wood, firs)
        shade = mix(white, palette.sky[0][1], 0.42 - 0.06 * index)
        lit = mix(white, palette.light, 0.25)
        land.paint_hill(
            canvas,
            [(x, y + unit * 0.012) for x, y in rise],
            Tone(lit=lit, shade=mix(lit, shade, 0.6), foot=shade),
        )
    sky.paint_snowfall(canvas, chance)


def paint_field(view: View) -> None:
    """Paint hills of crops with one broad tree, flowers and grass."""
    canvas, palette, chance = view.canvas, view.palette, view.chance.fork("field")
    unit, level = canvas.unit, view.horizon
    crop = chance.pick(((126, 160, 62), (196, 172, 70), (142, 102, 178), (92, 150, 84)))
    ridge = land.rugged(canvas.width, level + unit * 0.04, unit * 0.16, chance)
    land.paint_range(canvas, ridge, canvas.height, view.land_tone(0.1), chance)
    for index in range(4):
        share = index / 3
        outline = land.rolling(
            canvas.width,
            level + (canvas.height - level) * (0.06 + 0.24 * index),
            unit * 0.05,
            chance,
        )
        color = mix((104, 146, 74), view.theme.tint or crop, 1.0 if index % 2 else 0.35)
        mask = land.paint_hill(canvas, outline, view.land_tone(0.2 + 0.35 * share, color, 0.75))
        land.roughen(canvas, mask, chance.fork(f"soil {index}"), 0.05 + 0.05 * share)
        if index == _TREE_ROW:
            x = canvas.width * (0.26 if view.light[0] > canvas.width / 2 else 0.74)
            leaf = view.land_tone(0.55, (58, 110, 58), 0.7).shade
            foot = (x, land.height_at(outline, x) + unit * 0.02)
            plants.paint_broad_tree(
                canvas, foot, unit * 0.46, leaf, palette.light, chance=chance.fork("tree")
            )
    shade = 0.55 if view.theme.hour in DARK_HOURS else 0.1
    blossoms = [
        mix(color, palette.near, shade)
        for color in ((250, 226, 120), (240, 120, 130), (250, 246, 240))
    ]
    plants.paint_flowers(canvas, canvas.height * 0.86, blossoms, chance)
    plants.paint_grass(canvas, view.land_tone(0.92, (40, 84, 40), 0.5).shade, chance)
