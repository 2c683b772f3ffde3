"""Sky: its gradient, sun or moon, stars, northern lights, clouds, birds, rain and snow."""

from __future__ import annotations

import math

from PIL import Image, ImageChops

from image_service.painting.canvas import Canvas, Color, Pen, Point, gradient, mix, noise
from image_service.painting.chance import Chance
from image_service.painting.palette import Palette
from image_service.painting.theme import Theme


def paint_sky(canvas: Canvas, theme: Theme, palette: Palette, horizon: float) -> None:
    """Fill the canvas with sky; the gradient ends at ``horizon`` (pixels from the top)."""
    below = canvas.height - round(horizon)
    canvas.image.paste(gradient(canvas.width, round(horizon), palette.sky), (0, 0))
    canvas.image.paste(palette.sky[-1][1], (0, canvas.height - below, canvas.width, canvas.height))
    if theme.hour == "night":
        return
    # The light gathers where the day begins or ends.
    canvas.glow((canvas.width * 0.5, horizon), canvas.unit * 1.0, palette.light, 0.2)


def place_light(canvas: Canvas, theme: Theme, horizon: float, chance: Chance) -> Point:
    """Choose where the sun or the moon stands."""
    low, high = {
        "dawn": (0.62, 0.82),
        "day": (0.2, 0.4),
        "sunset": (0.7, 0.92),
        "dusk": (0.3, 0.6),
        "night": (0.22, 0.5),
    }[theme.hour]
    side = chance.pick((0.28, 0.38, 0.62, 0.72))
    return canvas.width * (side + chance.between(-0.05, 0.05)), horizon * chance.between(low, high)


def paint_light(canvas: Canvas, theme: Theme, palette: Palette, place: Point) -> None:
    """Paint the sun with its glow, or the moon with its seas."""
    veil = 0.45 if theme.weather in ("mist", "rain") else 1.0
    unit = canvas.unit
    if theme.hour in ("night", "dusk"):
        radius = unit * 0.055
        canvas.glow(place, unit * 0.6, mix(palette.light, palette.far, 0.3), 0.4 * veil)
        canvas.glow(place, unit * 0.19, palette.light, 0.5 * veil)
        canvas.fill(canvas.mask(lambda pen: pen.ellipse(place, radius, radius)), palette.light)
        _paint_moon_seas(canvas, palette, place, radius)
        return
    radius = unit * (0.042 if theme.hour == "day" else 0.065)
    canvas.glow(place, unit * 1.0, palette.light, 0.45 * veil)
    canvas.glow(place, unit * 0.34, palette.light, 0.75 * veil)
    disc = canvas.mask(lambda pen: pen.ellipse(place, radius, radius))
    canvas.fill(disc, mix(palette.light, (255, 255, 255), 0.5), max(0.7, veil))


def _paint_moon_seas(canvas: Canvas, palette: Palette, place: Point, radius: float) -> None:
    x, y = place
    seas = ((-0.3, -0.25, 0.34), (0.25, 0.05, 0.26), (-0.12, 0.38, 0.2), (0.4, -0.42, 0.13))

    def trace(pen: Pen) -> None:
        for right, down, size in seas:
            pen.ellipse((x + right * radius, y + down * radius), size * radius, size * radius)

    canvas.fill(canvas.mask(trace), mix(palette.light, palette.cloud_shade, 0.55), 0.4)


def paint_stars(canvas: Canvas, horizon: float, chance: Chance, share: float = 1.0) -> None:
    """Sow stars, thinner towards the horizon, and a faint milky way."""
    width, unit = canvas.width, canvas.unit
    band = noise(width, round(horizon), chance.fork("milky way"), (3, 5)).point(
        [max(0, value - 138) for value in range(256)]
    )
    whole = Image.new("L", canvas.image.size, 0)
    whole.paste(band, (0, 0))
    lean = Image.linear_gradient("L").point(
        [round(255 * math.sin(v / 255 * math.pi) ** 4) for v in range(256)]
    )
    slant = lean.rotate(35, Image.Resampling.BICUBIC).resize(canvas.image.size)
    canvas.fill(ImageChops.multiply(whole, slant), (200, 205, 255), 0.9 * share)

    def trace(pen: Pen) -> None:
        for _ in range(round(260 * share)):
            x, y = chance.between(0, width), horizon * chance.draw() ** 1.5
            size = unit * 0.0011 * (0.7 + 2.2 * chance.draw() ** 6)
            pen.ellipse((x, y), size, size, ink=chance.whole(90, 255))

    canvas.fill(canvas.mask(trace), (255, 252, 240))


def paint_aurora(canvas: Canvas, horizon: float, chance: Chance) -> None:
    """Hang curtains of northern light."""
    width, height = canvas.width, round(horizon)
    for color, top in (((70, 240, 160), 0.1), ((120, 110, 250), 0.0), ((60, 220, 190), 0.3)):
        folds = noise(width, 1, chance.fork(f"aurora {top}"), (5, 1))
        folds = folds.point([max(0, min(255, (value - 118) * 5)) for value in range(256)])
        curtain = folds.resize((width, height))
        fade = (
            Image.linear_gradient("L")
            .resize((width, height))
            .point(
                [
                    round(255 * max(0.0, math.sin((v / 255) ** 1.6 * math.pi)) ** 1.5)
                    for v in range(256)
                ]
            )
        )
        light = Image.new("L", canvas.image.size, 0)
        light.paste(ImageChops.multiply(curtain, fade), (0, round(horizon * (top - 0.2))))
        canvas.fill(_wavy(light, chance.fork(f"wave {top}")), color, 0.5)


def _wavy(mask: Image.Image, chance: Chance) -> Image.Image:
    """Shift columns up and down along a slow wave."""
    wave = Image.new("L", mask.size, 0)
    strip = max(1, mask.width // 256)
    phase, reach = chance.between(0, 6), mask.height * 0.07
    for x in range(0, mask.width, strip):
        turn = x / mask.width * 7 + phase
        down = round(reach * (math.sin(turn) + 0.5 * math.sin(2.3 * turn)))
        wave.paste(mask.crop((x, 0, x + strip, mask.height)), (x, down))
    return wave


def paint_clouds(canvas: Canvas, theme: Theme, palette: Palette, chance: Chance) -> None:
    """Drift clouds over the sky: more of them when the weather is bad."""
    cover = {"clear": 158, "clouds": 134, "mist": 142, "rain": 112}[theme.weather]
    # Half size is enough: clouds have no sharp edge, and this is the slowest part.
    size = (canvas.width // 2, canvas.height // 2)
    cells = (3, 7) if theme.hour in ("dawn", "sunset", "dusk") else (3, 5)
    shape = noise(*size, chance, cells)
    shape = shape.point([max(0, min(255, (value - cover) * 6)) for value in range(256)])
    fade = Image.linear_gradient("L").resize(size)
    fade = fade.point([round(255 * min(1.0, 1.9 * (1 - v / 255))) for v in range(256)])
    shape = ImageChops.multiply(shape, fade).resize(canvas.image.size, Image.Resampling.BICUBIC)
    lifted = ImageChops.offset(shape, 0, -max(1, round(canvas.unit * 0.012)))
    lit = ImageChops.subtract(shape, ImageChops.multiply(lifted, shape), scale=1.0)
    canvas.fill(shape, palette.cloud_shade, 0.38 if theme.hour != "day" else 0.3)
    canvas.fill(
        ImageChops.lighter(lit, shape.point([v // 2 for v in range(256)])), palette.cloud, 0.8
    )


def paint_birds(canvas: Canvas, palette: Palette, horizon: float, chance: Chance) -> None:
    """Send a small flock across the sky."""
    x, y = canvas.width * chance.between(0.15, 0.75), horizon * chance.between(0.25, 0.55)
    unit = canvas.unit

    def trace(pen: Pen) -> None:
        for _ in range(chance.whole(4, 8)):
            at = (x + unit * chance.between(-0.14, 0.14), y + unit * chance.between(-0.06, 0.06))
            span = unit * chance.between(0.008, 0.016)
            lift = span * chance.between(0.3, 0.7)
            wing = unit * 0.0022
            left, right = (at[0] - span, at[1] - lift), (at[0] + span, at[1] - lift * 0.8)
            rise = (at[1] - lift * 1.1) - wing
            pen.polygon(
                [left, (at[0] - span * 0.4, rise), at, (at[0] - span * 0.45, rise + wing * 2)]
            )
            pen.polygon(
                [right, (at[0] + span * 0.4, rise), at, (at[0] + span * 0.45, rise + wing * 2)]
            )

    canvas.fill(canvas.mask(trace), mix(palette.near, palette.far, 0.25), 0.85)


def paint_mist(canvas: Canvas, color: Color, level: float, chance: Chance) -> None:
    """Lay a bank of mist around ``level`` (pixels from the top)."""
    thick = round(canvas.unit * 0.22)
    size = (canvas.width, thick)
    fade = Image.linear_gradient("L").resize(size)
    fade = fade.point([round(255 * math.sin(v / 255 * math.pi) ** 2) for v in range(256)])
    bank = noise(*size, chance, (2, 3)).point([min(255, 70 + value) for value in range(256)])
    whole = Image.new("L", canvas.image.size, 0)
    whole.paste(ImageChops.multiply(bank, fade), (0, round(level - thick / 2)))
    canvas.fill(whole, color, 0.6)


def paint_rain(canvas: Canvas, palette: Palette, chance: Chance) -> None:
    """Draw slanting threads of rain."""
    unit = canvas.unit

    def trace(pen: Pen) -> None:
        for _ in range(240):
            x, y = chance.between(-0.1, 1) * canvas.width, chance.between(-0.1, 1) * canvas.height
            fall = unit * chance.between(0.02, 0.06)
            pen.line(
                [(x, y), (x - fall * 0.22, y + fall)], unit * 0.0009, ink=chance.whole(50, 150)
            )

    canvas.fill(canvas.mask(trace), mix(palette.cloud, (255, 255, 255), 0.4), 0.7)


def paint_snowfall(canvas: Canvas, chance: Chance) -> None:
    """Let snow fall, near flakes larger and softer than far ones."""
    unit = canvas.unit

    def trace(pen: Pen) -> None:
        for _ in range(230):
            near = chance.draw() ** 3
            place = (chance.draw() * canvas.width, chance.draw() * canvas.height)
            size = unit * (0.0016 + 0.0045 * near)
            pen.ellipse(place, size, size, ink=round(225 - 110 * near))

    canvas.fill(canvas.mask(trace), (255, 255, 255), 0.85)
